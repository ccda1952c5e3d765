"""What happens: trials and workers, training and publishing, the server and the command line.

For scripts that were written for KerasTuner it stands in KerasTuner's place: `import studyhall.search as kt`.
"""

import sys
from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; `typing` takes long to import
if TYPE_CHECKING:
    from keras_tuner import (
        HyperModel,
        HyperParameters,
        Objective,
        Oracle,
        applications,
        engine,
        errors,
        oracles,
    )

    from studyhall.search.tuner.sklearn_tuner import SklearnTuner
    from studyhall.search.tuner.tuner import Tuner
    from studyhall.search.tuner.tuners import BayesianOptimization, GridSearch, Hyperband, RandomSearch

_TUNERS = ("BayesianOptimization", "GridSearch", "Hyperband", "RandomSearch", "SklearnTuner", "Tuner")
# What a script needs besides is KerasTuner's own.
__all__ = [
    "BayesianOptimization",
    "GridSearch",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "Oracle",
    "RandomSearch",
    "SklearnTuner",
    "Tuner",
    "applications",
    "engine",
    "errors",
    "oracles",
]


def __getattr__(name: str) -> object:
    """Import a name when it is asked for: tuners bring Keras, which takes seconds."""
    if name in _TUNERS:
        return getattr(import_module("studyhall.search.tuner.tuners"), name)
    if name in __all__:
        return getattr(import_module("keras_tuner"), name)
    if name == "tuners":  # `kt.tuners.RandomSearch` is ours, too
        return sys.modules[__name__]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "tuners"})
