"""The Tuner's search: which trials are run, how they end, and who may go on with them."""

import itertools
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import TrialState
from sqlalchemy import select

from studyhall.search import Tuner
from studyhall.search.figures.for_study import draw_search_figures
from studyhall.search.tuner import script_study as study_module
from studyhall.search.tuner.errors import SearchFailedError
from studyhall.search.views.status import show_status
from studyhall.studies.database.names import sqlite_url
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.errors import (
    DefinitionError,
    MachineError,
    StudyConflictError,
    StudyhallError,
    UserCodeError,
)
from studyhall.studies.status.catalogue import Catalogue


class Parabola(Tuner):
    """Needs no model: the objective is a function of two hyperparameters."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        return (hp.Float("x", -2.0, 2.0, default=1.5) - 1) ** 2 + hp.Int("k", 0, 3, default=2)


class NoDefaults(Tuner):
    """Needs no model; what it draws is all that tells two searches apart."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        return trial.hyperparameters.Float("x", 0.0, 1.0)


MakeTuner = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path) -> MakeTuner:
    """Return a function that makes a Tuner in a folder of the test's own."""

    def made(cls: Any = Parabola, **arguments: Any) -> Any:
        arguments = {"max_trials": 4, "directory": tmp_path, "sampler": "random", **arguments}
        return cls(**arguments)

    return made


def states(tuner: Any) -> list[TrialState]:
    """The states of the study's trials."""
    return [trial.state for trial in tuner.oracle.study.optuna().get_trials(deepcopy=False)]


def test_the_search_runs_its_trials_and_ranks_them(make: MakeTuner) -> None:
    tuner = make()
    tuner.search(verbose=0)
    assert states(tuner) == [TrialState.COMPLETE] * 4
    assert tuner.remaining_trials == 0
    best = tuner.oracle.get_best_trials(4)
    assert [trial.score for trial in best] == sorted(trial.score for trial in best)
    values = tuner.get_best_hyperparameters(1)[0].values
    assert (values["x"] - 1) ** 2 + values["k"] == pytest.approx(best[0].score)


def test_the_first_trial_has_the_defaults(make: MakeTuner) -> None:
    tuner = make(max_trials=1)
    tuner.search(verbose=0)
    assert tuner.get_best_hyperparameters()[0].values == {"x": 1.5, "k": 2}


