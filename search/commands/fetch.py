"""`studyhall fetch`: a study's published bundle, checked, into a folder."""

from pathlib import Path

import click

from studyhall.search.commands.options import artifacts_option, epilog, storage_option, study_argument


@click.command(epilog=epilog("studyhall fetch quickstart --to best/quickstart"))
@study_argument
@click.option("--to", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Where to put it.")
@click.option("--force", is_flag=True, help="Replace the files of a folder that is not empty.")
@storage_option
@artifacts_option
def command(study: str, to: Path, force: bool, storage: str | None, artifacts: str | None) -> None:
    """Fetch the published model of STUDY: model.keras, history.json and manifest.json.

    STUDY is a study file, or the name of a study in the storage. Every file is checked against its SHA-256; the
    folder appears whole, or not at all.
    """
    from studyhall.search.fetching import fetch_bundle
    from studyhall.search.references import resolve_study

    fetch_bundle(resolve_study(study, storage, artifacts), to, force=force)
