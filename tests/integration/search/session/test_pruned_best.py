"""An early peak under every pruner that Optuna has: the best result is the best one everywhere that it is
shown.
"""

import json
import random
from collections.abc import Sequence
from typing import Any

import optuna
import pytest
from optuna.pruners import BasePruner
from optuna.samplers import RandomSampler
from optuna.trial import Trial

from studyhall.search.views.status import show_status
from studyhall.studies.algorithms.factory import make_pruner
from studyhall.studies.algorithms.registry import PRUNERS
from studyhall.studies.database.attributes import HYPERPARAMETERS
from studyhall.studies.definition import Definition, PrunerSpec
from studyhall.studies.definition.search_sections import FromStudySpec
from studyhall.studies.status.finished_trials import finished, improvements
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.study.earlier_studies import best_configurations
from studyhall.studies.study.study import Study, best_trial

EPOCHS = 9
# Up to 0.43.
STEADY = [[0.047 * epoch + 0.001 * number for epoch in range(1, EPOCHS + 1)] for number in range(6)]
PEAKS = [[0.2, 0.9 - 0.01 * number, 0.3] + [0.25] * (EPOCHS - 3) for number in range(3)]
BEST = 0.9

OPTIONS: dict[str, dict[str, Any]] = {
    "HyperbandPruner": {"max_resource": EPOCHS, "reduction_factor": 3},
    "MedianPruner": {"n_startup_trials": 1},
    "NopPruner": {},
    "PatientPruner": {
        "wrapped_pruner": {"name": "median", "options": {"n_startup_trials": 1}},
        "patience": 1,
    },
    "PercentilePruner": {"percentile": 25.0, "n_startup_trials": 1},
    "SuccessiveHalvingPruner": {"min_resource": 3, "reduction_factor": 3},
    "ThresholdPruner": {},
    "WilcoxonPruner": {"p_threshold": 0.4},
}


def turned(curve: Sequence[float], direction: str) -> list[float]:
    """A curve that is to be maximized, or the same to be minimized."""
    return [value if direction == "maximize" else 1.0 - value for value in curve]


def pruner_named(name: str, direction: str) -> BasePruner:
    options = OPTIONS[name]
    if name == "ThresholdPruner":
        options = {"lower": 0.31} if direction == "maximize" else {"upper": 0.69}
        options["n_warmup_steps"] = 3
    return make_pruner(PrunerSpec(name=name, options=options))


def created(storage: StudyStorage, direction: str, trials: int = 9, name: str = "peaks") -> Study:
    objective = {"metric": "val_accuracy", "direction": direction}
    definition = {"name": name, "search": {"trials": trials}, "objective": objective}
    return Study.create_or_join(storage, Definition.model_validate(definition))


def claim(study: Study, pruner: BasePruner) -> Trial:
    trial = study.trials.claim(lambda number: RandomSampler(seed=number), pruner)
    assert trial is not None
    study.results.record(trial, {HYPERPARAMETERS: {"number": trial.number}})
    return trial


def train(study: Study, trial: Trial, curve: Sequence[float], direction: str) -> None:
    """Do with a trial what a worker does: report each epoch, obey the pruner, and give the best epoch's
    value.
    """
    optimum = max if direction == "maximize" else min
    for epoch, value in enumerate(curve, 1):
        trial.report(value, epoch)
        if epoch < len(curve) and trial.should_prune():
            study.results.prune(trial, optimum(curve[:epoch]))
            return
    study.results.complete(trial, optimum(curve))


def test_there_are_options_for_every_pruner_that_optuna_has() -> None:
    assert set(OPTIONS) == set(PRUNERS.classes())


@pytest.mark.filterwarnings("ignore:.*experimental.*")
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("name", OPTIONS)
def test_early_peak_is_the_best_wherever_one_looks_whatever_the_order_of_the_trials(
    site: Any, capsys: pytest.CaptureFixture[str], name: str, direction: str
) -> None:
    best = turned([BEST], direction)[0]
    for seed in range(2):
        curves = [turned(curve, direction) for curve in (*STEADY, *PEAKS)]
        random.Random(seed).shuffle(curves)
        number = next(number for number, curve in enumerate(curves) if best in curve)
        study = created(site.storage, direction, name=f"peaks-{seed}")
        pruner = pruner_named(name, direction)
        for curve in curves:
            train(study, claim(study, pruner), curve, direction)

        found, ours = study.best(), best_trial(study)
        assert found is not None
        assert ours is not None
        assert (found.number, found.value) == (ours.number, ours.value) == (number, best)
        # As another program sees it, that knows nothing of us.
        theirs = optuna.load_study(study_name=study.name, storage=site.storage)
        assert (theirs.best_trial.number, theirs.best_value) == (number, best)
        assert study.spent().best == best
        ended = site.storage.read(lambda connection, study=study: finished(connection, study.id))
        assert list(improvements(ended, direction))[-1].number == number
        ((first, *_),) = best_configurations(site.storage, [FromStudySpec(study=study.name)])
        assert first.number == number

    show_status(site.catalogue.summaries(), site.url, as_json=True)
    shown = [each["best"] for each in json.loads(capsys.readouterr().out)["studies"]]
    answered = [each["best"] for each in site.ask("/api/overview").json()["studies"]]
    assert [each["value"] for each in shown] == [each["value"] for each in answered] == [best] * 2
    assert shown[-1]["number"] == answered[-1]["number"] == number
    page = site.ask("/studies/peaks-1").text
    assert f"numbers={number}" in page
    assert f'studyhall_best_value{{study="peaks-1"}} {best}' in site.ask("/metrics").text
