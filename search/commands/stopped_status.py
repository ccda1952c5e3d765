"""The exit status of a worker that was told to stop: its signal's, or one that a scheduler asked for."""

import click

from studyhall.search.processes.signals import status_after
from studyhall.studies.errors import StorageError, StudyNotFoundError
from studyhall.studies.study_file.reference import StudyReference

stopped_status_option = click.option(
    "--stopped-status",
    type=click.IntRange(0, 125),
    metavar="N",
    envvar="STUDYHALL_STOPPED_STATUS",
    show_envvar=True,
    help="For schedulers: exit with N after a signal if trials are left, so that the worker is started again, "
    "and with 0 if none is. Default: with the signal's, such as 143.",
)


def status_after_stop(reference: StudyReference, number: int, status: int | None) -> int:
    """Return the exit status of a worker that a signal told to stop.

    Args:
        reference: The study.
        number: The signal.
        status: What a scheduler wants where trials wait or run, which may come back, or nobody can tell;
            where none is left it gets 0. None where no scheduler asks: it is the signal's.
    """
    from studyhall.studies.status.catalogue import Catalogue

    if status is None:
        return status_after(number)
    if status == 0:
        return 0
    try:
        with Catalogue(reference.storage_url) as catalogue:
            counts = catalogue.summary(reference.name).counts
            return status if counts.finished < counts.total else 0
    except (StorageError, StudyNotFoundError):
        return status
