"""What a HyperModel's own `fit` asks of `model.fit`, and what is ours to add to it."""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import keras_tuner
import numpy as np

from studyhall.search.training.account import Account
from studyhall.search.training.rules import Annealing, EarlyStopping, Rule
from studyhall.search.user.examples import Examples, is_arrays, is_endless
from studyhall.search.user.phases import Phase, during
from studyhall.studies.errors import UserCodeError

_RATE_SETTERS = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


def require_end(hypermodel: keras_tuner.HyperModel, examples: Examples, source: str) -> None:
    """Refuse data whose epochs never end, where nothing but Keras's `fit` says how long one is.

    Args:
        hypermodel: The HyperModel; a `fit` of its own may give `steps_per_epoch` and `validation_steps`.
        examples: The data.
        source: The definition's name of them.

    Raises:
        UserCodeError: An epoch of them has no end.
    """
    if has_own_fit(hypermodel):
        return
    for data, what, steps in (
        (examples.train, "to train on", "steps_per_epoch"),
        (examples.validation, "to validate on", "validation_steps"),
    ):
        if is_endless(data):
            raise UserCodeError(
                f"'{source}' returns an endless {type(data).__name__} {what}, of which an epoch never ends: give it an end, as "
                f"data.take(n) does, or pass {steps} to model.fit() in a fit of the HyperModel's own"
            )


def weights_before(hypermodel: keras_tuner.HyperModel, model: Any) -> list[Any] | None:
    """Return a model's weights where only they can tell later whether a `fit` of the user's own trained it.

    It returns None where other signs tell.
    """
    return model.get_weights() if has_own_fit(hypermodel) and model.built else None


def changed(before: list[Any] | None, model: Any) -> bool:
    """Whether a model's weights are others than those of `weights_before`.

    They are where there were none to compare.
    """
    if before is None:
        return True
    pairs = zip(before, model.get_weights(), strict=False)
    return any(not np.array_equal(one, other) for one, other in pairs)


def has_own_fit(hypermodel: keras_tuner.HyperModel) -> bool:
    """Whether a HyperModel trains in its own way."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def fit_by(
    hypermodel: keras_tuner.HyperModel,
    hp: Any,
    model: Any,
    account: Account | None,
    *given: Any,
    **keywords: Any,
) -> Any:
    """Return what a HyperModel's `fit` returns of a model.

    A `fit` of the user's own may give `model.fit` what it is given, too, as `model.fit(*args, epochs=5,
    **kwargs)` does: then its own counts, and ours is not given to it again.

    Args:
        hypermodel: Whose `fit(hp, model, ...)` is called.
        hp: The trial's hyperparameters.
        model: What `build(hp)` returned.
        account: Hears whether a training has begun, after which nothing is called again.
        given: What else `fit` is given.
        keywords: Likewise.
    """
    with during(Phase.FIT):
        while True:
            try:
                return hypermodel.fit(hp, model, *given, **keywords)
            except TypeError as error:
                found = re.search(r"got multiple values for keyword argument '(\w+)'", f"{error}")
                has_begun = account is None or account.fits > 0
                if found is None or found[1] not in keywords or found[1] == "callbacks" or has_begun:
                    raise
                del keywords[found[1]]


@contextmanager
def joined(
    model: Any,
    ours: Sequence[keras.callbacks.Callback],
    rules: Sequence[Rule],
    batch_size: int | None,
    account: Account | None,
    epochs: int | None = None,
) -> Iterator[None]:
    """Have `model.fit` take its author's callbacks before ours while the context lasts.

    So ours see what theirs write into the logs. A rule of ours does not act beside a callback of theirs that
    does the same. Arrays for which no batch size is given get the study's.

    Args:
        model: The model that `build` returned.
        ours: The callbacks that `HyperModel.fit` is given.
        rules: Those of them that leave room for others.
        batch_size: The study's batch size for arrays; None where the data are no arrays.
        account: Hears which batch size it became.
        epochs: How many a `fit` has that is given none; None leaves that to Keras, which trains one.
    """
    original: Callable[..., Any] = model.fit
    signature = inspect.signature(original)
    mine = set(map(id, ours))

    def fit(*arguments: Any, **keywords: Any) -> Any:
        try:
            given = signature.bind(*arguments, **keywords).arguments
        except TypeError:
            return original(*arguments, **keywords)  # which says what is wrong
        callbacks = given.get("callbacks")
        if isinstance(callbacks, list | tuple):
            flat = keras.tree.flatten(callbacks)
            theirs = [each for each in flat if id(each) not in mine]
            for rule in rules:
                rule.displaced = _rival(rule, theirs)
                if isinstance(rule, Annealing):
                    rule.initial_epoch = given.get("initial_epoch") or 0
            given["callbacks"] = [*theirs, *(each for each in flat if id(each) in mine)]
        if batch_size is not None and given.get("batch_size") is None and is_arrays(given.get("x")):
            given["batch_size"] = batch_size
        if account is not None:
            account.batch_size = given.get("batch_size")
        if epochs is not None:
            given.setdefault("epochs", epochs)
        more = given.pop("kwargs", {})
        return original(**given, **more)

    model.fit = fit
    try:
        yield
    finally:
        vars(model).pop("fit", None)


def _rival(rule: Rule, theirs: Sequence[Any]) -> str | None:
    """Return that one of the user's callbacks does what a rule of ours does, in words.

    It returns None where none does.
    """
    kinds = keras.callbacks.EarlyStopping if isinstance(rule, EarlyStopping) else _RATE_SETTERS
    found = next((each for each in theirs if isinstance(each, kinds)), None)
    return None if found is None else f"fit() brings a {type(found).__name__} of its own"
