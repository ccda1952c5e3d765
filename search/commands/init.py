"""`studyhall init`: a small project of one's own, to begin from."""

import shlex
from pathlib import Path

import click

from studyhall.search.commands.options import epilog


@click.command(epilog=epilog("studyhall init spirals"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write a small working example into DIR: a study file, a model and its data.

    DIR is made if it is not there, and must be empty if it is.
    """
    from studyhall.search.actions.init import write_example

    for path in write_example(folder):
        click.echo(f"wrote {path}")
    click.echo(
        f"Look at them, and then:\n  cd {shlex.quote(str(folder))}\n  studyhall check study.toml\n  studyhall search study.toml"
    )
