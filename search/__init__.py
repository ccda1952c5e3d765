"""What happens: trials and workers, training and publishing, the server and the command line."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studyhall.search.tuner.tuner import Tuner

__all__ = ["Tuner"]


def __getattr__(name: str) -> Any:
    """Import the Tuner when it is asked for: it brings Keras, which takes seconds."""
    if name == "Tuner":
        from studyhall.search.tuner.tuner import Tuner

        return Tuner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
