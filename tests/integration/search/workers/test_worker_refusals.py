"""What a worker leaves of a trial whose code was refused: nothing that the mended code would have to live
with.
"""

from collections.abc import Callable
from typing import Any, cast

import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import TrialState

from studyhall.search.core.outcome import Completed, TrialOutcome
from studyhall.search.processes.channel import TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.search.workers.worker import Worker
from studyhall.studies.errors import UserCodeError
from studyhall.studies.study.study import Study


class Draws:
    """A trainer that draws a hyperparameter and then raises what it is told to, if anything."""

    def __init__(self, distribution: Any, raised: BaseException | None = None) -> None:
        self._distribution = distribution
        self._raised = raised

    def run(self, task: TrialTask, handle: StudyHandle, stop: Callable[[], bool]) -> TrialOutcome:
        handle.suggest("units", self._distribution)
        if self._raised is not None:
            raise self._raised
        return Completed(0.5, 1, None)

    def stop(self) -> None:
        """Do nothing: there is no process."""


def work(site: Any, study: Study, trainer: Draws) -> None:
    """Run a worker until the queue is empty or it raises."""
    with Worker(study, cast(TrainerProcess, trainer), site.store, lambda event: None, StopSwitch()) as worker:
        worker.run()


def test_code_that_was_refused_leaves_no_value_for_the_mended_code(site: Any) -> None:
    study: Study = site.study(trials=2)
    with pytest.raises(UserCodeError, match="no such layer"):
        work(site, study, Draws(IntDistribution(1, 9), UserCodeError("no such layer")))
    first = study.optuna().trials[0]
    assert (first.state, first.params) == (TrialState.WAITING, {})
    work(site, study, Draws(CategoricalDistribution(("few", "many"))))
    assert [trial.state for trial in study.optuna().trials] == [TrialState.COMPLETE] * 2


def test_a_trial_that_was_interrupted_goes_on_with_its_values(site: Any) -> None:
    study: Study = site.study(trials=1)
    with pytest.raises(KeyboardInterrupt):
        work(site, study, Draws(IntDistribution(1, 10**9), KeyboardInterrupt()))
    drawn = study.optuna().trials[0].params
    assert drawn
    work(site, study, Draws(IntDistribution(1, 10**9)))
    assert study.optuna().trials[0].params == drawn
