"""What workers leave for the dashboard: each trial's files, its learning curve, and the best one in
the note.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from wsgiref.util import setup_testing_defaults

import optuna_dashboard
import pytest
from optuna.trial import Trial

from studyhall.search.core.outcome import Completed
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactError
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study.study import Study
from tests.support.studies import claim


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False)
    yield storage
    storage.close()


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    definition = Definition.model_validate(
        {"name": "bss", "objective": "val_mae", "search": {"trials": 3}, "pruner": "none"}
    )
    return Study.create_or_join(storage, definition)


def at_work(study: Study, store: FileArtifactStore, trial: Trial) -> StudyHandle:
    return StudyHandle(study, trial, store, lambda event: None, lambda: False)


def complete(study: Study, handle: StudyHandle, trial: Trial, value: float) -> None:
    handle.flush()
    study.results.complete(trial, value)


class Dashboard:
    """optuna-dashboard, asked without a server in between."""

    def __init__(self, study: Study, store: FileArtifactStore) -> None:
        self.app = optuna_dashboard.wsgi(study.storage, artifact_store=store)
        self.study_id = study.id

    def get(self, path: str) -> bytes:
        environment: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
        setup_testing_defaults(environment)
        answer: list[str] = []
        body = self.app(environment, lambda status, headers, *_: answer.append(status))
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        assert answer == ["200 OK"], content
        return content

    def study(self) -> Any:
        return json.loads(self.get(f"/api/studies/{self.study_id}"))


def test_files_of_a_trial_are_on_its_page_and_the_best_ones_picture_in_the_note(
    study: Study, store: FileArtifactStore
) -> None:
    with at_work(study, store, trial := claim(study)) as handle:
        handle.attach("history.json", b"{}")
        handle.attach("predictions.png", b"picture")
        complete(study, handle, trial, 0.5)
        Announcer(study).trial_ended(0, Completed(0.5, 1, None))
    dashboard = Dashboard(study, store)
    shown = dashboard.study()
    assert shown["objective_names"] == ["val_mae"]
    page = next(each for each in shown["trials"] if each["number"] == 0)
    files = {each["filename"]: each["artifact_id"] for each in page["artifacts"]}
    assert sorted(files) == ["history.json", "predictions.png"]
    path = f"/artifacts/{study.id}/{page['trial_id']}/{files['predictions.png']}"
    assert f"![Predictions of trial 0]({path})" in shown["note"]["body"]
    assert dashboard.get(path) == b"picture"


def test_trial_that_goes_on_elsewhere_has_one_curve_and_one_of_each_file(
    study: Study, store: FileArtifactStore
) -> None:
    with at_work(study, store, claim(study)) as handle:
        handle.report(1, 0.9)
        handle.report(2, 0.8)
        handle.attach("history.json", b"first")
        handle.flush()
        study.trials.hand_back(handle.lease)
    with at_work(study, store, trial := claim(study)) as handle:
        assert handle.number == 0
        handle.report(3, 0.7)
        handle.attach("history.json", b"second")
        complete(study, handle, trial, 0.7)
    page = next(each for each in Dashboard(study, store).study()["trials"] if each["number"] == 0)
    assert [(each["step"], each["value"]) for each in page["intermediate_values"]] == [
        (1, 0.9),
        (2, 0.8),
        (3, 0.7),
    ]
    assert len(page["artifacts"]) == 1
    assert [path.read_bytes() for path in store.folder.iterdir()] == [b"second"]


def test_store_that_cannot_take_a_file_costs_the_trial_nothing(
    study: Study, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(FileArtifactStore):
        def write(self, artifact_id: str, content_body: BinaryIO) -> None:
            raise ArtifactError("no space is left there")

    with at_work(study, Full(tmp_path), trial := claim(study)) as handle:
        handle.attach("history.json", b"{}")
        complete(study, handle, trial, 0.5)
    assert study.counts().complete == 1
    assert "history.json of trial 0 is not shown: no space" in caplog.text
