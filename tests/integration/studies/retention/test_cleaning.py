"""What `studyhall clean` finds, shows and removes, and above all what it leaves alone."""

import io
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from optuna.trial import Trial

from studyhall.search.commands.group import cli
from studyhall.studies.artifacts.attachments import attach
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactError
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.retention.cleaning import OLD_SECONDS, Cleaning, Kind
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.study import Study
from tests.support.studies import claim

DIGEST = "0" * 64


def join(storage: StudyStorage, name: str = "bss", trials: int = 5) -> Study:
    search = {"trials": trials, "keep_models": 2}
    return Study.create_or_join(storage, Definition.model_validate({"name": name, "search": search}))


@pytest.fixture
def study(storage: StudyStorage) -> Study:
    return join(storage)


def checkpoint(study: Study, store: FileArtifactStore, trial: Trial, name: str) -> None:
    store.write(name, io.BytesIO(b"checkpoint"))
    study.checkpoints.record(study.trials.lease_of(trial), 1, name, DIGEST)


def keep(study: Study, store: FileArtifactStore, folder: Path, values: dict[int, float], limit: int) -> None:
    model = folder / "model.keras"
    for number, value in values.items():
        model.write_bytes(b"weights")
        KeptModels(study, store, limit).keep(number, value, model)


def age(store: FileArtifactStore, *names: str, seconds: float = OLD_SECONDS + 60) -> None:
    for name in names or [path.name for path in store.folder.iterdir()]:
        then = time.time() - seconds
        os.utime(store.folder / name, (then, then))


def held(store: FileArtifactStore) -> set[str]:
    return {path.name for path in store.folder.iterdir()}


def found(study: Study, store: FileArtifactStore) -> dict[str, Kind]:
    return {each.name: each.kind for each in Cleaning(study, store).find()}


def test_checkpoints_go_when_their_trials_are_finished_and_not_before(
    study: Study, store: FileArtifactStore
) -> None:
    finished, running, waiting = claim(study), claim(study), claim(study)
    for name, trial in (("finished", finished), ("running", running), ("waiting", waiting)):
        checkpoint(study, store, trial, name)
    study.results.complete(finished, 0.5)
    study.trials.hand_back(waiting)
    age(store)
    cleaning = Cleaning(study, store)
    shown = cleaning.find()
    assert [(each.name, each.size, each.kind) for each in shown] == [("finished", 10, Kind.CHECKPOINT)]
    assert cleaning.remove(shown) == shown
    assert held(store) == {"running", "waiting"}
    assert cleaning.find() == []
    assert study.checkpoints.leftovers() == []


def test_checkpoint_of_a_trial_that_the_dashboard_ended_goes_too(
    study: Study, store: FileArtifactStore
) -> None:
    from optuna.trial import TrialState

    trial = claim(study)
    checkpoint(study, store, trial, "told-elsewhere")
    study.storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    cleaning = Cleaning(study, store)
    assert [each.name for each in cleaning.find()] == ["told-elsewhere"]
    cleaning.remove(cleaning.find())
    assert held(store) == set()


def test_models_beyond_the_best_go_and_the_best_stay(
    study: Study, store: FileArtifactStore, tmp_path: Path
) -> None:
    keep(study, store, tmp_path, {0: 0.5, 1: 0.3, 2: 0.4, 3: 0.2}, limit=4)
    cleaning = Cleaning(study, store)
    shown = cleaning.find()
    assert [each.kind for each in shown] == [Kind.MODEL, Kind.MODEL]
    cleaning.remove(shown)
    assert [each.number for each in KeptModels(study, store).all()] == [3, 1]
    assert len(held(store)) == 2
    assert cleaning.find() == []


def test_a_limit_of_a_study_file_that_was_edited_wins(
    study: Study, store: FileArtifactStore, tmp_path: Path
) -> None:
    keep(study, store, tmp_path, {0: 0.5, 1: 0.3}, limit=2)
    assert len(Cleaning(study, store, keep_models=1).find()) == 1


def test_model_that_was_attached_and_never_kept_goes_once_it_is_old(
    study: Study, store: FileArtifactStore
) -> None:
    lost = attach(
        study.storage, store, b"weights", study_id=study.id, filename="trial-2-model.keras"
    ).artifact_id
    uploaded = attach(
        study.storage, store, b"notes", study_id=study.id, filename="trial-2-notes.txt"
    ).artifact_id
    assert found(study, store) == {}
    age(store)
    assert found(study, store) == {lost: Kind.LOST_MODEL}
    cleaning = Cleaning(study, store)
    cleaning.remove(cleaning.find())
    assert held(store) == {uploaded}


