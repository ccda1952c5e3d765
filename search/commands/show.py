"""`studyhall show`: a study file with every default visible."""

from pathlib import Path

import click

from studyhall.search.commands.options import epilog, scale_option


@click.command(
    epilog=epilog("studyhall show spirals/study.toml", "studyhall show spirals/study.toml --scale 0.5")
)
@click.argument("file", metavar="STUDY.toml", type=click.Path(path_type=Path))
@scale_option
def command(file: Path, scale: float | None) -> None:
    """Print a study file as Studyhall understands it: every setting, defaults included, with its meaning."""
    from studyhall.studies.study_file.loading import load_definition
    from studyhall.studies.study_file.writing import to_toml

    click.echo(to_toml(load_definition(file, {} if scale is None else {"scale": scale})), nl=False)
