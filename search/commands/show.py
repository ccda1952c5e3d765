"""`studyhall show`: a study file with every default visible."""

from pathlib import Path

import click

from studyhall.search.commands.options import epilog


@click.command(epilog=epilog("studyhall show studies/quickstart.toml"))
@click.argument("file", metavar="STUDY.toml", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Print a study file as Studyhall understands it: every setting, defaults included, with what it means."""
    from studyhall.studies.definition_file import load_definition
    from studyhall.studies.definition_toml import to_toml

    click.echo(to_toml(load_definition(file)), nl=False)
