"""Whether a pruner gives up on a trial."""

import copy

from optuna import Study
from optuna.pruners import BasePruner, PatientPruner, ThresholdPruner
from optuna.trial import FrozenTrial

from studyhall.studies.storage.best_so_far import as_judged


def gives_up(pruner: BasePruner, study: Study, trial: FrozenTrial) -> bool:
    """Whether a pruner gives up on a trial, which it judges by the best value so far.

    Pruners compare values of one step, and the trial's result is that of its best epoch: by the step's own
    value, one that peaks early would be given up though it is the best. Two look at the curve as it is: a
    threshold is there for values that run away, however good they were before, and patience asks whether the
    values still improve. What patience wraps judges by the best value again.

    Args:
        pruner: The study's.
        study: The trial's, whose storage shows other trials by their best values so far.
        trial: The trial, with the values that it reported.
    """
    if isinstance(pruner, ThresholdPruner):
        return pruner.prune(study, trial)
    if isinstance(pruner, PatientPruner):
        patient = copy.copy(pruner)
        if pruner._wrapped_pruner is not None:
            patient._wrapped_pruner = _Wrapped(pruner._wrapped_pruner)
        return patient.prune(study, trial)
    return pruner.prune(study, as_judged(trial, study.direction))


class _Wrapped(BasePruner):
    """A pruner that is asked by another one."""

    def __init__(self, pruner: BasePruner) -> None:
        self._pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return gives_up(self._pruner, study, trial)
