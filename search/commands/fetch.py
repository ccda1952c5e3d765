"""`studyhall fetch`: a study's published bundle, checked, into a folder."""

from pathlib import Path

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
        "studyhall fetch spirals --to best/spirals",
        "studyhall fetch https://hall.example.org/studies/spirals --to best/spirals",
        "studyhall fetch spirals --server http://localhost:8080 --to best/spirals",
        environment={
            "STUDYHALL_TOKEN": "the token that a server asks for, where --token-file names none",
            "SSL_CERT_FILE": "the certificates of authorities that a server's is trusted by, if not the usual ones",
        }
        | STORE_ENVIRONMENT,
    )
)
@study_argument
@click.option(
    "--to", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder for the bundle."
)
@click.option("--force", is_flag=True, help="Replace the files of a folder that is not empty.")
@storage_option
@artifacts_option
@click.option("--server", metavar="URL", help="Fetch from this Studyhall server, not from the storage.")
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File that holds the token for the server. A token itself is never given on the command line.",
)
@click.option(
    "--insecure", is_flag=True, help="Show the token to a server without https, where others can read it."
)
def command(
    study: str,
    to: Path,
    force: bool,
    storage: str | None,
    artifacts: str | None,
    server: str | None,
    token_file: Path | None,
    insecure: bool,
) -> None:
    """Fetch the published model of STUDY: model.keras, history.json, manifest.json and pictures.

    STUDY is a study file, the name of a study in the storage, or the URL of a study's page on a Studyhall
    server. Every file is checked against its SHA-256; the folder appears whole, or not at all. An
    interrupted download from a server is resumed.
    """
    from studyhall.search.remote.address import is_url

    if is_url(study) and server is not None:
        raise click.UsageError("STUDY is a URL already: leave out --server.")
    if is_url(study) or server is not None:
        from studyhall.search.actions.fetch import fetch_remote_bundle

        fetch_remote_bundle(study, server, token_file, to, force=force, insecure=insecure)
        return
    if token_file is not None or insecure:
        raise click.UsageError("--token-file and --insecure are for a server: name one with --server URL.")
    from studyhall.search.actions.fetch import fetch_bundle
    from studyhall.studies.study_file.reference import resolve_study

    fetch_bundle(resolve_study(study, storage, artifacts, existing=True), to, force=force)
