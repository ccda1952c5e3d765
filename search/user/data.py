"""A user's own data: called for by the name in the definition, and made ready for `fit`."""

import hashlib
import inspect
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np

from studyhall.search.user.code import check_arguments, load_object
from studyhall.search.user.errors import broken
from studyhall.search.user.examples import (
    Examples,
    ExamplesFor,
    batch_size_of,
    is_array,
    is_arrays,
    is_used_up,
    length,
    steps_of,
)
from studyhall.search.user.phases import Phase, during
from studyhall.studies.definition import Definition
from studyhall.studies.errors import UserCodeError
from studyhall.studies.files import sha256_of

_TAKES = (
    "(train, validation), each of them (x, y) arrays, a tf.data.Dataset or a keras.utils.PyDataset; validation "
    "may be None"
)


def load_user_data(definition: Definition, batch_size: int) -> ExamplesFor:
    """Call the function that the definition's `data.source` names.

    It returns `(train, validation)`: arrays `(x, y)` or `(x, y, sample_weight)`, with any lists or
    dictionaries of arrays for `x` and `y`, or data sets that make their own batches. An object with these
    attributes, such as a `TrainingData`, will do too. Where its first parameter is called `hp`, or where it
    returns a function, that is called for each trial, with the trial's hyperparameters.

    Args:
        definition: The study's definition.
        batch_size: Examples in a batch of arrays; data sets have their own.

    Raises:
        UserCodeError: It cannot be imported or called, or returns something else.
    """
    data, folder = definition.data, definition.folder
    code = _code_fingerprint(definition)
    made = _called(data.source, json.dumps(data.arguments, sort_keys=True), str(folder), code)

    def ready(given: Any, fingerprint: str | None) -> Examples:
        if not isinstance(given, tuple | list):
            _refuse_iterators(given, "", data.source)
        train, validation = _halves(given, data.source)
        _refuse_iterators(train, "to train on", data.source)
        _refuse_iterators(validation, "to validate on", data.source)
        _check_validation(validation, definition)
        told = getattr(given, "fingerprint", None)
        prints = told or fingerprint or arrays_fingerprint((train, validation)) or code
        return _examples(train, validation, prints, batch_size, data.source)

    if not callable(made):
        examples = ready(made, None)
        return lambda hp: examples

    def for_trial(hp: Any) -> Examples:
        # What it raises is the trial's, as what `build(hp)` raises is; and so is what it returns.
        with during(Phase.DATA):
            given = made(hp)
        try:
            return ready(given, code)
        except UserCodeError as error:
            raise keras_tuner.errors.FailedTrialError(str(error)) from error

    return for_trial


@lru_cache(maxsize=1)  # trials and retraining share what may be large
def _called(source: str, arguments: str, folder: str, code: str) -> Any:
    function = load_object(source, Path(folder))
    keywords = json.loads(arguments)
    if not callable(function):
        raise UserCodeError(
            f"'{source}' is of type {type(function).__name__}: name a function that returns {_TAKES}"
        )
    if _takes_hyperparameters(function):
        check_arguments(source, function, keywords, "hp")
        return lambda hp: function(hp, **keywords)
    check_arguments(source, function, keywords)
    try:
        return function(**keywords)
    except UserCodeError:
        raise
    except (Exception, SystemExit) as error:
        raise broken(f"'{source}' fails", error, Path(folder)) from error


def _takes_hyperparameters(function: Any) -> bool:
    try:
        return next(iter(inspect.signature(function).parameters), None) == "hp"
    except (TypeError, ValueError):  # written in C
        return False


def _halves(given: Any, source: str) -> tuple[Any, Any]:
    if hasattr(given, "train") and hasattr(given, "validation"):
        return given.train, given.validation
    if isinstance(given, tuple | list) and len(given) == 2:
        train, validation = given
        if is_array(train) and is_array(validation):
            raise UserCodeError(
                f"'{source}' returns two arrays, which may be x and y or two halves: return ((x, y), (x_val, y_val)), "
                "or ((x, y), None) for no validation"
            )
        return train, validation
    if hasattr(given, "element_spec") or isinstance(given, keras.utils.PyDataset):
        return given, None
    raise UserCodeError(f"'{source}' returns {_named(given)}: let it return {_TAKES}")


def _is_empty(data: Any) -> bool:
    first = next(iter(keras.tree.flatten(data)), None) if isinstance(data, tuple | list | dict) else data
    if first is not None and is_array(first) and len(first.shape):
        return int(first.shape[0] or 0) == 0
    return steps_of(data) == 0


