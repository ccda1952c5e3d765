"""A study is opened to work on it only where its artifact store and its versions are right."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.artifacts.location import artifact_location
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.database.attributes import STORE, VERSIONS
from studyhall.studies.database.optuna_tables import study_user_attributes
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactError, StudyConflictError
from studyhall.studies.retention.cleaning import Cleaning
from studyhall.studies.study.opening import existing_study, open_study, study_exists
from studyhall.studies.study.study import Study
from studyhall.studies.study.versions import installed


@pytest.fixture
def work(sqlite_template: Path, tmp_path: Path) -> Callable[..., Study]:
    """Opens a study as a worker does."""
    shutil.copy(sqlite_template, tmp_path / "studies.db")

    def work(trials: int = 2, artifacts: str = "artifacts") -> Study:
        definition = Definition.model_validate({"name": "bss", "search": {"trials": trials}})
        url = f"sqlite:///{tmp_path}/studies.db"
        location = artifacts if "://" in artifacts else str(tmp_path / artifacts)
        return open_study(url, location, definition, Patience())[0]

    return work


def test_study_remembers_the_versions_that_it_was_created_with(work: Callable[..., Study]) -> None:
    assert work().versions() == work().versions() == installed()


def test_worker_of_another_release_is_refused_and_changes_nothing(work: Callable[..., Study]) -> None:
    study = work(trials=2)
    study.optuna().set_user_attr(VERSIONS, installed() | {"studyhall": "0.0.9"})
    with pytest.raises(StudyConflictError, match="was created with studyhall 0.0.9"):
        work(trials=5)
    assert study.counts().total == 2


def test_study_that_is_older_than_the_record_of_versions_is_worked_on(work: Callable[..., Study]) -> None:
    study = work()
    study.optuna().set_user_attr(VERSIONS, {})
    assert work(trials=3).counts().total == 3


def test_opening_leaves_one_small_file_in_the_artifact_store_however_often(
    work: Callable[..., Study], tmp_path: Path
) -> None:
    work()
    (marker,) = (tmp_path / "artifacts").iterdir()
    assert marker.stat().st_size < 100
    work()
    assert [*(tmp_path / "artifacts").iterdir()] == [marker]


def test_worker_with_another_artifact_store_is_refused_and_changes_nothing(
    work: Callable[..., Study], tmp_path: Path
) -> None:
    study = work(trials=2)
    (marker,) = (tmp_path / "artifacts").iterdir()
    with pytest.raises(
        ArtifactError, match=f"not the one that this study's other workers use.*{marker.name}"
    ):
        work(trials=5, artifacts="elsewhere")
    assert study.counts().total == 2
    assert not (tmp_path / "elsewhere").exists()


def test_worker_goes_on_in_a_new_store_once_the_lost_ones_marker_is_put_there(
    work: Callable[..., Study], tmp_path: Path
) -> None:
    work()
    (marker,) = (tmp_path / "artifacts").iterdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / marker.name).touch()
    assert work(artifacts="elsewhere").counts().total == 2


def test_database_and_its_artifacts_can_be_moved_together(sqlite_template: Path, tmp_path: Path) -> None:
    definition = Definition.model_validate({"name": "bss", "search": {"trials": 2}})
    (tmp_path / "here").mkdir()
    shutil.copy(sqlite_template, tmp_path / "here" / "studies.db")
    for folder in ("here", "there"):
        url = f"sqlite:///{tmp_path}/{folder}/studies.db"
        study, _ = open_study(url, artifact_location(url, "artifacts"), definition, Patience())
        study.storage.close()
        if folder == "here":
            (tmp_path / "here").rename(tmp_path / "there")
    assert study.counts().total == 2


def test_study_that_is_older_than_markers_is_worked_on_with_any_store(
    work: Callable[..., Study],
) -> None:
    study = work()
    gone = delete(study_user_attributes).where(study_user_attributes.c.key == STORE)
    study.storage.transact(lambda connection: connection.execute(gone))
    assert work(artifacts="elsewhere").counts().total == 2


def test_creation_that_is_refused_or_raced_leaves_no_marker(
    work: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_or_join = Study.create_or_join

    def refuse(*_: Any, **__: Any) -> Study:
        raise StudyConflictError("no")

    monkeypatch.setattr(Study, "create_or_join", refuse)
    with pytest.raises(StudyConflictError):
        work()
    assert not (tmp_path / "artifacts").exists()

    def be_late(*arguments: Any, **options: Any) -> Study:
        monkeypatch.setattr(Study, "create_or_join", create_or_join)
        work()
        return create_or_join(*arguments, **options)

    monkeypatch.setattr(Study, "create_or_join", be_late)
    assert work().counts().total == 2
    assert len([*(tmp_path / "artifacts").iterdir()]) == 1


def test_cleaning_keeps_the_marker_however_old(work: Callable[..., Study], tmp_path: Path) -> None:
    study = work()
    store = open_artifact_store(str(tmp_path / "artifacts"), create=False)
    assert Cleaning(study, store, clock=lambda: time.time() + 1e6).find() == []


def test_artifact_store_that_fails_the_probe_is_one_line_before_a_study_is_made(
    work: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ArtifactError("Cannot write to the artifact store: no space is left there.")

    with monkeypatch.context() as patch:
        patch.setattr(FileArtifactStore, "write", refuse)
        with pytest.raises(ArtifactError, match="no space is left"):
            work(trials=7)
    assert not (tmp_path / "artifacts").exists()
    assert work(trials=2).counts().total == 2


def test_bucket_that_is_missing_is_one_line_before_a_study_is_made(
    work: Callable[..., Study], tmp_path: Path, s3: Any
) -> None:
    with pytest.raises(ArtifactError, match="There is no bucket 'no-such-bucket'"):
        work(trials=7, artifacts="s3://no-such-bucket/x")
    assert work(trials=2, artifacts=f"s3://{s3.create_bucket()}/x").counts().total == 2


def test_study_that_is_only_looked_at_leaves_no_connection_open(
    work: Callable[..., Study], tmp_path: Path
) -> None:
    work().storage.close()

    def connections() -> list[str]:
        held = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return [each for each in held if each.startswith(str(tmp_path))]

    with existing_study(f"sqlite:///{tmp_path}/studies.db", "bss") as study:
        assert study.counts().total == 2
        assert connections() != []
    assert connections() == []


def test_storage_that_is_missing_holds_no_study_and_is_not_made_by_asking(tmp_path: Path) -> None:
    assert not study_exists(f"sqlite:///{tmp_path}/none.db", "bss", Patience())
    assert list(tmp_path.iterdir()) == []
