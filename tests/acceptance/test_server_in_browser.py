"""A person at a real browser: logs in, watches a study run, looks at a trial in the dashboard, takes the
model home.
"""

import hashlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import Trial
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from studyhall.studies.artifacts.attachments import attach
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import Facts, publish
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.acceptance.tiny_training import TinyTraining, train

SECONDS = 15_000  # ms that anything on a page may take on a busy machine
CHROMIUM = shutil.which("chromium")
PASSWORD = "correct horse battery staple"


class Work:
    """A study, as a worker of ours works on it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/studies.db"
        self.storage = open_storage(self.url, create=True)
        self.store = open_artifact_store(str(folder / "artifacts"), create=True)
        content: dict[str, Any] = {"name": "bss", "search": {"trials": 3}, "training": {"epochs": 4}}
        content |= {"data": {"source": "synthetic"}, "hypermodel": {"path": BUILT_IN_HYPERMODEL}}
        self.study = Study.create_or_join(self.storage, Definition.model_validate(content))
        self.study.workers.register("w1", host="node", pid=7, device="gpu:0 NVIDIA H200")

    def claim(self) -> Trial:
        trial = self.study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner(), worker="w1")
        assert trial is not None
        return trial

    def train(self, trial: Trial, epoch: int, value: float) -> None:
        trial.report(value, epoch)
        self.study.trials.renew(self.study.trials.lease_of(trial), epoch=epoch, images_per_second=1234.0)

    def attach_predictions(self, trial: Trial, picture: bytes) -> str:
        kept = attach(self.storage, self.store, picture, trial_id=trial._trial_id, filename="predictions.png")
        return kept.artifact_id

    def publish(self, trained: TinyTraining) -> None:
        unknown: dict[str, Any] = {"seeds": {}, "versions": {}, "revision": None, "hyperparameters": {}}
        facts = Facts(
            study="bss",
            definition=self.study.definition.record(),
            signature=self.study.signature,
            source="retrained",
            why=f"retraining reached {min(trained.val_loss)}",
            trial=0,
            parameters=trained.parameters,
            data_fingerprint=trained.fingerprint,
            backend="tensorflow",
            device="cpu",
            metrics={"validation": min(trained.val_loss)},
            **unknown,
        )
        publish(trained.folder, facts, self.store, self.storage, self.study.id)


def width_of(picture: bytes | Path) -> int:
    """The width of a picture, in pixels."""
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return image.width


@pytest.fixture
def work(project: Any) -> Iterator[Work]:
    work = Work(project.folder)
    yield work
    work.storage.close()


@pytest.fixture
def address(project: Any, work: Work, wait_for_line: Callable[["subprocess.Popen[str]", str], str]) -> str:
    """Where a `studyhall serve` of the installed command is, which wants a password."""
    passwords = project.write("passwords.txt", f"ada reader {PASSWORD}\n")
    passwords.chmod(0o600)
    arguments = ("--storage", work.url, "--port", "0", "--password-file", "passwords.txt")
    line = wait_for_line(project.start("serve", *arguments), "Serving ")
    found = re.search(r"http://[0-9.:]+", line)
    assert found is not None, line
    return found[0]


@pytest.fixture
def browser_page() -> Iterator[Page]:
    """A page of a browser that is as narrow as a telephone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.set_default_timeout(SECONDS)
        yield page
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_person_logs_in_sees_numbers_move_and_takes_the_model_home(
    address: str, work: Work, browser_page: Page, tmp_path: Path
) -> None:
    page, problems = browser_page, list[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    trained = train(tmp_path / "bundle", work.study.definition, epochs=2)
    first = work.claim()
    work.train(first, 1, 0.5)
    picture = work.attach_predictions(first, trained.predictions)

    # The access.
    page.goto(f"{address}/studies/bss")
    assert "/login" in page.url
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="bss")).to_be_visible(timeout=SECONDS)
    assert page.url == f"{address}/studies/bss"
    expect(page.get_by_text("ada (reader)")).to_be_visible()

    # The numbers move, and the page is not loaded again for that.
    page.evaluate("window.notReloaded = true")
    table = page.locator("table.now")
    expect(table).to_contain_text("1 of 4")
    expect(table).to_contain_text("gpu:0 NVIDIA H200")
    work.train(first, 2, 0.25)
    expect(table).to_contain_text("2 of 4", timeout=SECONDS)
    expect(table).to_contain_text("0.25")
    work.study.results.complete(first, 0.25)
    second = work.claim()
    work.train(second, 1, 0.75)
    numbers = page.locator("dl.numbers").first
    expect(numbers).to_contain_text("trial 0", timeout=SECONDS)
    expect(numbers).to_contain_text("0.25")
    expect(page.locator("svg.chart.narrow circle.improved")).to_have_count(1)
    assert page.evaluate("window.notReloaded") is True
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) == 0

    # The published model, verified.
    work.study.results.complete(second, 0.75)
    work.study.results.complete(work.claim(), 0.5)
    work.study.workers.dismiss("w1")
    work.publish(trained)
    button = page.get_by_role("link", name="model.keras")
    expect(button).to_be_visible(timeout=2 * SECONDS)
    with page.expect_download() as download:
        button.click()
    taken = hashlib.sha256(download.value.path().read_bytes()).hexdigest()
    manifest = json.loads(page.request.get(f"{address}/studies/bss/best/manifest.json").text())
    assert taken == manifest["files"]["model.keras"]["sha256"]
    assert download.value.suggested_filename == "model.keras"
    download.value.save_as(tmp_path / "taken.keras")
    taken_home, mixtures = keras.models.load_model(tmp_path / "taken.keras"), np.ones((1, 32, 32, 1))
    ours = keras.models.load_model(trained.folder / "model.keras")
    np.testing.assert_array_equal(taken_home(mixtures), ours(mixtures))
    grid = page.get_by_alt_text("What the published model makes of test mixtures")
    expect(grid).to_have_js_property(
        "naturalWidth", width_of(trained.folder / "separations.png"), timeout=SECONDS
    )
    assert problems == []

    # The trial in the dashboard, with its picture.
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="trial 0").first.click()
    shown = page.locator(f"img[src*='{picture}']").first
    expect(shown).to_have_js_property("naturalWidth", width_of(trained.predictions), timeout=2 * SECONDS)
    assert "/dashboard/studies/" in page.url

    # And out.
    page.goto(f"{address}/studies/bss")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{address}/studies/bss")
    assert "/login" in page.url
