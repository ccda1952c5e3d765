"""Examples: what one fit is given to train and to validate on, wherever it comes from."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import keras_tuner
import numpy as np

_INFINITE = -1  # what tf.data calls the cardinality of a data set without an end


@dataclass(frozen=True, eq=False)
class Examples:
    """The data of one fit.

    Args:
        train: What `fit` takes as `x`; its `set_epoch`, where it has one, is called with each epoch.
        validation: What `fit` takes as `validation_data`; None where there is none.
        fingerprint: Identifies the data, as `sha256:` and a digest.
        fit_arguments: What else `fit` is given: targets, weights, and the batch size of arrays.
        steps_per_epoch: Batches in an epoch, or None where nobody can tell.
        batch_size: Examples in a batch, or None where nobody can tell.
    """

    train: Any
    validation: Any
    fingerprint: str
    fit_arguments: Mapping[str, Any] = field(default_factory=dict)
    steps_per_epoch: int | None = None
    batch_size: int | None = None


ExamplesFor = Callable[[Any], Examples]
"""Returns the examples of a trial, given its hyperparameters."""


def is_array(data: Any) -> bool:
    """Whether something is an array or a tensor, and no data set of its own kind."""
    return hasattr(data, "shape") and hasattr(data, "dtype") and not hasattr(data, "element_spec")


def is_arrays(data: Any) -> bool:
    """Whether something is an array, or a list or dictionary of them, as models with several inputs take."""
    if isinstance(data, dict | list):
        leaves = list(data.values()) if isinstance(data, dict) else data
        return bool(leaves) and all(is_arrays(each) for each in leaves)
    return is_array(data)


def length(arrays: Any) -> int:
    """Return the number of examples in arrays, which is the length of their first axis."""
    return int(keras.tree.flatten(arrays)[0].shape[0])


def described(data: Any) -> str:
    """Return the shapes and types of what `fit` trains on, as "float32 (1000, 28, 28), int64 (1000,)"."""
    spec = getattr(data, "element_spec", None)  # of a tf.data.Dataset: per batch, None where it varies
    if spec is None and isinstance(data, keras.utils.PyDataset):
        spec = data[0]
    leaves: Iterable[Any] = keras.tree.flatten(data if spec is None else spec)
    shown = [f"{_type(leaf)} {_shape(leaf)}" for leaf in leaves if hasattr(leaf, "shape")]
    batches = "" if spec is None else " in batches"
    return (", ".join(shown) or type(data).__name__) + batches


def _type(leaf: Any) -> str:
    return str(getattr(leaf.dtype, "name", leaf.dtype))


def _shape(leaf: Any) -> str:
    sizes = ["?" if size is None else str(size) for size in tuple(leaf.shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def batch_size_of(data: Any) -> int | None:
    """Return how many examples a data set puts in a batch, or None where it does not say."""
    spec = getattr(data, "element_spec", None)
    if spec is not None:
        sizes = [leaf.shape[0] for leaf in keras.tree.flatten(spec) if getattr(leaf, "shape", None)]
        return int(sizes[0]) if sizes and sizes[0] is not None else None
    size = getattr(data, "batch_size", None)
    return int(size) if isinstance(size, int | np.integer) else None


def steps_of(data: Any) -> int | None:
    """Return the number of batches in an epoch of a data set; None where it is unknown or has no end."""
    if isinstance(data, keras.utils.PyDataset):
        steps = data.num_batches
        return None if steps is None else int(steps)
    try:
        return len(data)
    except TypeError:
        return None


def is_endless(data: Any) -> bool:
    """Whether a data set says that it has no end."""
    if isinstance(data, keras.utils.PyDataset):
        return data.num_batches is None
    cardinality = getattr(data, "cardinality", None)
    return callable(cardinality) and int(cardinality()) == _INFINITE


def is_used_up(data: Any) -> bool:
    """Whether something is an iterator, which gives its values once: a generator, `zip(...)`, `map(...)`."""
    return hasattr(data, "__next__")


def first_batches(examples: Examples, count: int) -> Examples:
    """Return examples of no more than `count` batches to train on and one to validate on."""
    return replace(
        examples,
        train=_first(examples.train, count, examples.batch_size),
        validation=_first(examples.validation, 1, examples.batch_size),
        fit_arguments={
            name: value if name == "batch_size" else _first(value, count, examples.batch_size)
            for name, value in examples.fit_arguments.items()
        },
    )


def _first(data: Any, batches: int, batch_size: int | None) -> Any:
    if hasattr(data, "element_spec"):
        # A fit of the user's own may ask for more steps of a data set that has no end.
        return data.take(batches).repeat() if is_endless(data) else data.take(batches)
    if isinstance(data, keras.utils.PyDataset):
        return _FirstBatches(data, batches)
    if isinstance(data, tuple):
        return tuple(_first(each, batches, batch_size) for each in data)
    if not is_arrays(data):
        return data
    return keras.tree.map_structure(lambda array: array[: batches * (batch_size or 32)], data)


def one_example(examples: Examples) -> Any:
    """Return a batch of one example, as a model is called with it."""
    data = examples.train
    if not is_arrays(data):
        data = data[0] if isinstance(data, keras.utils.PyDataset) else next(iter(data))
        data = data[0] if isinstance(data, tuple | list) else data
    return keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array[:1]), data)


@dataclass(frozen=True)
class Failure:
    """A batch that a PyDataset raised an error for, and whether it was given before."""

    index: int
    was_given: bool
    error: Exception


class _FirstBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The beginning of another PyDataset; what that raises is remembered, as Keras may wrap it."""

    def __init__(self, whole: Any, batches: int) -> None:
        super().__init__()
        self._whole = whole
        self._given: set[int] = set()
        self.failure: Failure | None = None
        steps = steps_of(whole)
        self._batches = batches if steps is None else min(batches, steps)

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> Any:
        try:
            batch = self._whole[index]
        except Exception as error:
            self.failure = Failure(index, index in self._given, error)
            raise
        self._given.add(index)
        return batch


def arguments_for(hypermodel: keras_tuner.HyperModel, examples: Examples) -> dict[str, Any]:
    """Return what else `hypermodel.fit` is given of the examples.

    A HyperModel with a `fit` of its own usually chooses the batch size itself, so it is told ours only if it
    names it.
    """
    arguments = dict(examples.fit_arguments)
    if _has_own_batches(hypermodel):
        arguments.pop("batch_size", None)
    return arguments


def known_batch_size(hypermodel: keras_tuner.HyperModel, examples: Examples) -> int | None:
    """Return the examples in a batch, unless the HyperModel chooses how many those are."""
    return (
        None
        if "batch_size" in examples.fit_arguments and _has_own_batches(hypermodel)
        else examples.batch_size
    )


def _has_own_batches(hypermodel: keras_tuner.HyperModel) -> bool:
    own = type(hypermodel).fit is not keras_tuner.HyperModel.fit
    return own and "batch_size" not in inspect.signature(hypermodel.fit).parameters
