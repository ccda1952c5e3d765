"""`studyhall clean`: the files that a study no longer needs, shown before they go."""

import click

from studyhall.search.commands.options import (
    STORE_ENVIRONMENT,
    artifacts_option,
    epilog,
    storage_option,
    study_argument,
)


@click.command(
    epilog=epilog(
        "studyhall clean spirals",
        "studyhall clean spirals --yes",
        environment=STORE_ENVIRONMENT,
    )
)
@study_argument
@click.option("--yes", is_flag=True, help="Remove what is shown without asking.")
@click.option(
    "--older-than",
    type=click.FloatRange(min=1),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="How old a file must be that no record names: a worker may be about to record a younger one.",
)
@click.option(
    "--unnamed",
    is_flag=True,
    help="Remove also old files that no study of this storage names. They may be another storage's: give it only where none "
    "other uses this artifact store.",
)
@storage_option
@artifacts_option
def command(
    study: str, yes: bool, older_than: float, unnamed: bool, storage: str | None, artifacts: str | None
) -> None:
    """Show which files of STUDY nobody needs any more, and remove them from the artifact store when told to.

    STUDY is a study file, or the name of a study in the storage. Those are checkpoints of finished trials,
    models of trials that are no longer among the best, parts of bundles that were never published, and what
    killed workers left. Workers may go on meanwhile. On a terminal it asks; elsewhere nothing is removed
    without --yes.
    """
    from studyhall.search.actions.clean import clean_and_show
    from studyhall.studies.study_file.reference import resolve_study

    clean_and_show(
        resolve_study(study, storage, artifacts, existing=True),
        yes=yes,
        older_than=older_than * 3600,
        unnamed=unnamed,
    )
