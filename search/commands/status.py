"""`studyhall status`: what is in a storage, and how its studies stand."""

import click

from studyhall.search.commands.options import epilog, storage_option


@click.command(
    epilog=epilog(
        "studyhall status",
        "studyhall status quickstart --json",
    )
)
@click.argument("study", metavar="[STUDY]", required=False)
@storage_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(study: str | None, storage: str | None, as_json: bool) -> None:
    """Show how STUDY stands, or every study of the storage.

    STUDY is a study file, or the name of a study in the storage.
    """
    from studyhall.search.views.status import show_status
    from studyhall.studies.definition import StorageSpec
    from studyhall.studies.status.catalogue import Catalogue
    from studyhall.studies.study_file.reference import resolve_study

    reference = resolve_study(study, storage) if study is not None else None
    with Catalogue(reference.storage_url if reference else storage or StorageSpec().url) as catalogue:
        summaries = [catalogue.summary(reference.name)] if reference else catalogue.summaries()
        show_status(summaries, catalogue.address.shown, as_json=as_json)
