"""What a check has found, in words and numbers for people."""

from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner

from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.hyperparameters import TrialHyperParameters
from studyhall.search.training.account import Account
from studyhall.search.training.own_fit import has_own_fit
from studyhall.search.user.examples import Examples, described


def facts_of(
    hypermodel: keras_tuner.HyperModel,
    hp: TrialHyperParameters,
    model: Any,
    examples: Examples,
    logs: Mapping[str, Any],
    account: Account,
) -> dict[str, Any]:
    """Return what people want to see before they start a search, in words and numbers.

    Args:
        hypermodel: The HyperModel.
        hp: What it asked for.
        model: What it built.
        examples: What the model was trained on.
        logs: What training reported at the last epoch.
        account: Of that training.
    """
    nothing = examples.validation is None
    targets = tuple(value for name, value in examples.fit_arguments.items() if name != "batch_size")
    own = has_own_fit(hypermodel)
    batch_size, steps = examples.batch_size, examples.steps_per_epoch
    if own and "batch_size" in examples.fit_arguments:
        batch_size = account.batch_size
        steps = None if batch_size is None or steps is None else -(-_count(examples) // batch_size)
    return {
        "train": described((examples.train, *targets) if targets else examples.train),
        "validation": None if nothing else described(examples.validation),
        "steps_per_epoch": steps,
        "batch_size": batch_size,
        "input": _shapes(model, "input_shape"),
        "output": _shapes(model, "output_shape"),
        "space": {hyper.name: _range(hyper) for hyper in hp.space},
        "values": dict(logs),
        "fits": account.fits,
    }


def _count(examples: Examples) -> int:
    return int(keras.tree.flatten(examples.train)[0].shape[0])


def _shapes(model: Any, name: str) -> str | None:
    try:
        return str(getattr(model, name))
    except (AttributeError, ValueError):  # a subclassed model need not know
        return None


def _range(hyper: Any) -> str:
    parameter = parameter_of(hyper)
    return f"always {hyper.value!r}" if parameter is None else parameter.range()
