"""`studyhall enqueue`: configurations of one's own for a study."""

from pathlib import Path

import click

from studyhall.search.commands.options import KERAS_ENVIRONMENT, epilog, storage_option, study_argument


@click.command(
    epilog=epilog(
        "studyhall enqueue spirals layers=1 learning_rate=0.005",
        "studyhall enqueue spirals --from-csv good.csv",
        environment=KERAS_ENVIRONMENT,
    )
)
@study_argument
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1)
@click.option(
    "--from-csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Configurations, one a row, under a row of names. An empty cell leaves it to the sampler.",
)
@storage_option
def command(study: str, values: tuple[str, ...], csv_file: Path | None, storage: str | None) -> None:
    """Queue configurations of your own in STUDY, each as one more trial, which are tried next.

    What a configuration leaves out is proposed by the sampler. All of them are built first, and nothing is
    queued unless everything can be.
    """
    from studyhall.search.actions.enqueue import enqueue_and_show
    from studyhall.studies.study_file.reference import resolve_study

    enqueue_and_show(resolve_study(study, storage, existing=True), values, csv_file)