def test_the_first_trial_of_a_script_without_defaults_is_drawn_like_any_other(make: MakeTuner) -> None:
    class Ranges(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            hp = trial.hyperparameters
            return hp.Int("batch_size", 1, 10**9) * hp.Float("rate", 1e-10, 1.0, sampling="log")

    firsts = []
    for seed in (1, 2):
        tuner = make(Ranges, max_trials=1, seed=seed, study_name=f"seed-{seed}")
        tuner.search(verbose=0)
        firsts.append(tuner.get_best_hyperparameters()[0].values)
    assert firsts[0]["batch_size"] != firsts[1]["batch_size"]
    assert all(each["batch_size"] > 1 and each["rate"] > 1e-10 for each in firsts)


def test_the_same_script_started_again_goes_on_where_it_was(make: MakeTuner) -> None:
    first = make(max_trials=2)
    first.search(verbose=0)
    again = make(max_trials=2)
    again.search(verbose=0)  # nothing is left to do
    assert len(states(again)) == 2
    assert again.get_best_hyperparameters()[0].values == first.get_best_hyperparameters()[0].values
    more = make(max_trials=5)
    assert more.remaining_trials == 3
    more.search(verbose=0)
    assert states(more) == [TrialState.COMPLETE] * 5


def test_looking_at_a_finished_search_changes_nothing_of_it(make: MakeTuner, tmp_path: Path) -> None:
    make(max_trials=3).search(verbose=0)
    before = database_rows(tmp_path / "studies.db")
    for arguments in ({"max_trials": None}, {"max_trials": 12}, {"max_trials": 2}):
        look = make(**arguments)
        look.reload()
        look.oracle.reload()
        assert len(look.oracle.trials) == 3
        assert len(look.get_best_hyperparameters(3)) == 3
        look.results_summary()
        assert database_rows(tmp_path / "studies.db") == before
    unsaid = make(max_trials=None)
    assert unsaid.remaining_trials == 0
    unsaid.search(verbose=0)  # nobody asked for more
    assert states(unsaid) == [TrialState.COMPLETE] * 3


def database_rows(path: Path) -> list[str]:
    """Return all that a database holds, but for who works on it."""
    with closing(sqlite3.connect(path)) as connection:
        return [line for line in connection.iterdump() if "studyhall_workers" not in line]


def test_fewer_trials_than_before_withdraw_those_that_wait_and_say_so(make: MakeTuner, capsys: Any) -> None:
    make(max_trials=5)
    fewer = make(max_trials=2)
    assert states(fewer) == [TrialState.WAITING] * 5  # until it searches
    fewer.search()
    assert states(fewer) == [TrialState.COMPLETE] * 2
    assert "max_trials is 2 now: 3 waiting trials are withdrawn." in capsys.readouterr().out.splitlines()


def test_trials_keep_their_ids_while_a_study_grows(make: MakeTuner) -> None:
    make(max_trials=3).search(verbose=0)
    grown = make(max_trials=12)
    grown.search(verbose=0)
    assert list(grown.oracle.trials) == [str(number) for number in range(12)]
    for key in ("0", "00", "000"):
        assert grown.oracle.trials[key].trial_id == "0"
        assert grown.oracle.get_trial(key).trial_id == "0"
        assert key in grown.oracle.trials
        assert grown.oracle.trials.get(key) is not None
    assert grown.oracle.trials["0011"].trial_id == "11"
    assert "12" not in grown.oracle.trials
    with pytest.raises(KeyError):
        grown.oracle.trials["x"]
    large = make(max_trials=100, study_name="large")
    assert large.oracle.max_trials == 100
    large.oracle.study.trials.claim(lambda number: RandomSampler(), NopPruner())
    assert list(large.oracle.trials) == ["000"]  # as KerasTuner's of 100


def test_unseeded_searches_differ_and_a_study_keeps_the_seed_that_was_drawn(make: MakeTuner) -> None:
    drawn = []
    for name in ("one", "two"):
        tuner = make(NoDefaults, max_trials=3, study_name=name)
        tuner.search(verbose=0)
        drawn.append([hp.values for hp in tuner.get_best_hyperparameters(3)])
        again = make(NoDefaults, max_trials=5, study_name=name)
        assert again.oracle.seed == again.oracle.study.definition.search.seed == tuner.oracle.seed
        again.search(verbose=0)
        assert states(again) == [TrialState.COMPLETE] * 5
    assert drawn[0] != drawn[1]


def test_a_seed_that_is_given_gives_the_same_search_and_is_not_exchanged(make: MakeTuner) -> None:
    drawn = []
    for name in ("one", "two"):
        tuner = make(NoDefaults, max_trials=3, study_name=name, seed=7)
        tuner.search(verbose=0)
        drawn.append([hp.values for hp in tuner.get_best_hyperparameters(3)])
    assert drawn[0] == drawn[1]
    with pytest.raises(StudyConflictError, match=r"search.seed: 7 in the study, 8"):
        make(NoDefaults, study_name="one", seed=8).search(verbose=0)


def test_a_script_that_finds_its_study_just_made_by_another_process_joins_it(
    make: MakeTuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(study_name="one")
    look, looks = study_module._stored, []

    def too_early(*arguments: Any) -> Any:
        looks.append(arguments)
        return None if len(looks) == 1 else look(*arguments)

    monkeypatch.setattr(study_module, "_stored", too_early)
    second = make(study_name="one")
    assert len(looks) == 2
    assert second.oracle.seed == first.oracle.seed


def test_overwrite_starts_afresh_and_leaves_nothing_behind(make: MakeTuner, tmp_path: Path) -> None:
    class Saves(Parabola):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            (self.oracle.in_hand.scratch / "model.weights.h5").write_bytes(b"weights")
            return super().run_trial(trial)

    make(Saves, max_trials=2, study_name="one").search(verbose=0)
    files = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert files
    afresh = make(Saves, max_trials=3, study_name="one", overwrite=True)
    assert states(afresh) == [TrialState.WAITING] * 3
    assert not any(path.exists() for path in files)


def test_two_directories_never_share_a_study_whatever_their_names(
    make: MakeTuner, tmp_path: Path, capsys: Any
) -> None:
    names = ["lr?small", "lr?large", "per%20cent", "per cent", "100%", "a#b", "stüdies 'x' \"y\" {z}"]
    for name in names:
        make(directory=tmp_path / name, max_trials=1).search(verbose=0)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names)
    afresh = make(directory=tmp_path / names[0], max_trials=2, overwrite=True)
    assert states(afresh) == [TrialState.WAITING] * 2
    with Catalogue(sqlite_url(tmp_path / names[0] / "studies.db")) as catalogue:
        afresh_entries = catalogue.summaries()
    for name in names[1:]:
        assert sorted(each.name for each in (tmp_path / name).iterdir())[:2] == ["artifacts", "studies.db"]
        url = sqlite_url(tmp_path / name / "studies.db")
        with Catalogue(url) as catalogue:
            assert [entry.counts.complete for entry in catalogue.summaries()] == [1]
            capsys.readouterr()
            show_status(catalogue.summaries(), catalogue.address.shown, as_json=False)
            assert capsys.readouterr().out.splitlines()[0].strip() == url  # to be pasted as it is
    show_status(afresh_entries, "sqlite:///a[b]/c.db", as_json=False)
    assert "sqlite:///a[b]/c.db" in capsys.readouterr().out


def test_a_study_that_is_worked_on_is_not_overwritten(make: MakeTuner) -> None:
    tuner = make()
    tuner.oracle.study.workers.register("other", host="elsewhere", pid=1, device="")
    with pytest.raises(
        StudyConflictError, match=r"1 processes work on it: end them first \(one that was killed"
    ):
        make(overwrite=True)
    assert states(tuner) == [TrialState.WAITING] * 4


def test_another_search_under_the_same_name_is_refused_with_both_remedies(make: MakeTuner) -> None:
    make(study_name="one")
    with pytest.raises(StudyConflictError, match=r"sampler.*choose another name.*overwrite=True"):
        make(study_name="one", sampler="tpe").search(verbose=0)


def test_ctrl_c_gives_the_trial_back_and_the_next_search_repeats_it(make: MakeTuner) -> None:
    class Interrupted(Parabola):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            result = super().run_trial(trial)
            if trial.trial_id == "1":
                raise KeyboardInterrupt
            return result

    tuner = make(Interrupted, max_trials=3)
    with pytest.raises(KeyboardInterrupt):
        tuner.search(verbose=0)
    assert states(tuner) == [TrialState.COMPLETE, TrialState.WAITING, TrialState.WAITING]
    drawn = tuner.oracle.study.optuna().get_trials()[1].params
    again = make(max_trials=3)
    again.search(verbose=0)
    assert states(again) == [TrialState.COMPLETE] * 3
    assert again.oracle.study.optuna().get_trials()[1].params == drawn


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ValueError("bad luck"), "error"),
        (MemoryError("no room"), "oom"),
        (keras_tuner.errors.FailedTrialError("too large"), "invalid"),
    ],
)
def test_a_trial_that_raises_fails_alone_and_says_why(make: MakeTuner, raised: Exception, kind: str) -> None:
    class Fails(Parabola):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            if trial.trial_id == "1":
                raise raised
            return super().run_trial(trial)

    tuner = make(Fails, max_trials=3)
    tuner.search(verbose=0)
    assert states(tuner) == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    facts = tuner.oracle.study.optuna().get_trials()[1].user_attrs
    assert facts["failure"] == kind
    assert str(raised) in facts["reason"]


