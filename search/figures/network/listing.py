"""The presets as a person sees them: a table of all, or one of them drawn."""

import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studyhall.models.errors import ConfigurationError
from studyhall.models.presets import PRESETS, Preset, find_preset
from studyhall.models.rules import SIDE
from studyhall.studies.errors import ArtifactLocationError, StudyhallError
from studyhall.studies.one_line import shown

WIDE = 130  # letters in a line where there is no terminal


class UnknownPresetError(StudyhallError):
    """There is no preset of that name."""


def show_presets() -> None:
    """Print a table of all presets."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    table = Table(box=None, padding=(0, 3, 1, 0))
    table.add_column("preset", no_wrap=True, style="bold")
    table.add_column("network")
    for heading in ("parameters", "input", "output", "published error"):
        table.add_column(heading, justify="right", no_wrap=True)
    for preset in PRESETS.values():
        entrance, exit_ = shapes(preset)
        table.add_row(preset.name, preset.description, parameters(preset), entrance, exit_, published(preset))
    console.print(table, highlight=False)
    console.print("Draw one of them with: studyhall models NAME", highlight=False)


def draw_preset(name: str, to: Path) -> list[Path]:
    """Draw a preset's network as NAME.png and NAME.svg, print the paths and return them.

    Raises:
        UnknownPresetError: There is none of that name.
        ArtifactError: The pictures cannot be written.
    """
    # Late: the table needs no matplotlib.
    from studyhall.search.figures.network.drawing import network_figure
    from studyhall.search.figures.style import save_as

    try:
        preset = find_preset(name)
    except ConfigurationError as error:
        raise UnknownPresetError(f"{error}; list all with: studyhall models") from error
    if os.path.exists(to) and not os.path.isdir(to):
        raise ArtifactLocationError(f"{shown(to)} is a file. Name a folder with --to.")
    facts = [f"{preset.parameters:,} parameters", " → ".join(shapes(preset))]
    if preset.training.error is not None:
        facts.append(f"published error {published(preset)}")
    subtitle = f"{preset.description}\n{', '.join(facts)}"
    files = save_as(network_figure(preset.architecture, preset.name, subtitle), to, preset.name)
    for file in files:
        Console().print(shown(file), markup=False, highlight=False, soft_wrap=True)
    return files


def parameters(preset: Preset) -> str:
    """How many parameters we count, and what its author stated of them."""
    counted, stated = preset.parameters, preset.stated_parameters
    if stated is None:
        return f"{counted:,}"
    return f"{counted:,}\n{'as stated' if stated == counted else f'stated: {stated:,}'}"


def shapes(preset: Preset) -> tuple[str, str]:
    """The input's and the output's height, width and channels."""
    return f"{SIDE}×{SIDE}×1", "×".join(map(str, preset.architecture.output_shape))


def published(preset: Preset) -> str:
    """The published mean squared error and its deviation over rounds, or a dash."""
    training = preset.training
    if training.error is None:
        return "–"
    return _scientific(training.error) + (
        f" ± {_scientific(training.deviation)}" if training.deviation else ""
    )


def _scientific(number: float) -> str:
    mantissa, _, exponent = f"{number:.3e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
