"""The look that all figures share, and the way in which they get into files."""

import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from studyhall.studies.errors import ArtifactError
from studyhall.studies.files import explain, write_atomically

FORMATS = ("png", "svg")
DOTS_PER_INCH = 160  # of a PNG

# The palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart with any kind of colour vision.
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
INK, MUTED, LINE = "#222222", "#666666", "#DDDDDD"

_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # matplotlib brings it: figures look the same on every machine
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.dpi": DOTS_PER_INCH,
    "svg.hashsalt": "studyhall",  # equal figures are equal files
    "text.color": INK,
    "text.parse_math": False,  # people's names may hold dollar signs
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}


@contextmanager
def drawing() -> Iterator[None]:
    """Have everything that is drawn inside the block, or the function it decorates, look alike."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # a matplotlibrc of one's own must not give other pictures than everybody's
        matplotlib.rcParams.update(_SETTINGS)
        # A box for a letter is better than no picture.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, which belongs to no window and to no global list."""
    return Figure(figsize=(width, height), layout="constrained")


def head(figure: Figure, title: str, subtitle: str = "") -> None:
    """Write a title over a picture, and in smaller letters what it is a picture of.

    Axes keep out of there.
    """
    height = figure.get_figheight()
    figure.text(0.012, 1 - 0.09 / height, title, va="top", fontsize=11.5, fontweight="bold")
    lines = textwrap.wrap(subtitle, int(15 * figure.get_figwidth()), max_lines=3)
    figure.text(
        0.012, 1 - 0.32 / height, "\n".join(lines), va="top", fontsize=8.5, color=MUTED, linespacing=1.3
    )
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, 0, 1, 1 - (0.36 + 0.17 * len(lines)) / height))  # type: ignore[call-arg]


def save(figure: Figure, path: Path) -> Path:
    """Write a figure to a file, whole or not at all, in the format that the path ends in; return the path.

    Raises:
        ArtifactError: The file cannot be written.
    """
    kind = path.suffix.removeprefix(".")
    # No date and no version inside, so that the same figure gives the same bytes.
    metadata: dict[str, Any] = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with drawing(), write_atomically(path) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
    except OSError as error:
        raise ArtifactError(f"Cannot write the picture {str(path)!r}: {explain(error)}") from error
    return path


def save_as(figure: Figure, folder: Path, name: str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a figure to `folder`, once in each format; see `save`."""
    return [save(figure, folder / f"{name}.{kind}") for kind in formats]
