"""A trial's model, built anew by its HyperModel: what it takes to give it the weights that were kept."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
from keras import Model

from studyhall.search.tuner.errors import NoWeightsError
from studyhall.search.user.workload import parameter_count
from studyhall.studies.database.attributes import BUILT, PARAMETER_COUNT
from studyhall.studies.one_line import reason


def how_built(model: Any) -> dict[str, Any]:
    """Return what it takes to give a model that is built anew the same variables: attributes of its trial."""
    optimizer = getattr(model, "optimizer", None)
    built = {
        "config": model.get_build_config(),
        "optimizer": bool(optimizer is not None and optimizer.built),
    }
    return {PARAMETER_COUNT: parameter_count(model) if model.built else None, BUILT: built}


def build_as_before(model: Model, facts: Mapping[str, Any]) -> None:
    """Give a model that was built anew the variables of the trial's.

    Args:
        model: The model, as its HyperModel returns it.
        facts: The trial's attributes.
    """
    built = facts.get(BUILT, {})
    config = built.get("config")
    if not model.built and config:
        model.build_from_config(_of_any_batch(config) if isinstance(model, keras.Sequential) else config)
        if model.weights:
            model.built = True  # a subclass of Model has its layers built then, and does not say so
    shape = (config or {}).get("input_shape")
    if isinstance(shape, list | tuple) and parameter_count(model) < (facts.get(PARAMETER_COUNT) or 0):
        # Its own `build` leaves it to the first call to make the layers' variables.
        with suppress(Exception):  # of a model that takes no such numbers; its weights then do not fit
            model(keras.ops.zeros([1 if size is None else size for size in shape]))
    if built.get("optimizer") and model.optimizer is not None:
        # Its state is in the file, and must have a place.
        model.optimizer.build(model.trainable_variables)


def load_weights(model: Model, path: str | os.PathLike[str], facts: Mapping[str, Any], trial_id: str) -> None:
    """Load a trial's weights into its model.

    Raises:
        NoWeightsError: They do not fit: the code that builds the model was edited since.
    """
    before, now = facts.get(PARAMETER_COUNT), parameter_count(model) if model.built else None
    if before is not None and now is not None and before != now:
        raise NoWeightsError(
            f"the model of trial {trial_id} has {now} parameters, and had {before} when it was trained: its code was "
            "edited since; load it with the code of then"
        )
    try:
        model.load_weights(Path(path))
    except ValueError as error:
        why = (
            "it has no variables before it has seen data: give it an Input, or a method build"
            if not model.built
            else "its code was edited since; load it with the code of then"
        )
        raise NoWeightsError(
            f"the weights of trial {trial_id} do not fit the model that is built now ({reason(error)[:160]}): {why}"
        ) from None


def _of_any_batch(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a Sequential was built, without the size of its first batch: it would take no other."""
    shape = config.get("input_shape")
    return dict(config) if not shape else {**config, "input_shape": (None, *shape[1:])}
