"""`studyhall figures`: pictures of a search and of the model that it found."""

from pathlib import Path

import click

from studyhall.search.commands.options import KERAS_ENVIRONMENT, artifacts_option, epilog, storage_option


@click.command(
    epilog=epilog(
        "studyhall figures spirals",
        "studyhall figures best/spirals --to pictures",
        environment=KERAS_ENVIRONMENT,
    )
)
@click.argument("what", metavar="STUDY-OR-BUNDLE")
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for the pictures. Default: figures/ and the study's name.",
)
@click.option(
    "--pairs",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Test mixtures to separate; the best, the median and the worst are shown.",
)
@storage_option
@artifacts_option
def command(what: str, to: Path | None, pairs: int, storage: str | None, artifacts: str | None) -> None:
    """Draw a search and its published model, each picture as PNG and SVG.

    STUDY-OR-BUNDLE is a study file, the name of a study in the storage, or the folder of a fetched bundle. Of
    a study: optimisation, importances, parallel coordinates and learning curves; of both: the training
    history and separations of test mixtures. A picture for which data are missing is left out, and the reason
    is shown.
    """
    from studyhall.search.actions.figures import draw_and_show

    draw_and_show(what, to, storage, artifacts, pairs=pairs)
