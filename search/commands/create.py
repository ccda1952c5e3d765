"""`studyhall create`: a study in its storage, for others to work on."""

import click

from studyhall.search.commands.options import (
    KERAS_ENVIRONMENT,
    STORE_ENVIRONMENT,
    artifacts_option,
    epilog,
    plain_option,
    same_command,
    scale_option,
    storage_option,
    study_argument,
)


@click.command(
    epilog=epilog(
        "studyhall create spirals/study.toml --storage postgresql://me@db.example.org/studies",
        environment=KERAS_ENVIRONMENT | STORE_ENVIRONMENT,
    )
)
@study_argument
@storage_option
@artifacts_option
@scale_option
@plain_option
def command(study: str, storage: str | None, artifacts: str | None, scale: float | None, plain: bool) -> None:
    """Create the study of the file STUDY with its queue of trials, and train none of them.

    Its default model is built and trained for two batches first: what cannot work is refused while nothing is
    made. A study that is there already is left as it is.
    """
    from studyhall.search.session.session import session
    from studyhall.studies.study_file.reference import resolve_study

    if not study.endswith(".toml"):
        raise click.UsageError(f"a study is created from a file that ends in .toml, and {study!r} does not")
    reference = resolve_study(study, storage, artifacts, scale)
    with session(reference, same_command(study), plain=plain) as work:
        again = same_command(study, only=("storage", "artifacts", "scale"), command="worker")
        work.progress.say(f"Work on it with:\n  {again}")
