"""A published bundle as optuna-dashboard itself shows, serves and deletes it."""

import json
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna_dashboard
import pytest
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from studyhall.studies.artifacts.attachments import attach
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import publish
from studyhall.studies.storage.study_storage import open_storage
from tests.support.bundles import FACTS


class Dashboard:
    """optuna-dashboard over one study, asked without a server in between."""

    def __init__(self, storage: RDBStorage, folder: Path) -> None:
        self.storage = storage
        self.store = open_artifact_store(str(folder / "artifacts"), create=True)
        self.study_id = storage.create_new_study([StudyDirection.MINIMIZE], "bss")
        self.files = folder / "files"
        self.files.mkdir()
        (self.files / "model.keras").write_bytes(b"weights")
        (self.files / "history.json").write_text('{"loss": [1]}')
        (self.files / "history.png").write_bytes(b"png")
        self.app = optuna_dashboard.wsgi(storage, artifact_store=self.store)

    def publish(self) -> None:
        publish(self.files, FACTS, self.store, self.storage, self.study_id)

    def ask(self, method: str, path: str) -> tuple[str, dict[str, str], bytes]:
        """Return an answer's status, headers and body."""
        environment: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path}
        setup_testing_defaults(environment)
        answer: list[Any] = []
        body = self.app(environment, lambda status, headers, *_: answer.extend((status, dict(headers))))
        try:
            return answer[0], answer[1], b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()

    def shown(self) -> dict[str, str]:
        """The ids of the artifacts on the study's page, by name."""
        _, _, body = self.ask("GET", f"/api/studies/{self.study_id}")
        return {item["filename"]: item["artifact_id"] for item in json.loads(body)["artifacts"]}


@pytest.fixture(params=["ours", "optuna's"])
def dashboard(request: pytest.FixtureRequest, tmp_path: Path) -> Dashboard:
    folder = tmp_path / "stüdies of 'many'"
    folder.mkdir()
    url = f"sqlite:///{folder / 'studies.db'}"
    storage = open_storage(url, create=True) if request.param == "ours" else RDBStorage(url)
    return Dashboard(storage, folder)


def test_dashboard_shows_and_serves_the_files_of_the_published_bundle(dashboard: Dashboard) -> None:
    for _ in range(2):  # after a second publication too, and then only the second one's
        dashboard.publish()
        shown = dashboard.shown()
        assert sorted(shown) == ["history.json", "history.png", "manifest.json", "model.keras"]
        status, headers, body = dashboard.ask(
            "GET", f"/artifacts/{dashboard.study_id}/{shown['history.png']}"
        )
        assert (status, headers["Content-Type"], body) == ("200 OK", "image/png", b"png")


def test_dashboard_shows_what_was_attached_to_a_trial(dashboard: Dashboard) -> None:
    trial_id = dashboard.storage.create_new_trial(dashboard.study_id)
    attachment = attach(
        dashboard.storage, dashboard.store, b"<svg/>", trial_id=trial_id, filename="predictions.svg"
    )
    path = f"/artifacts/{dashboard.study_id}/{trial_id}/{attachment.artifact_id}"
    status, headers, body = dashboard.ask("GET", path)
    assert (status, headers["Content-Type"], body) == ("200 OK", "image/svg+xml", b"<svg/>")


def test_study_whose_files_were_lost_can_still_be_deleted_in_the_dashboard(dashboard: Dashboard) -> None:
    dashboard.publish()
    dashboard.store.remove(dashboard.shown()["model.keras"])
    status, _, _ = dashboard.ask("DELETE", f"/api/studies/{dashboard.study_id}")
    assert status.startswith("204")
    assert dashboard.storage.get_all_studies() == []


def test_bundle_can_be_published_again_after_a_file_was_deleted_in_the_dashboard(
    dashboard: Dashboard,
) -> None:
    dashboard.publish()
    deleted = dashboard.shown()["history.png"]
    status, _, _ = dashboard.ask("DELETE", f"/api/artifacts/{dashboard.study_id}/{deleted}")
    assert status.startswith("204")
    assert "history.png" not in dashboard.shown()
    dashboard.publish()
    assert len(dashboard.shown()) == 4
