"""`studyhall extend`: more trials for a study."""

import click

from studyhall.search.commands.options import epilog, storage_option, study_argument


@click.command(
    epilog=epilog("studyhall extend spirals --trials 20", "studyhall extend spirals/study.toml --trials 5")
)
@study_argument
@click.option(
    "--trials",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    required=True,
    help="How many trials to add to the queue.",
)
@storage_option
def command(study: str, trials: int, storage: str | None) -> None:
    """Add trials to the queue of STUDY, while workers work on it or afterwards.

    STUDY is a study file, or the name of a study in the storage. Running workers take the new trials too;
    without any, `studyhall search` continues the study, and publishes what is better. Where no worker would
    take them, the command says why.
    """
    from studyhall.search.actions.remarks import remark
    from studyhall.search.views.narration import counts_in_words
    from studyhall.studies.study.opening import existing_study
    from studyhall.studies.study_file.reference import resolve_study

    reference = resolve_study(study, storage, existing=True)
    with existing_study(reference.storage_url, reference.name) as found:
        numbers = found.extend(trials)
        asked = f"trial {numbers[0]}" if trials == 1 else f"trials {numbers[0]} to {numbers[-1]}"
        click.echo(f"{found.name} has {asked} now: {counts_in_words(found.counts())}")
        if (why := remark(found, study)) is not None:
            click.echo(why)
