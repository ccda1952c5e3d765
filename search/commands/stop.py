"""`studyhall stop`: an end to the work on a study, everywhere, with nothing lost."""

import shlex

import click

from studyhall.search.commands.options import epilog, storage_option, study_argument


@click.command(epilog=epilog("studyhall stop spirals", "studyhall stop spirals --undo"))
@study_argument
@click.option("--undo", is_flag=True, help="Let workers work on the study again.")
@storage_option
def command(study: str, undo: bool, storage: str | None) -> None:
    """Have all workers of STUDY, on every machine, finish their epoch, hand back their trials and exit.

    STUDY is a study file, or the name of a study in the storage. `studyhall search` continues the study
    later, and each trial at the epoch that it had reached. Workers that are started meanwhile exit at once.
    """
    from studyhall.search.views.narration import counts_in_words
    from studyhall.studies.study.opening import existing_study
    from studyhall.studies.study_file.reference import resolve_study

    reference = resolve_study(study, storage, existing=True)
    with existing_study(reference.storage_url, reference.name) as found:
        counts = counts_in_words(found.counts())
        if undo:
            found.clear_stop()
            click.echo(f"{found.name} can be worked on again: {counts}")
            return
        found.request_stop()
        workers = len(found.workers.alive())
        who = (
            "no worker is running"
            if workers == 0
            else f"{workers} worker{'s leave' if workers > 1 else ' leaves'} soon"
        )
        click.echo(
            f"{found.name} is stopped, {who}: {counts}. Continue with: studyhall search {shlex.quote(study)}"
        )
