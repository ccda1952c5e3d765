"""Networks for the reference workload: encoder-decoders, their heads, presets and HyperModel."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studyhall.models.separation import SeparationHyperModel

__all__ = ["SeparationHyperModel"]


def __getattr__(name: str) -> Any:
    # Late, because it imports Keras, and the list of presets must not.
    if name == "SeparationHyperModel":
        from studyhall.models.separation import SeparationHyperModel

        return SeparationHyperModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
