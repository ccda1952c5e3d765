"""`studyhall check`: tries a study file out before anything is queued."""

from pathlib import Path

import click

from studyhall.search.commands.options import KERAS_ENVIRONMENT, epilog


@click.command(epilog=epilog("studyhall check study.toml", environment=KERAS_ENVIRONMENT))
@click.argument("file", metavar="STUDY.toml", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Import what STUDY.toml names, build its default model and train two batches.

    Shows what was found: the data's shapes, the hyperparameters, what training reports. Nothing is queued, and no
    database is touched.
    """
    from studyhall.search.checking import check_and_show

    check_and_show(file)
