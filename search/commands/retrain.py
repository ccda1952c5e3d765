"""`studyhall retrain`: train a study's best configuration again, and publish it."""

import click

from studyhall.search.commands.options import (
    WORK_ENVIRONMENT,
    artifacts_option,
    epilog,
    plain_option,
    same_command,
    storage_option,
    study_argument,
    traceback_option,
)


@click.command(
    epilog=epilog(
        "studyhall retrain spirals",
        environment=WORK_ENVIRONMENT,
    )
)
@study_argument
@storage_option
@artifacts_option
@plain_option
@traceback_option
def command(study: str, storage: str | None, artifacts: str | None, plain: bool) -> int:
    """Retrain the best trial of STUDY so far, and publish the better model.

    STUDY is a study file, or the name of a study in the storage. The bundle that is published stays until
    the new one is complete.
    """
    from studyhall.search.session.session import session
    from studyhall.studies.study_file.reference import resolve_study

    again = same_command(study)
    with session(resolve_study(study, storage, artifacts, existing=True), again, plain=plain) as work:
        return work.finish(work.publish(), again)
