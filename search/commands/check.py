"""`studyhall check`: tries a study file out before anything is queued."""

from pathlib import Path

import click

from studyhall.search.commands.options import KERAS_ENVIRONMENT, epilog, traceback_option


@click.command(epilog=epilog("studyhall check study.toml", environment=KERAS_ENVIRONMENT))
@click.argument("file", metavar="STUDY.toml", type=click.Path(path_type=Path))
@click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    envvar="STUDYHALL_CHECK_SECONDS",
    show_envvar=True,
    help="How long the check may take; the step that is not finished by then is named.",
)
@traceback_option
def command(file: Path, limit: float) -> None:
    """Rehearse what a search of STUDY.toml will do, with the default model and two batches.

    It trains with all rules of a trial and of the retraining, saves the model, loads it in a process of its
    own, and builds a few random configurations. It shows what was found: the data's shapes, the
    hyperparameters, what training reports, which rules apply. Nothing is queued, and no database is touched.
    """
    from studyhall.search.actions.check import check_and_show

    check_and_show(file, limit)