def test_only_old_parts_of_bundles_that_were_not_published_go(study: Study, store: FileArtifactStore) -> None:
    draft = {"owner": "somebody", "artifacts": ["abandoned", "under-way"]}
    study.storage.set_study_system_attr(study.id, "studyhall:bundle-draft", draft)
    for name in ("abandoned", "under-way"):
        attach(study.storage, store, b"part", study_id=study.id, filename="model.keras", artifact_id=name)
    age(store, "abandoned")
    cleaning = Cleaning(study, store)
    assert found(study, store) == {"abandoned": Kind.DRAFT}
    cleaning.remove(cleaning.find())
    assert held(store) == {"under-way"}
    # Whoever is publishing is not overtaken.
    assert study.storage.get_study_system_attrs(study.id)["studyhall:bundle-draft"] == draft


def test_nothing_that_another_study_names_is_touched(
    storage: StudyStorage, study: Study, store: FileArtifactStore, tmp_path: Path
) -> None:
    other = join(storage, "other")
    keep(other, store, tmp_path, {n: float(n) for n in range(4)}, limit=4)
    trial = claim(other)
    checkpoint(other, store, trial, "checkpoint-of-other")
    attach(other.storage, store, b"picture", trial_id=trial._trial_id, filename="predictions.png")
    done = claim(other)
    checkpoint(other, store, done, "left-over-of-other")
    other.results.complete(done, 0.5)
    age(store)
    assert found(study, store) == {}


def test_what_no_study_names_is_told_apart_and_only_when_it_is_old(
    study: Study, store: FileArtifactStore
) -> None:
    (store.folder / ".studyhall-0123456789abcdef.npz").write_bytes(b"half")
    (store.folder / ".hidden-thing").write_bytes(b"somebody's")
    store.write("orphan", io.BytesIO(b"bytes"))
    assert found(study, store) == {}
    age(store)
    assert found(study, store) == {
        ".studyhall-0123456789abcdef.npz": Kind.UNFINISHED,
        "orphan": Kind.UNNAMED,
    }
    cleaning = Cleaning(study, store)
    cleaning.remove(cleaning.find())
    assert held(store) == {".hidden-thing"}


def test_what_was_recorded_after_it_was_shown_stays(study: Study, store: FileArtifactStore) -> None:
    store.write("late-record", io.BytesIO(b"bytes"))
    age(store)
    cleaning = Cleaning(study, store)
    shown = cleaning.find()
    assert [each.name for each in shown] == ["late-record"]
    attach(study.storage, store, b"bytes", study_id=study.id, filename="x", artifact_id="late-record")
    age(store)
    assert cleaning.remove(shown) == []
    assert held(store) == {"late-record"}


def test_store_discards_nothing_but_what_writers_left(store: FileArtifactStore) -> None:
    store.write("artifact", io.BytesIO(b"bytes"))
    for name in ("artifact", "../studies.db", ".studyhall-", ".studyhall-0123456789abcdef/../x"):
        with pytest.raises(ArtifactError, match="refused"):
            store.discard(name)
    store.discard(".studyhall-0123456789abcdef")
    assert held(store) == {"artifact"}


def test_links_and_folders_are_no_files_of_a_store(store: FileArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    (store.folder / "link").symlink_to(tmp_path / "outside")
    (store.folder / "folder").mkdir()
    assert list(store.files()) == []


def test_command_shows_first_and_removes_only_when_told(
    study: Study, store: FileArtifactStore, tmp_path: Path
) -> None:
    trial = claim(study)
    checkpoint(study, store, trial, "no-longer-needed")
    study.results.complete(trial, 0.5)
    store.write("orphan", io.BytesIO(b"bytes"))
    age(store)
    arguments = ["clean", "bss", "--storage", f"sqlite:///{tmp_path}/studies.db"]
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    assert "10 B  no-longer-needed  checkpoint that no trial needs" in shown.output
    assert "1 file (10 B) of bss can be removed" in shown.output
    assert "1 file (5 B) there" in shown.output
    assert "studyhall clean bss --yes" in shown.output
    assert held(store) == {"no-longer-needed", "orphan"}
    removed = CliRunner().invoke(cli, [*arguments, "--yes"])
    assert "Removed 1 file (10 B)." in removed.output
    assert held(store) == {"orphan"}
    assert "bss needs all that it has" in CliRunner().invoke(cli, arguments).output
    assert "Removed 1 file (5 B)." in CliRunner().invoke(cli, [*arguments, "--unnamed", "--yes"]).output
    assert held(store) == set()
