"""What the holder of a lease writes by short ways is what Optuna itself would have written, and costs few
statements.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._heartbeat import is_heartbeat_enabled
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, MetaData, event, select

from studyhall.search.core.outcome import Completed
from studyhall.search.processes.channel import Task
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.workers import budget
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.search.workers.worker import Worker
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.database import schema
from studyhall.studies.database.address import parse
from studyhall.studies.database.attributes import START
from studyhall.studies.database.retrying import Patience
from studyhall.studies.definition import Definition
from studyhall.studies.storage import other_trials
from studyhall.studies.storage.leased_storage import LeasedStorage
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.studies import claim
from tests.support.trainers import EPOCHS, LightTrainer

STATEMENTS = 25  # of a trial; 8 of them store its two parameters, its record and its five epochs, 2 tell it from others
WORKERS_OWN = 20  # of a worker: its registration, looks at the budget, the empty queue, its farewell

PARAMS: dict[str, tuple[BaseDistribution, Any]] = {
    "rate": (FloatDistribution(1e-4, 1e-1, log=True), 0.01),
    "momentum": (FloatDistribution(0.0, 0.9, step=0.3), 0.3),
    "filters": (IntDistribution(4, 64, step=4), 8),
    "activation": (CategoricalDistribution(("relu", "é", "elu")), "é"),
    "dropout": (CategoricalDistribution((False, True)), True),
}
EPOCHS_VALUES = {1: 0.5, 2: math.inf, 3: -math.inf, 4: math.nan, 7: -1e-300}
USER = {"note": {"é": [1, 2.5, None, "'\"%s:x"]}, "seed": 2**40, "history": [0.1] * 50}
SYSTEM: dict[str, Any] = {"rung": 0.25, "text": "{}"}


@pytest.fixture
def storage(empty_storage_url: str) -> Iterator[StudyStorage]:
    storage = open_storage(empty_storage_url, create=False, patience=Patience(60.0))
    yield storage
    storage.close()


@pytest.fixture
def plain(empty_storage_url: str, storage: StudyStorage) -> Iterator[RDBStorage]:
    """Optuna's own storage on the same database."""
    address = parse(empty_storage_url)
    plain = RDBStorage(schema.optuna_url(address), address.options)
    yield plain
    plain.remove_session()
    plain.engine.dispose()


def make_study(storage: StudyStorage, trials: int = 1) -> Study:
    definition = {
        "name": "bss",
        "search": {"trials": trials},
        "sampler": "random",
        "training": {"epochs": EPOCHS},
    }
    return Study.create_or_join(storage, Definition.model_validate(definition))


def all_that_there_is(trial: FrozenTrial) -> str:
    """As a text, because NaN equals nothing; attributes have no order."""
    facts = vars(trial) | {"_user_attrs": sorted(trial.user_attrs.items())}
    facts |= {"_system_attrs": sorted(trial.system_attrs.items())}
    apart = ("_number", "number", "_trial_id", "_datetime_start", "datetime_complete")
    return repr({key: value for key, value in facts.items() if key not in apart})


