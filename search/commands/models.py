"""`studyhall models`: the built-in networks, as a table or as a picture."""

from pathlib import Path

import click

from studyhall.search.commands.options import epilog


@click.command(epilog=epilog("studyhall models", "studyhall models seed-003 --to pictures"))
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--to", metavar="DIR", type=click.Path(path_type=Path), default=".", help="Folder for the pictures."
)
def command(name: str | None, to: Path) -> None:
    """List the built-in networks with their sizes, or draw NAME as NAME.png and NAME.svg.

    A study builds one of them with `arguments.preset = "NAME"` in its [hypermodel].
    """
    from studyhall.search.figures.network.listing import draw_preset, show_presets

    if name is None:
        show_presets()
    else:
        draw_preset(name, to)