def _refuse_iterators(data: Any, what: str, source: str) -> None:
    parts = data if isinstance(data, tuple | list) else (data,)
    for part in parts:
        if is_used_up(part):
            raise UserCodeError(
                f"'{source}' returns a {f'{type(part).__name__} {what}'.rstrip()}, which gives its examples once, and every trial needs them: "
                "return a tf.data.Dataset, as tf.data.Dataset.from_generator() makes, or a keras.utils.PyDataset"
            )


def _check_validation(validation: Any, definition: Definition) -> None:
    if validation is not None:
        if _is_empty(validation):
            raise UserCodeError(f"'{definition.data.source}' returns 0 examples to validate on")
        if isinstance(validation, tuple):
            _require_as_many(validation, "to validate on", definition.data.source)
        return
    for metric in definition.metrics:
        if metric.startswith("val_"):
            raise UserCodeError(
                f"'{definition.data.source}' returns no validation data, which the objective '{metric}' is computed on: "
                f"return (train, validation), or set objective.metric to {metric.removeprefix('val_')!r}"
            )


def _examples(train: Any, validation: Any, fingerprint: str, batch_size: int, source: str) -> Examples:
    x, arguments = train, {}
    if isinstance(train, tuple):
        if not 1 <= len(train) <= 3 or not all(is_arrays(part) or part is None for part in train):
            parts = ", ".join(map(_named, train))
            raise UserCodeError(f"'{source}' returns ({parts}) to train on: let it return {_TAKES}")
        x, *rest = train
        arguments = dict(zip(("y", "sample_weight"), rest, strict=False))
    if not is_arrays(x):
        if arguments:
            raise UserCodeError(
                f"'{source}' returns a {_named(x)} beside targets: a data set holds its own, so return it alone"
            )
        if train is None or isinstance(train, bool | int | float | str):
            raise UserCodeError(f"'{source}' returns {_named(train)} to train on: let it return {_TAKES}")
        steps = steps_of(train)
        if steps == 0:
            raise UserCodeError(
                f"'{source}' returns a {_named(train)} of 0 batches to train on: it must hold one full batch at least"
            )
        return Examples(train, validation, fingerprint, {}, steps, batch_size_of(train))
    sizes = _require_as_many((x, *arguments.values()), "to train on", source)
    if max(sizes) == 0:
        raise UserCodeError(f"'{source}' returns 0 examples to train on")
    steps = -(-max(sizes) // batch_size)
    return Examples(
        x,
        validation,
        fingerprint,
        {**arguments, "batch_size": batch_size},
        steps,
        min(batch_size, max(sizes)),
    )


def _require_as_many(parts: Iterable[Any], purpose: str, source: str) -> set[int]:
    """Return the one number of examples that there is in arrays; refuse them where there are several."""
    sizes = {length(part) for part in parts if part is not None and is_arrays(part)}
    if len(sizes) > 1:
        shown = " and ".join(map(str, sorted(sizes)))
        raise UserCodeError(
            f"'{source}' returns arrays of {shown} examples {purpose}: their numbers must be the same"
        )
    return sizes


def arrays_fingerprint(data: Any) -> str | None:
    """Return the SHA-256 of arrays' types, shapes and bytes; None where anything is no array."""
    leaves = [leaf for leaf in keras.tree.flatten(data) if leaf is not None]
    if not leaves or not all(map(is_array, leaves)):
        return None
    digest = hashlib.sha256()
    for leaf in leaves:
        array = np.asarray(keras.ops.convert_to_numpy(leaf) if keras.ops.is_tensor(leaf) else leaf)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype.hasobject:
            return None
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return f"sha256:{digest.hexdigest()}"


def _code_fingerprint(definition: Definition) -> str:
    """Return the SHA-256 of the loader's code and arguments, which is all that is known of batches."""
    digest = hashlib.sha256(json.dumps(definition.data.arguments, sort_keys=True).encode())
    for path in _sources(definition):
        digest.update(sha256_of(path).encode())
    return f"sha256:{digest.hexdigest()}"


def _sources(definition: Definition) -> Iterable[Path]:
    source = definition.data.source
    where, _, _ = source.rpartition(":")
    if where.endswith(".py"):
        yield definition.folder / Path(where).expanduser()
        return
    file = inspect.getsourcefile(inspect.unwrap(load_object(source, definition.folder)))
    if file is not None:
        yield Path(file)


def _named(thing: Any) -> str:
    return "None" if thing is None else f"{type(thing).__name__}"
