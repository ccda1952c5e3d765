"""A KerasTuner project directory: its search space and its trials, read from its files."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner

from studyhall.search.tuner.kerastuner_folder import oracle_file
from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain
from studyhall.studies.one_line import shown


@dataclass(frozen=True)
class OldTrial:
    """One trial of a KerasTuner search.

    `metrics` holds each metric's best value, `directions` whether that is its "min" or "max"; `score` is the
    objective, None where the trial did not end well, or it is no finite number.
    """

    trial_id: str
    status: str
    values: dict[str, Any]
    score: float | None
    best_step: int
    metrics: dict[str, float]
    directions: dict[str, str]
    message: str | None


@dataclass(frozen=True)
class Project:
    """A KerasTuner search: all hyperparameters that it knew, and its trials in their order."""

    name: str
    space: keras_tuner.HyperParameters
    trials: list[OldTrial]


def read_project(folder: Path) -> Project:
    """Read `oracle.json` and every `trial_*/trial.json`.

    Raises:
        DefinitionError: It is no project directory of KerasTuner, or a file in it is damaged.
    """
    state = _read(oracle_file(folder))
    files = sorted(folder.glob("trial_*/trial.json"))
    try:
        space = keras_tuner.HyperParameters.from_config(state["hyperparameters"])
        trials = [_trial(_read(path)) for path in files]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DefinitionError(
            f"{shown(folder)} is not what KerasTuner 1.4 writes ({type(error).__name__}: {error}): read it with the "
            "version that wrote it, and save it anew with KerasTuner 1.4"
        ) from error
    order = {trial_id: number for number, trial_id in enumerate(state.get("start_order", []))}
    trials.sort(key=lambda trial: (order.get(trial.trial_id, len(order)), trial.trial_id))
    return Project(folder.resolve().name, space, trials)


def _trial(state: dict[str, Any]) -> OldTrial:
    metrics, directions = {}, {}
    for name, history in state["metrics"]["metrics"].items():
        values = [_mean(each["value"]) for each in history["observations"]]
        values = [value for value in values if math.isfinite(value)] or values
        directions[name] = history["direction"]
        if values:
            metrics[name] = max(values) if history["direction"] == "max" else min(values)
    score, message = state["score"], state.get("message")
    if score is not None and not math.isfinite(score):
        score, message = None, message or f"its objective is {score}"
    return OldTrial(
        trial_id=str(state["trial_id"]),
        status=state["status"],
        values=dict(state["hyperparameters"]["values"]),
        score=score,
        best_step=state["best_step"] or 0,
        metrics=metrics,
        directions=directions,
        message=message,
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DefinitionError(f"{shown(path)} cannot be read: {explain(error)}") from error
    except ValueError as error:
        raise DefinitionError(
            f"{shown(path)} is damaged: {error}; restore it, or remove its folder"
        ) from error
