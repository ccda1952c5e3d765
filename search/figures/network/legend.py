"""What a network's picture says in words: its head, and the key to its colours."""

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studyhall.models.architecture import Architecture
from studyhall.search.figures.network.pieces import SKIP_COLOUR, shade
from studyhall.search.figures.style import BLUE, GREEN, SKY, VERMILION


def head_in_words(architecture: Architecture) -> tuple[str, ...]:
    """Return the head's name, and what it does in two short lines."""
    activation = architecture.final_activation.replace("_", " ")
    maps = "1×1 conv. to 2 maps" if architecture.decoders == 1 else "1×1 conv. to a map each"
    match architecture.head:
        case "consistent":
            total = "2·mixture" if architecture.mix == "mean" else "mixture"
            return (
                "consistent head",
                "1×1 conv. and sigmoid:",
                "the item, in its bounds;",
                f"digit = {total} − item",
            )
        case "depthwise":
            return "depthwise head", maps, f"depthwise 3×3, {activation}"
    return "independent head", maps, activation


def legend_entries(architecture: Architecture) -> list[Patch | Line2D]:
    """Return the entries of the key: a colour, and the layers that it stands for."""
    steps = [
        "3×3 convolution",
        *(["batch norm"] if architecture.normalisation == "batch" else []),
        architecture.activation.replace("_", " "),
    ]
    kernel = architecture.upsampling.removeprefix("transposed-").replace("x", "×")
    way_up = (
        f"a transposed {kernel} convolution" if kernel != architecture.upsampling else f"{kernel} resizing"
    )
    entries: list[Patch | Line2D] = [
        Patch(facecolor=shade(BLUE, 0.2), label=", ".join(steps)),
        Line2D([], [], color=VERMILION, label="2×2 max pooling"),
        Patch(facecolor=shade(GREEN, 0.2), label=f"upsampled by {way_up}"),
    ]
    if architecture.skips:
        entries.append(Line2D([], [], color=SKIP_COLOUR, linestyle=(0, (4, 2)), label="skip"))
        entries.append(Patch(facecolor=shade(SKY, 0.2), label="joined from the skip"))
    return entries
