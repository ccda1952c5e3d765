"""`studyhall worker`: one more pair of hands for a study."""

from typing import TYPE_CHECKING

import click

from studyhall.search.commands.limits import limits_options
from studyhall.search.commands.options import (
    KERAS_ENVIRONMENT,
    artifacts_option,
    epilog,
    plain_option,
    scale_option,
    storage_option,
    study_argument,
)

if TYPE_CHECKING:
    from studyhall.search.settings import WorkerSettings


@click.command(
    epilog=epilog(
        "studyhall worker studies/quickstart.toml",
        "studyhall worker quickstart --storage sqlite:////shared/studies.db",
        environment=KERAS_ENVIRONMENT,
    )
)
@study_argument
@storage_option
@artifacts_option
@scale_option
@plain_option
@limits_options
def command(
    study: str,
    storage: str | None,
    artifacts: str | None,
    scale: float | None,
    plain: bool,
    settings: "WorkerSettings",
) -> int:
    """Train trials of STUDY until its queue is empty.

    STUDY is a study file, or the name of a study in the storage. Start as many workers as there are devices: they
    share the queue, and no trial is trained twice. A worker does not publish: `studyhall search` and
    `studyhall retrain` do.
    """
    from studyhall.search.references import resolve_study
    from studyhall.search.runner import session

    with session(resolve_study(study, storage, artifacts, scale), plain=plain, settings=settings) as work:
        work.work()
    return 0
