"""Publishing: the best trial is retrained, the better of the two models is scored and put into a bundle."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from optuna.trial import FrozenTrial

from studyhall.search.core.events import (
    BatchDone,
    EpochDone,
    Evaluating,
    Observer,
    Published,
    RetrainingStarted,
    WaitingToPublish,
)
from studyhall.search.core.outcome import Appraised, Failed, HandedBack, Retrained
from studyhall.search.notifications.notifier import Notifies
from studyhall.search.processes.channel import AppraiseTask, Job, RetrainTask
from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.processes.trainer_process import (
    TrainerCrashedError,
    TrainerProcess,
    TrainerStoppedError,
)
from studyhall.search.workers.announcer import Announcer
from studyhall.search.workers.lease_keeper import LeaseKeeper
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.bundle import fetching
from studyhall.studies.bundle.manifest import HISTORY, MODEL
from studyhall.studies.bundle.record import published
from studyhall.studies.bundle.turn import PublicationTurn
from studyhall.studies.database import attributes
from studyhall.studies.errors import StorageError, WorkFailedError
from studyhall.studies.json_text import finite, to_json
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.retention.study_files import replace_files
from studyhall.studies.seeds import derived_seed
from studyhall.studies.study.study import Study, badness, best_trial

LOOK_SECONDS = 1.0  # how often a process that waits for another's publication looks


@dataclass(frozen=True)
class Candidate:
    """A model that could be published."""

    source: Literal["retrained", "trial"]
    why: str
    value: float
    model: Path
    history: dict[str, list[float]]
    facts: dict[str, Any]


class Publisher:
    """Retrains and publishes a study's best trial with one training process."""

    def __init__(
        self,
        study: Study,
        trainer: TrainerProcess,
        store: ArtifactStore,
        observe: Observer,
        stop: StopSwitch,
        notifier: Notifies | None = None,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._turn = PublicationTurn(
            study.storage, study.id, study.name, f"{socket.gethostname()} {os.getpid()}", lease_seconds
        )
        self._announcer = Announcer(study, notifier)
        self._study = study
        self._trainer = trainer
        self._store = store
        self._models = KeptModels(study, store)
        self._observe = observe
        self._stop = stop

    def publish_best(self) -> bool:
        """Retrain the best trial and publish the better model; False when told to stop before that was done.

        While another process does that, this one waits: for the bundle, or for the other one's death.

        Raises:
            WorkFailedError: No trial completed, neither model is to be had, or the evaluation ends its
                process.
            ArtifactError: The artifact store cannot take the bundle.
            MachineError: A disk is full, or a limit of this machine is used up.
            LeaseLostError: This process was not heard of for so long that another one publishes.
        """
        before = published(self._study.storage, self._study.id)
        told = False
        while (holder := self._turn.take()) is not None:
            if not told:
                self._observe(WaitingToPublish(holder))
                told = True
            if self._stop.wait(LOOK_SECONDS):
                return False
        try:
            record, best = published(self._study.storage, self._study.id), self._study.best()
            if record is not None and record != before and best is not None and record.trial == best.number:
                return True  # by whom this one waited for
            with LeaseKeeper(
                self._turn.renew, self._turn.seconds, self._study.storage.patience.note_silence
            ) as keeper:
                return self._retrain_and_publish(lambda: self._stop() or keeper.lost)
        finally:
            with suppress(StorageError):  # then it ends by itself
                self._turn.leave()

    def _retrain_and_publish(self, stopped: Callable[[], bool]) -> bool:
        best = best_trial(self._study)
        if best is None:
            raise WorkFailedError(
                f"No trial of '{self._study.name}' completed, so there is nothing to publish; "
                f"its failures are shown by: studyhall status {self._study.name}"
            )
        with scratch_folder() as scratch:
            outcome = self._retrain(best, scratch, stopped)
            self._turn.renew()
            if isinstance(outcome, HandedBack) or stopped():
                return False
            if isinstance(outcome, Retrained):
                self._record(best, outcome)
            chosen = self._choose(best, outcome, scratch)
            self._observe(Evaluating())
            files = scratch / "bundle"
            files.mkdir()
            chosen.model.replace(files / MODEL)
            (files / HISTORY).write_text(to_json(chosen.history, indent=1))
            try:
                appraised = self._appraise(AppraiseTask(Job(self._study.definition, scratch), files), stopped)
            except TrainerStoppedError:
                self._turn.renew()  # where that is why it was stopped, it is said
                return False
            self._turn.renew()
            self._publish(best, chosen, appraised, files)
            self._attach_figures(scratch)
        return True

    def _retrain(
        self, best: FrozenTrial, scratch: Path, stopped: Callable[[], bool]
    ) -> Retrained | Failed | HandedBack:
        self._observe(RetrainingStarted(best.number, self._study.definition.retraining.epochs))
        task = RetrainTask(
            Job(self._study.definition, scratch),
            best.number,
            derived_seed("retraining", self._study.definition.search.seed, best.number),
            best.user_attrs[attributes.HYPERPARAMETERS],
        )
        try:
            outcome: Retrained | Failed | HandedBack = self._trainer.run(
                task, _RetrainingListener(self._observe), stopped
            )
        except TrainerStoppedError:
            return HandedBack(0)
        except TrainerCrashedError as crash:
            crash.raise_if_machines()
            return Failed(crash.death.kind or FailureKind.CRASHED, crash.reason, crash.output)
        return outcome

    def _record(self, best: FrozenTrial, retrained: Retrained) -> None:
        reached = {
            "trial": best.number,
            "value": retrained.value,
            attributes.BEST_EPOCH: retrained.best_epoch,
            attributes.SECONDS: round(retrained.seconds, 3),
        }
        self._study.storage.set_study_user_attr(
            self._study.id, attributes.RETRAINING, reached | retrained.facts
        )

    def _appraise(self, task: AppraiseTask, stopped: Callable[[], bool]) -> Appraised:
        try:
            appraised: Appraised = self._trainer.run(task, None, stopped)
        except TrainerCrashedError as crash:
            crash.raise_if_machines()
            error = WorkFailedError(
                f"The evaluation of the model of '{self._study.name}' failed: {crash.reason}"
            )
            error.details = crash.output
            raise error from crash
        return appraised

    def _choose(self, best: FrozenTrial, outcome: Retrained | Failed, scratch: Path) -> Candidate:
        """Return the better of the retrained model and the trial's own."""
        value = best.values[0]
        if isinstance(outcome, Retrained):
            retrained = Candidate(
                "retrained",
                f"retraining reached {outcome.value:.6g}, the trial {value:.6g}",
                outcome.value,
                outcome.model,
                outcome.history,
                outcome.facts,
            )
            if badness(self._study, outcome.value) <= badness(self._study, value):
                return retrained
            why = f"retraining reached only {outcome.value:.6g}, the trial itself {value:.6g}"
        else:
            retrained = None
            why = f"retraining failed: {outcome.reason}"
        own = scratch / "trial.keras"
        if self._models.copy_to(best.number, own):
            facts = {name: best.user_attrs.get(name) for name in _FACTS}
            return Candidate("trial", why, value, own, best.user_attrs[attributes.HISTORY], facts)
        if retrained is None:
            raise WorkFailedError(f"{why}, and the weights of trial {best.number} were not kept")
        return retrained

    def _publish(self, best: FrozenTrial, chosen: Candidate, appraised: Appraised, files: Path) -> None:
        definition, score = self._study.definition, appraised.score
        metrics: dict[str, Any] = {
            "validation": chosen.value,
            "trial_validation": best.values[0],
            "test": score,
        }
        facts = fetching.Facts(
            study=self._study.name,
            definition=definition.record(),
            scale=definition.scale,
            signature=self._study.signature,
            source=chosen.source,
            why=chosen.why,
            trial=best.number,
            hyperparameters=best.user_attrs[attributes.HYPERPARAMETERS],
            seeds={
                "study": definition.search.seed,
                "training": definition.training.seed,
                "weights": chosen.facts[attributes.SEED],
            },
            metrics=finite(metrics),
            loading=appraised.loading,
            **{name: chosen.facts[name] for name in _FACTS if name != attributes.SEED},
        )
        record = fetching.publish(files, facts, self._store, self._study.storage, self._study.id)
        joint = (score["joint"]["mean"], score["joint"]["std"]) if score else None
        self._announcer.published(record, joint)
        self._observe(Published(chosen.source, chosen.why, chosen.value, joint))

    def _attach_figures(self, scratch: Path) -> None:
        """Attach the pictures of the search to the study, where optuna-dashboard shows them."""
        # Here, because it brings matplotlib, which workers have no use for.
        from studyhall.search.figures.for_study import draw_search_figures

        definition = self._study.definition
        pictures = draw_search_figures(
            self._study.optuna(),
            definition.objective.metric,
            definition.objective.direction,
            scratch / "figures",
            rungs=definition.scheduler.rungs(definition.training.epochs),
            formats=("png",),
        )
        replace_files(self._study, self._store, pictures)


# As trials record them, and as the manifest has them.
_FACTS = (
    attributes.SEED,
    attributes.PARAMETER_COUNT,
    attributes.BACKEND,
    attributes.DEVICE,
    attributes.PACKAGES,
    attributes.REVISION,
    attributes.DATA_FINGERPRINT,
)


class _RetrainingListener:
    """What a retraining calls in place of a trial's handle."""

    def __init__(self, observe: Observer) -> None:
        self._observe = observe

    def report(self, step: int, value: float, *others: float) -> bool:
        self._observe(EpochDone(None, step, value, others))
        return False

    def progress(self, epoch: int, step: int, steps: int) -> None:
        self._observe(BatchDone(None, epoch, step, steps))
