"""What a worker does with a trial that the pruner gave up on: its result, its model, and what people are
told.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from optuna.trial import TrialState
from optuna_dashboard import get_note

from studyhall.search.core.events import Event, TrialEnded
from studyhall.search.core.outcome import Completed, Pruned, TrialOutcome
from studyhall.search.notifications.messages import Message
from studyhall.search.processes.channel import TrialTask
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.views.narration import in_words
from studyhall.search.views.status import show_status
from studyhall.search.workers.study_handle import StudyHandle
from studyhall.search.workers.worker import Worker
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.study.study import Study


class Told(list[Message]):
    """A notifier that remembers."""

    def send(self, message: Message) -> None:
        self.append(message)


class Curves:
    """A trainer that reports given curves instead of training, to be maximized or minimized, and saves what
    they reach.
    """

    def __init__(self, curves: Sequence[Sequence[float]], better: Callable[[Sequence[float]], float]) -> None:
        self._curves = list(curves)
        self._better = better

    def run(self, task: TrialTask, handle: StudyHandle, stop: Callable[[], bool]) -> TrialOutcome:
        curve = self._curves.pop(0)
        for epoch, value in enumerate(curve, 1):
            if handle.report(epoch, value) and epoch < len(curve):
                return Pruned(epoch, *self._reached(handle, curve[:epoch], task.job.scratch))
        return Completed(*self._reached(handle, curve, task.job.scratch))

    def _reached(self, handle: StudyHandle, curve: Sequence[float], scratch: Path) -> tuple[float, int, Path]:
        best = self._better(curve)
        handle.record({"hyperparameters": {"number": handle.number}})
        model = scratch / "model.keras"
        model.write_text(f"{best}")
        return best, curve.index(best) + 1, model

    def stop(self) -> None:
        """Do nothing: there is no process."""


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_result_of_a_pruned_trial_is_recorded_kept_narrated_and_shown(
    site: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], direction: str
) -> None:
    def turned(*values: float) -> list[float]:
        return list(values) if direction == "maximize" else [1 - value for value in values]

    limit = turned(0.4)[0]
    study: Study = site.study(
        trials=4,
        objective={"metric": "val_accuracy", "direction": direction},
        pruner={
            "name": "threshold",
            "options": {"lower" if direction == "maximize" else "upper": limit, "n_warmup_steps": 3},
        },
        search={"trials": 4, "target": turned(0.875)[0]},
    )
    curves = [
        turned(0.5, 0.625, 0.625),
        turned(0.5, 0.75, 0.25, 0.5),
        turned(0.5, 0.625, 0.25, 0.5),
        turned(0.5, 0.875, 0.25, 0.5),
    ]
    events: list[Event] = []
    told = Told()
    better = max if direction == "maximize" else min
    trainer = cast(TrainerProcess, Curves(curves, better))
    with Worker(study, trainer, site.store, events.append, StopSwitch(), notifier=told) as worker:
        worker.run()
    assert worker.over is not None
    assert "the target" in worker.over

    complete, pruned = TrialState.COMPLETE, TrialState.PRUNED
    trials = study.optuna().trials
    assert [each.state for each in trials] == [complete, complete, pruned, complete]
    assert [each.value for each in trials] == turned(0.625, 0.75, 0.625, 0.875)
    models = KeptModels(study, site.store)
    assert [each.number for each in models.all()][:2] == [3, 1]
    assert models.copy_to(3, tmp_path / "best.keras")
    assert (tmp_path / "best.keras").read_text() == f"{turned(0.875)[0]}"

    ended = [event for event in events if isinstance(event, TrialEnded)]
    lines = [f"{in_words(event)}" for event in ended]
    value = {number: f"{trial.value:.6g}" for number, trial in enumerate(trials)}
    assert f"trial 1: complete with {value[1]} at epoch 2, ended by the pruner after epoch 3" in lines[1]
    assert f"trial 2: pruned after epoch 3, with {value[2]} at epoch 2" in lines[2]
    assert [event.best.number for event in ended if event.best is not None] == [0, 1, 1, 3]
    assert [each.event for each in told][:3] == ["new-best"] * 3

    by_the_pruner = "ended by the pruner after epoch 3"
    show_status(site.catalogue.summaries(), site.url, as_json=False)
    assert by_the_pruner in capsys.readouterr().out
    assert by_the_pruner in f"{get_note(study.optuna())}"
    assert by_the_pruner in site.ask("/studies/bss").text
    assert site.ask("/api/studies/bss").json()["best"]["pruned_after"] == 3
    listed = site.ask("/api/studies/bss/trials").json()["trials"]
    assert [each["pruned_after"] for each in listed] == [None, 3, 3, 3]
    assert [each["values"] for each in listed] == [[each.value] for each in trials]
