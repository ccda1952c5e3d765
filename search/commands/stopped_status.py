"""The exit status of a worker that was told to stop while trials waited: schedulers start again what does not end with 0."""

import click

from studyhall.search.references import StudyReference
from studyhall.studies.errors import StorageError

stopped_status_option = click.option(
    "--stopped-status",
    type=click.IntRange(0, 125),
    default=0,
    show_default=True,
    metavar="N",
    envvar="STUDYHALL_STOPPED_STATUS",
    show_envvar=True,
    help="Exit status after SIGTERM or SIGINT while trials wait, for a scheduler that then starts the worker again.",
)


def status_after_stop(reference: StudyReference, status: int) -> int:
    """Return the exit status of a worker that was told to stop: `status` where trials wait, or nobody can tell; else 0."""
    from studyhall.studies.catalogue import Catalogue

    if status == 0:
        return 0
    try:
        with Catalogue(reference.storage_url) as catalogue:
            return status if catalogue.entry(reference.name).counts.waiting > 0 else 0
    except StorageError:
        return status
