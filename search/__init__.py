"""What happens: trials and workers, training and publishing, the server and the command line."""

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; `typing` takes long to import
if TYPE_CHECKING:
    from studyhall.search.tuner.tuner import Tuner
    from studyhall.search.tuner.tuners import BayesianOptimization, GridSearch, Hyperband, RandomSearch

__all__ = ["BayesianOptimization", "GridSearch", "Hyperband", "RandomSearch", "Tuner"]


def __getattr__(name: str) -> object:
    """Import a tuner when it is asked for: it brings Keras, which takes seconds."""
    if name in __all__:
        return getattr(import_module("studyhall.search.tuner.tuners"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
