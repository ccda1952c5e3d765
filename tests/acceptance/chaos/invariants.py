"""What must be true of a study after a storm, read from the database, the artifact store and the trials' own
notes.
"""

import math
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import select

from studyhall.studies.artifacts.attachments import recorded
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.files import TEMPORARY_PREFIX
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.study.study import Study
from tests.acceptance.chaos import project
from tests.acceptance.chaos.schedule import KILL_WORKER
from tests.acceptance.chaos.storm import Storm


def violations(storm: Storm, study: Study) -> list[str]:
    """Return what is not as it must be."""
    trials = study.optuna().trials
    return [
        *storm.complaints,
        *_of_the_queue(storm, study, trials),
        *(f"trial {trial.number}: {each}" for trial in trials for each in _of_a_trial(trial, storm)),
        *_of_repeats(storm, trials),
        *_of_the_best(storm, study, trials),
        *_of_files(storm, study),
    ]


def _of_the_queue(storm: Storm, study: Study, trials: list[FrozenTrial]) -> list[str]:
    found = []
    if [trial.number for trial in trials] != list(range(storm.asked)):
        found.append(f"{storm.asked} trials were asked for, there are {[trial.number for trial in trials]}")
    if study.counts().finished != storm.asked:
        found.append(f"{study.counts()} of {storm.asked} trials")
    held = study.storage.read(lambda connection: connection.execute(select(leases)).all())
    if held:
        found.append(f"leases are left over: {held}")
    return found


def _of_a_trial(trial: FrozenTrial, storm: Storm) -> list[str]:
    if storm.weather.factor is not None and trial.state is TrialState.PRUNED:
        return _of_a_paused_trial(trial)
    if trial.state is not TrialState.COMPLETE:
        return [f"{trial.state.name}, {trial.user_attrs.get('failure')}: {trial.user_attrs.get('reason')}"]
    curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
    if sorted(trial.intermediate_values) != list(range(1, storm.weather.epochs + 1)):
        return [f"its curve has the steps {sorted(trial.intermediate_values)}"]
    if not all(map(math.isfinite, curve)) or trial.user_attrs["history"]["val_loss"] != curve:
        return [f"its curve is {curve}, its history {trial.user_attrs['history']['val_loss']}"]
    if trial.value != min(curve):
        return [f"its value is {trial.value}, its curve {curve}"]
    return []


def _of_a_paused_trial(trial: FrozenTrial) -> list[str]:
    """What is wrong with a trial that was still paused when the study ended."""
    curve = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
    if sorted(trial.intermediate_values) != list(range(1, len(curve) + 1)):
        return [f"its curve has the steps {sorted(trial.intermediate_values)}"]
    # A worker that is killed while its trial pauses has not recorded the history of its stretch.
    history = trial.user_attrs.get("history", {}).get("val_loss", [])
    if history != curve[: len(history)]:
        return [f"its curve is {curve}, its history {history}"]
    return [] if trial.value == min(curve) else [f"its value is {trial.value}, its curve {curve}"]


def repeats(storm: Storm) -> int:
    """Return how many epochs were trained more than once, each as often as it was too often."""
    return sum(times - 1 for times in project.times_trained(storm.folder).values())


def _of_repeats(storm: Storm, trials: list[FrozenTrial]) -> list[str]:
    """An interruption costs an epoch at most, and those that could not be reported because the database was
    away.
    """
    found = []
    times = project.times_trained(storm.folder)
    for trial in trials:
        name = repr(trial.params.get("rate"))
        again = sum(number - 1 for (trained, _), number in times.items() if trained == name)
        allowed = sum(1 + hit.owed for hit in storm.hits if hit.trial_id == trial._trial_id)
        if again > allowed:
            found.append(f"trial {trial.number}: {again} epochs were trained twice, {allowed} may have been")
        missing = [epoch for epoch in range(1, storm.weather.epochs + 1) if not times[(name, epoch)]]
        if trial.state is TrialState.COMPLETE and missing:
            found.append(f"trial {trial.number}: nobody trained its epochs {missing}")
    return found


def _of_the_best(storm: Storm, study: Study, trials: list[FrozenTrial]) -> list[str]:
    complete = [trial for trial in trials if trial.value is not None]
    if not complete:
        return ["no trial is complete"]
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    with Catalogue(storm.url) as catalogue:
        told = catalogue.summary(study.name).best
    kept = KeptModels(study, FileArtifactStore(storm.folder / "artifacts")).all()
    found = []
    if told is None or (told.number, told.value) != (best.number, best.value):
        found.append(f"the best trial is {best.number}, status says {told}")
    # Nothing but the checkpoint is kept of a trial that is paused.
    whole = [trial for trial in complete if len(trial.intermediate_values) == storm.weather.epochs]
    expected = sorted(whole, key=lambda trial: (trial.value, trial.number))[: len(kept)]
    if not kept or {model.number for model in kept} != {trial.number for trial in expected}:
        found.append(f"the models kept are of {[model.number for model in kept]}")
    return found


def _of_files(storm: Storm, study: Study) -> list[str]:
    folder = storm.folder / "artifacts"
    needed = {model.artifact_id for model in KeptModels(study, FileArtifactStore(folder)).all()}
    needed.update(*(recorded(trial.system_attrs) for trial in study.optuna().get_trials(deepcopy=False)))
    left = _names(folder) - needed
    # Nobody sees these and `clean` removes them; a worker that is killed while it writes cannot.
    unfinished = {name for name in left if name.startswith(TEMPORARY_PREFIX)}
    found = [f"artifacts are left over: {sorted(left - unfinished)}"] if left - unfinished else []
    if len(unfinished) > storm.happened.get(KILL_WORKER, 0):
        found.append(f"more files are half-written than workers were killed: {sorted(unfinished)}")
    if needed - _names(folder):
        found.append(f"artifacts are missing: {sorted(needed - _names(folder))}")
    if study.checkpoints.leftovers():
        found.append(f"nobody removed {study.checkpoints.leftovers()}")
    if _names(storm.folder / "tmp"):
        found.append(f"temporary files are left over: {sorted(_names(storm.folder / 'tmp'))}")
    return found


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()
