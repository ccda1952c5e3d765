"""What a study has found so far, as Optuna keeps it."""

from optuna.trial import FrozenTrial, TrialState

from studyhall.studies.study.study import Study


def badness(study: Study, value: float) -> float:
    """Return a number that is the smaller the better a value of the study's objective is."""
    return value if study.definition.objective.direction == "minimize" else -value


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the best completed trial, the earliest of equals; None before the first one."""
    trials = study.optuna().get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(trials, key=lambda trial: (badness(study, trial.values[0]), trial.number), default=None)
