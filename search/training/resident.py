"""Resident training: a model's own steps, on mixtures that its device composes from images it holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from studyhall.data.batches import MixtureBatches
from studyhall.data.resident import ResidentBatches, compose_on_device, largest_share
from studyhall.search.devices.setup import capability, feeding


def batches_together(model: Any, train: Any, validation: Any) -> int:
    """Return how many batches one execution takes from images on the device; 0 if the host composes them.

    It does where the device is better off so, and where the user could see a difference: with data, steps or
    a compilation of their own, or with several devices.
    """
    chosen = feeding(capability())
    ours = (
        isinstance(train, MixtureBatches)
        and isinstance(validation, MixtureBatches)
        and type(model).train_step is keras.Model.train_step
        and type(model).test_step is keras.Model.test_step
        and type(model).fit is keras.Model.fit
        and model.steps_per_execution == 1
        and not model.run_eagerly
        and keras.distribution.distribution() is None
        and keras.backend.backend() in ("jax", "tensorflow")
    )
    if not ours or not chosen.resident:
        return 0
    most = max(1, min(chosen.most_mixtures // int(train.batch_size), len(train)))
    return largest_share(train, most) if keras.backend.backend() == "jax" else most


def facts(together: int) -> dict[str, Any]:
    """Return how batches are fed, for a trial's record."""
    return {"input": "device" if together else "host", "batches_per_execution": together or 1}


@contextmanager
def resident(
    model: Any, train: MixtureBatches, validation: MixtureBatches, together: int
) -> Iterator[tuple[ResidentBatches, ResidentBatches]]:
    """Have a compiled model, which is built, train and validate on resident batches while the context lasts.

    The model stays itself: its steps are preceded by the composition of their mixtures, so that callbacks,
    metrics, optimizer and what is saved are as ever. One execution takes up to `together` batches.

    Yields:
        What `fit` takes as `x` and as `validation_data`, with `shuffle=False`.
    """
    jax = keras.backend.backend() == "jax"
    fed = tuple(ResidentBatches(each, together if jax else 1) for each in (train, validation))
    _build_losses(model, train)
    try:
        for name, batches in zip(("train_step", "test_step"), fed, strict=True):
            own = getattr(model, name)
            setattr(model, name, _several(own, batches) if jax else _one(own, batches))
        model.steps_per_execution = 1 if jax else together
        _forget_functions(model)
        yield fed[0], fed[1]
    finally:
        for name in ("train_step", "test_step"):
            vars(model).pop(name, None)
        model.steps_per_execution = 1
        _forget_functions(model)


def _build_losses(model: Any, batches: MixtureBatches) -> None:
    """Build what Keras would build from the shapes of `fit`'s data."""
    x, y = (keras.ops.convert_to_tensor(array[:1]) for array in batches[0])
    spec = model.compute_output_spec(keras.KerasTensor(x.shape, "float32"))
    prediction = keras.tree.map_structure(lambda each: keras.ops.zeros(each.shape, each.dtype), spec)
    model.compute_loss(x, y, prediction)
    model.compute_metrics(x, y, prediction)
    model.reset_metrics()


def _forget_functions(model: Any) -> None:
    model.train_function = model.test_function = None


def _one(step: Callable[..., Any], batches: ResidentBatches) -> Callable[..., Any]:
    """Return TensorFlow's step, which takes one batch; Keras makes a loop of several."""

    def composed(data: tuple[Any]) -> Any:
        return step(compose_on_device(batches.digits, batches.items, data[0][:, 0], batches.batches.mix))

    return composed


def _several(step: Callable[..., Any], batches: ResidentBatches) -> Callable[..., Any]:
    """Return JAX's step, which takes all batches of an item.

    Keras's own loop would call the device for each.
    """
    import jax

    def composed(state: Any, data: tuple[Any, Any, Any]) -> tuple[Any, Any]:
        pairs, digits, items = data

        def one(state: Any, pairs: Any) -> tuple[Any, Any]:
            logs, state = step(state, compose_on_device(digits, items, pairs, batches.batches.mix))
            return tuple(list(part) for part in state), logs

        state = tuple(list(part) for part in state)
        if pairs.shape[1] == 1:
            state, logs = one(state, pairs[:, 0])
            return logs, state
        state, logs = jax.lax.scan(one, state, keras.ops.swapaxes(pairs, 0, 1))
        return jax.tree.map(lambda value: value[-1], logs), state  # metrics count from the epoch's beginning

    return composed