def test_a_result_that_is_no_number_fails_its_trial(make: MakeTuner) -> None:
    class Diverges(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return {"val_loss": float("nan")}

    tuner = make(Diverges, objective="val_loss", max_trials=1)
    tuner.search(verbose=0)
    assert tuner.oracle.study.optuna().get_trials()[0].user_attrs["failure"] == "nan"


def test_three_errors_in_a_row_end_the_search_and_keep_the_queue(make: MakeTuner) -> None:
    class Broken(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            raise ValueError("always")

    tuner = make(Broken, max_trials=9)
    why = r"3 trials in a row failed, the last one with: Broken.run_trial\(\) fails: ValueError: always"
    with pytest.raises(SearchFailedError, match=why):
        tuner.search(verbose=0)
    assert issubclass(SearchFailedError, RuntimeError)  # which KerasTuner raises
    assert states(tuner).count(TrialState.WAITING) == 6


def test_a_run_trial_without_a_result_ends_the_search_and_gives_the_trial_back(make: MakeTuner) -> None:
    class Forgets(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            trial.hyperparameters.Int("k", 0, 3)

    tuner = make(Forgets, max_trials=2)
    with pytest.raises(keras_tuner.errors.FatalTypeError, match=r"Forgets.run_trial\(\) returned None"):
        tuner.search(verbose=0)
    assert states(tuner) == [TrialState.WAITING] * 2


class Narrow(Tuner):
    """A script before it was edited."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        hp.Choice("activation", ["relu", "tanh"])
        return hp.Int("units", 1, 2)


class Wide(Tuner):
    """The script with a wider range, which a study can take, and with one more choice, which it cannot."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        units = hp.Int("units", 1, 10**9)
        hp.Choice("activation", ["relu", "tanh", "gelu"])
        return units


def test_an_edit_that_a_study_cannot_take_is_refused_and_leaves_nothing_when_it_is_undone(
    make: MakeTuner,
) -> None:
    make(Narrow, max_trials=3).search(verbose=0)
    for _ in range(2):
        edited = make(Wide, max_trials=4)
        with pytest.raises(
            UserCodeError, match="'activation' is not what it was in an earlier trial"
        ) as refused:
            edited.search(verbose=0)
        assert "\n" not in str(refused.value)
        refusal = edited.oracle.study.optuna().get_trials()[3]
        assert (refusal.state, refusal.params, refusal.user_attrs) == (TrialState.WAITING, {}, {})
    undone = make(Narrow, max_trials=4)
    undone.search(verbose=0)
    assert states(undone) == [TrialState.COMPLETE] * 4


def test_an_interrupted_trial_whose_values_the_edited_script_no_longer_has_fails_alone(
    make: MakeTuner,
) -> None:
    class Interrupted(Wide):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            assert trial.hyperparameters.Int("units", 1, 10**9) > 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(Interrupted, max_trials=3).search(verbose=0)
    edited = make(Narrow, max_trials=3)
    edited.search(verbose=0)
    assert states(edited) == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]
    facts = edited.oracle.study.optuna().get_trials()[0].user_attrs
    assert facts["failure"] == "invalid"
    assert "for 'units', which is not among its values: integers from 1 to 2" in facts["reason"]


def test_the_objective_may_be_maximized(make: MakeTuner) -> None:
    class Score(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return {"score": trial.hyperparameters.Int("k", 0, 100)}

    tuner = make(Score, objective=keras_tuner.Objective("score", "max"), max_trials=5)
    tuner.search(verbose=0)
    scores = [trial.score for trial in tuner.oracle.get_best_trials(5)]
    assert scores == sorted(scores, reverse=True)
    assert tuner.get_best_hyperparameters()[0].get("k") == scores[0]


def test_several_objectives_have_a_sane_front(make: MakeTuner, tmp_path: Path) -> None:
    class Tradeoff(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            size = trial.hyperparameters.Int("size", 1, 20)
            waste = trial.hyperparameters.Float("waste", 0.0, 1.0)
            return {"val_loss": 1 / size + waste, "size": size}

    tuner = make(Tradeoff, objective=["val_loss", keras_tuner.Objective("size", "min")], max_trials=12)
    tuner.search(verbose=0)
    study = tuner.oracle.study.optuna()
    assert len(study.directions) == 2
    front = sorted((trial.values for trial in study.best_trials), key=lambda values: values[1])
    assert front
    assert all(one[0] > two[0] for one, two in itertools.pairwise(front))  # larger is never also worse
    best = tuner.oracle.get_best_trials(1)[0]  # by the first objective
    assert best.score == min(trial.values[0] for trial in study.get_trials())
    drawn = draw_search_figures(study, "val_loss", "minimize", tmp_path / "figures", formats=["svg"])
    assert [path.stem for path in drawn][-1] == "pareto-front"
    assert [each.stem for each in drawn][:2] == ["optimisation", "importances"]
    with pytest.raises(DefinitionError, match="cannot prune trials that have several objectives"):
        make(Tradeoff, objective=["val_loss", "parameters"], pruner="median", study_name="pruned")


def test_a_given_space_wins_over_the_model_and_may_be_all_that_is_tuned(make: MakeTuner) -> None:
    space = keras_tuner.HyperParameters()
    space.Fixed("k", 2)
    space.Float("x", 0.0, 0.5)
    tuner = make(hyperparameters=space, tune_new_entries=False, max_trials=3)
    tuner.search(verbose=0)
    values = [hp.values for hp in tuner.get_best_hyperparameters(3)]
    assert {each["k"] for each in values} == {2}
    assert all(0 <= each["x"] <= 0.5 for each in values)
    only_x = keras_tuner.HyperParameters()
    only_x.Float("x", 0.0, 0.5)
    strict = make(hyperparameters=only_x, allow_new_entries=False, max_trials=1, study_name="strict")
    with pytest.raises(UserCodeError, match="'k' is not in the given search space"):
        strict.search(verbose=0)


def test_a_configuration_of_ones_own_is_tried_after_the_defaults(make: MakeTuner) -> None:
    tuner = make(enqueue=[{"x": 1.0, "k": 1}], max_trials=2)
    tuner.search(verbose=0)
    assert tuner.oracle.study.optuna().get_trials()[1].params == {"x": 1.0, "k": 1}


def test_a_pruner_by_name_ends_trials_early(make: MakeTuner, capsys: pytest.CaptureFixture[str]) -> None:
    class Reports(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            from studyhall.search.training.callbacks import TrialPrunedError

            if self.oracle.in_hand.handle.report(1, float(trial.hyperparameters.Int("k", 5, 9))):
                raise TrialPrunedError(1)
            return 1.0

    tuner = make(Reports, pruner={"name": "threshold", "options": {"upper": 1.0}}, max_trials=4, seed=3)
    tuner.search(verbose=1)
    printed = capsys.readouterr().out
    by_state = [state.name.capitalize() for state in states(tuner)]
    assert [
        line.split()[2] for line in printed.splitlines() if re.match(r"Trial \d+ \w+ \[", line)
    ] == by_state
    assert states(tuner)[0] is TrialState.COMPLETE  # nothing was as good
    assert set(states(tuner)) == {TrialState.COMPLETE, TrialState.PRUNED}
    trials = tuner.oracle.trials.values()
    assert [trial.score for trial in trials] == [trial.hyperparameters.get("k") for trial in trials]
    ranked = tuner.oracle.get_best_trials(4)
    assert [trial.score for trial in ranked] == sorted(trial.score for trial in trials)
    assert {"COMPLETED", "PRUNED"} == {trial.status for trial in ranked}
    assert ranked[0].status == "COMPLETED"
    assert [each.get("k") for each in tuner.get_best_hyperparameters(4)] == [each.score for each in ranked]
    tuner.results_summary(4)
    summary = capsys.readouterr().out
    assert summary.count("ended by the pruner after epoch 1") == by_state.count("Complete")
    assert summary.count("pruned after epoch 1") == by_state.count("Pruned")
    with pytest.raises(DefinitionError, match="how many epochs a trial has"):
        make(pruner="hyperband", study_name="hyperband")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"sampler": "tpee"}, "did you mean 'TPESampler'"),
        ({"sampler": 3}, "by name, as in sampler='tpe'"),
        ({"max_trials": 0}, "search.trials"),
        ({"study_name": " "}, "name: is empty"),
        ({"storage": "me:secret@db/x"}, "is neither a file's name nor a URL"),
        ({"tune_new_entries": False}, "hyperparameters"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(
    make: MakeTuner, tmp_path: Path, arguments: dict[str, Any], wanted: str
) -> None:
    with pytest.raises((StudyhallError, ValueError), match=wanted):
        make(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_of_the_command_line_is_told_that_the_study_is_a_scripts(
    make: MakeTuner, tmp_path: Path
) -> None:
    tuner = make(study_name="scripted")
    from studyhall.search.tuner.script import is_script
    from studyhall.search.user.workload import load_workload

    definition = tuner.oracle.study.definition
    assert is_script(definition)
    with pytest.raises(UserCodeError, match="start that script again"):
        load_workload(definition)


def test_a_trial_whose_process_was_killed_is_waited_for_and_run(make: MakeTuner, capsys: Any) -> None:
    make(max_trials=1).oracle.study.trials.claim(
        lambda number: RandomSampler(), NopPruner(), worker="killed", lease_seconds=1.0
    )
    again = make(max_trials=1)
    again.search()
    assert states(again) == [TrialState.COMPLETE]
    assert len(again.get_best_hyperparameters()) == 1
    shown = [
        line for line in capsys.readouterr().out.splitlines() if "Waiting for 1 trial that another" in line
    ]
    assert len(shown) == 1


def test_a_search_that_waits_for_others_leaves_when_the_study_is_stopped(
    make: MakeTuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = make(max_trials=1)
    study = tuner.oracle.study
    study.trials.claim(lambda number: RandomSampler(), NopPruner(), worker="other")
    monkeypatch.setattr("time.sleep", lambda seconds: study.request_stop())
    tuner.search(verbose=0)
    assert states(tuner) == [TrialState.RUNNING]


class OnAFullDisk(Parabola):
    """Leaves a file on a disk that has no space."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        super().run_trial(trial)
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")


def test_a_full_disk_fails_no_trial_of_a_search(make: MakeTuner) -> None:
    tuner = make(OnAFullDisk)
    with pytest.raises(MachineError, match="No space is left on"):
        tuner.search(verbose=0)
    assert states(tuner) == [TrialState.WAITING] * 4


def test_a_trial_is_kept_by_renewing_its_lease(make: MakeTuner) -> None:
    attempts: list[set[Any]] = []

    class Long(NoDefaults):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            attempts.append(set())
            study, renewed_at = self.oracle.study, select(leases.c.renewed_at)
            deadline = time.monotonic() + 10
            while len(attempts[-1]) < 3 and time.monotonic() < deadline:
                attempts[-1].add(study.storage.read(lambda connection: connection.scalar(renewed_at)))
                time.sleep(0.05)
            return super().run_trial(trial)

    tuner = make(Long, max_trials=1)
    tuner.oracle.lease_seconds = 2.0
    tuner.search(verbose=0)
    assert states(tuner) == [TrialState.COMPLETE]
    assert [len(renewals) for renewals in attempts] == [3]


SHARED = """
import sys, time
from studyhall.search import Tuner

class Shared(Tuner):
    def run_trial(self, trial, *args, **kwargs):
        study = self.oracle.study
        while len(study.workers.alive()) < 2 and not study.counts().finished:  # both are there before either goes on
            time.sleep(0.05)
        return trial.hyperparameters.Float("x", 0.0, 1.0)

tuner = Shared(max_trials=9, directory=sys.argv[1], study_name="shared", sampler="random")
tuner.search(verbose=0)
print("done", flush=True)
"""


def test_two_processes_of_one_script_share_its_study(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SHARED)
    command = [sys.executable, "-W", "error::UserWarning", str(script), str(tmp_path)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(outputs)
    tuner = Parabola(max_trials=1, directory=tmp_path, study_name="other")
    from studyhall.studies.study.study import Study

    trials = Study.open(tuner.oracle.study.storage, "shared").optuna().get_trials()
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 9


STOPPED = """
import signal, sys
from studyhall.search import Tuner

class Waits(Tuner):
    def run_trial(self, trial, *args, **kwargs):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        print("running", flush=True)
        while True:
            signal.pause()

Waits(max_trials=1, directory=sys.argv[1], study_name="stopped").search(verbose=0)
"""


def test_sigterm_gives_the_trial_back(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(STOPPED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    from studyhall.studies.storage.study_storage import open_storage
    from studyhall.studies.study.study import Study

    study = Study.open(open_storage(f"sqlite:///{tmp_path}/studies.db", create=False), "stopped")
    assert study.counts().waiting == 1
