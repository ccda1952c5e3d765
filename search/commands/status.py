"""`studyhall status`: what is in a storage, and how its studies stand."""

import click

from studyhall.search.commands.options import epilog, storage_option


@click.command(
    epilog=epilog(
        "studyhall status",
        "studyhall status spirals --json",
    )
)
@click.argument("study", metavar="[STUDY]", required=False)
@storage_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def command(context: click.Context, study: str | None, storage: str | None, as_json: bool) -> None:
    """Show how STUDY stands, or every study of the storage.

    STUDY is a study file, the name of a study in the storage, or a database: an SQLite file, or a URL.
    """
    given = context.get_parameter_source("storage") is click.core.ParameterSource.COMMANDLINE
    from studyhall.search.views.status import show_status
    from studyhall.studies.database.names import names_a_database
    from studyhall.studies.definition import StorageSpec
    from studyhall.studies.status.catalogue import Catalogue
    from studyhall.studies.study_file.reference import resolve_study

    if study is not None and names_a_database(study):
        if given and storage is not None:
            raise click.UsageError("two databases are named: leave out --storage, or name a study")
        study, storage = None, study
    reference = resolve_study(study, storage, existing=True) if study is not None else None
    with Catalogue(reference.storage_url if reference else storage or StorageSpec().url) as catalogue:
        summaries = [catalogue.summary(reference.name)] if reference else catalogue.summaries()
        show_status(summaries, catalogue.address.shown, as_json=as_json)