def rows(connection: Connection, trial_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """What Optuna's tables hold of a trial, without keys."""
    known = MetaData()
    known.reflect(connection)
    found = {}
    for name, table in known.tables.items():
        if name.startswith("trial_") and "trial_id" in table.c:
            columns = [column for column in table.c if not column.primary_key and column.name != "trial_id"]
            held = connection.execute(select(*columns).where(table.c.trial_id == trial_id))
            found[name] = sorted((tuple(row) for row in held), key=repr)
    return found


def test_plain_optuna_reads_what_it_would_have_written(storage: StudyStorage, plain: RDBStorage) -> None:
    study = make_study(storage)
    ours = claim(study)
    for name, (distribution, value) in PARAMS.items():
        suggest_value(ours, name, distribution, value)
    for step, value in EPOCHS_VALUES.items():
        ours.report(value, step)
    for key, value in USER.items():
        ours.set_user_attr(key, value)
    study.results.record(ours, {"one": 1, "other": [None]})
    for key, value in SYSTEM.items():
        ours.storage.set_trial_system_attr(ours._trial_id, key, value)
    study.results.complete(ours, 0.25)

    theirs = plain.create_new_trial(study.id)
    for name, (distribution, value) in PARAMS.items():
        plain.set_trial_param(theirs, name, distribution.to_internal_repr(value), distribution)
    for step, value in EPOCHS_VALUES.items():
        plain.set_trial_intermediate_value(theirs, step, value)
    for key, value in {**USER, "one": 1, "other": [None]}.items():
        plain.set_trial_user_attr(theirs, key, value)
    told: dict[str, Any] = {START: {"defaults": True}, **SYSTEM}  # as the study's first trial is
    for key, value in told.items():
        plain.set_trial_system_attr(theirs, key, value)
    plain.set_trial_state_values(theirs, TrialState.COMPLETE, [0.25])

    read = plain.get_trial(ours._trial_id)
    assert all_that_there_is(read) == all_that_there_is(plain.get_trial(theirs))
    assert storage.read(lambda c: rows(c, ours._trial_id)) == storage.read(lambda c: rows(c, theirs))
    assert all_that_there_is(ours.storage.get_trial(ours._trial_id)) == all_that_there_is(read)
    assert ours.storage.get_trial(ours._trial_id).datetime_complete == read.datetime_complete


def test_what_is_written_again_is_what_optuna_makes_of_it(storage: StudyStorage, plain: RDBStorage) -> None:
    study = make_study(storage)
    trial = claim(study)
    other = plain.create_new_trial(study.id)
    plain.set_trial_system_attr(other, START, {"defaults": True})
    distribution = IntDistribution(4, 64)
    for each, trial_id in ((trial.storage, trial._trial_id), (plain, other)):
        each.set_trial_param(trial_id, "filters", 8.0, distribution)
        each.set_trial_param(trial_id, "filters", 16.0, distribution)
        for value in (0.5, math.nan, 0.25):
            each.set_trial_intermediate_value(trial_id, 1, value)
        for value in (1.0, 2.0):
            each.set_trial_user_attr(trial_id, "key", value)
            each.set_trial_system_attr(trial_id, "key", value)
    assert all_that_there_is(plain.get_trial(trial._trial_id)) == all_that_there_is(plain.get_trial(other))
    assert plain.get_trial(trial._trial_id).params == {"filters": 8}
    assert trial.storage.get_trial(trial._trial_id).params == {"filters": 8}


def test_parameter_that_another_trial_drew_from_something_else_is_refused(storage: StudyStorage) -> None:
    study = make_study(storage, 2)
    suggest_value(claim(study), "x", FloatDistribution(0.0, 1.0))
    for each in (study, Study.open(storage, study.name)):  # which knows it, and which has to ask
        trial = claim(each)
        with pytest.raises(ValueError, match="Cannot set different distribution kind"):
            suggest_value(trial, "x", IntDistribution(0, 1))
        suggest_value(trial, "x", FloatDistribution(0.0, 2.0))
        each.trials.hand_back(trial)


def test_attributes_of_a_study_are_those_that_optuna_writes(storage: StudyStorage, plain: RDBStorage) -> None:
    study = make_study(storage)
    for value in (1, {"é": None}):
        storage.set_study_user_attr(study.id, "key", value)
        storage.set_study_system_attr(study.id, "key", value)
    assert plain.get_study_user_attrs(study.id)["key"] == {"é": None}
    assert plain.get_study_system_attrs(study.id)["key"] == {"é": None}
    for missing in (storage, plain):
        with pytest.raises(KeyError):
            missing.set_study_user_attr(study.id + 1, "key", 1)


def test_holder_writes_about_no_other_trial(storage: StudyStorage) -> None:
    study = make_study(storage, 2)
    one, other = claim(study), claim(study)
    with pytest.raises(ValueError, match="no other"):
        one.storage.set_trial_user_attr(other._trial_id, "key", 1)
    assert other.storage.backend.get_trial(other._trial_id).user_attrs == {}  # type: ignore[attr-defined]


def test_holders_storage_passes_on_what_is_not_about_its_trial(storage: StudyStorage) -> None:
    study = make_study(storage, 2)
    study.results.complete(claim(study), 0.5)
    held, cached = claim(study).storage, study.optuna()._storage
    held.set_study_user_attr(study.id, "mine", 1)
    held.set_study_system_attr(study.id, "ours", 2)
    assert held.get_study_id_from_name("bss") == study.id
    for ask in (
        lambda each: each.get_study_name_from_id(study.id),
        lambda each: each.get_study_directions(study.id),
        lambda each: each.get_study_user_attrs(study.id),
        lambda each: each.get_study_system_attrs(study.id),
        lambda each: [found.study_name for found in each.get_all_studies()],
        lambda each: each.get_trial(each.get_trial_id_from_study_id_trial_number(study.id, 0)),
        lambda each: each.get_best_trial(study.id),
    ):
        assert ask(held) == ask(cached)
    another = held.create_new_study([StudyDirection.MINIMIZE], "another")
    held.create_new_trial(another)
    assert len(held.get_all_trials(another)) == 1
    held.delete_study(another)
    assert [each.study_name for each in cached.get_all_studies()] == ["bss"]
    assert not is_heartbeat_enabled(held)


def test_holders_storage_has_a_say_in_whatever_optunas_cache_has() -> None:
    """What Optuna's cache answers in its own way must not fall back to the slow way of the base
    class here.
    """
    asked = {name for name in vars(_CachedStorage) if hasattr(BaseStorage, name) and name[0] != "_"}
    assert asked
    assert asked <= vars(LeasedStorage).keys()


def test_facts_of_one_call_are_written_together(storage: StudyStorage, tmp_path: Path) -> None:
    study = make_study(storage)
    trial = claim(study)
    store = open_artifact_store(str(tmp_path), create=True)
    written: list[str] = []

    def note(connection: Connection, cursor: Any, statement: str, *details: Any) -> None:
        if statement.startswith("INSERT INTO trial_user_attributes"):
            written.append(statement)

    event.listen(storage.engine, "before_cursor_execute", note)
    facts = {f"fact {number}": [number] for number in range(12)}
    with StudyHandle(study, trial, store, lambda event: None, lambda: False) as handle:
        handle.record(facts)
        handle.flush()
    assert len(written) == 1
    assert trial.user_attrs == facts
    assert storage.get_trial(trial._trial_id).user_attrs == facts


class WorseAndWorse(LightTrainer):
    """Pretends to train; each trial is worse than the one before, so that few are ever among the best."""

    def run(self, task: Task, handle: Any, stop_requested: Callable[[], bool]) -> Completed:
        return replace(super().run(task, handle, stop_requested), value=float(handle.number))


def statements_of_a_worker(study: Study, folder: Path) -> int:
    """Have a worker empty the queue, and count the statements that it sends."""
    sent: list[str] = []

    def note(connection: Connection, cursor: Any, statement: str, *details: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    store = open_artifact_store(str(folder), create=True)
    event.listen(study.storage.engine, "before_cursor_execute", note)
    with (
        WorseAndWorse(0.0) as trainer,
        Worker(study, trainer, store, lambda event: None, StopSwitch()) as worker,
    ):
        worker.run()
    event.remove(study.storage.engine, "before_cursor_execute", note)
    return len(sent)


def test_trial_takes_a_bounded_number_of_statements(
    storage: StudyStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, what_is_done_once_a_second in (
        (other_trials, "FRESH_SECONDS"),
        (budget, "SECONDS_BETWEEN_LOOKS"),
    ):
        monkeypatch.setattr(module, what_is_done_once_a_second, 3600.0)
    study = make_study(storage, 3)
    statements_of_a_worker(study, tmp_path / "artifacts")  # whose models are kept, and no later ones
    study.extend(20)
    sent = statements_of_a_worker(study, tmp_path / "artifacts")
    assert study.counts().complete == 23
    assert 20 * 8 < sent <= 20 * STATEMENTS + WORKERS_OWN
