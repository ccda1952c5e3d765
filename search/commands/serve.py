"""`studyhall serve`: a storage's studies as web pages, with optuna-dashboard, behind a log-in."""

from pathlib import Path

import click

from studyhall.search.commands.options import STORE_ENVIRONMENT, artifacts_option, epilog, storage_option

File = click.Path(path_type=Path)


@click.command(
    epilog=epilog(
        "studyhall serve spirals",
        "studyhall serve sqlite:////shared/studies.db --port 9000",
        "studyhall serve --host 0.0.0.0 --password-file passwords.txt   # lines: NAME reader|operator PASSWORD",
        environment={
            "STUDYHALL_STORAGE_FILE": "a file with the database's URL, for one that holds a password"
        }
        | STORE_ENVIRONMENT,
    )
)
@click.argument("what", metavar="[STUDY-OR-STORAGE]", required=False)
@storage_option
@artifacts_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    envvar="STUDYHALL_HOST",
    show_envvar=True,
    help="Address to listen on. Any but this machine's own needs a file of passwords or tokens.",
)
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    metavar="N",
    envvar="STUDYHALL_PORT",
    show_envvar=True,
    help="Port to listen on; 0 for any free one.",
)
@click.option(
    "--password-file",
    type=File,
    metavar="FILE",
    envvar="STUDYHALL_PASSWORD_FILE",
    show_envvar=True,
    help="Who may log in: lines 'NAME reader|operator PASSWORD'.",
)
@click.option(
    "--token-file",
    type=File,
    metavar="FILE",
    envvar="STUDYHALL_TOKEN_FILE",
    show_envvar=True,
    help="Tokens of programs: lines 'reader|operator TOKEN'.",
)
@click.option(
    "--proxy",
    metavar="ADDRESSES",
    envvar="STUDYHALL_PROXY",
    show_envvar=True,
    help="Trust X-Forwarded-For and X-Forwarded-Proto from these addresses or networks, separated by commas.",
)
@click.pass_context
def command(
    context: click.Context,
    what: str | None,
    storage: str | None,
    artifacts: str | None,
    host: str,
    port: int,
    password_file: Path | None,
    token_file: Path | None,
    proxy: str | None,
) -> int:
    """Serve studies to browsers and programs: their progress, optuna-dashboard, and the published models.

    STUDY-OR-STORAGE is a study file, the name of a study in the storage, a storage's URL, or an SQLite file;
    without it, the storage is served. Readers see everything; operators may also change studies in the
    dashboard.
    """
    from studyhall.search.server.serving import Settings, serve_target
    from studyhall.search.server.target import resolve_target

    given = context.get_parameter_source("storage") is click.core.ParameterSource.COMMANDLINE
    target = resolve_target(what, storage, artifacts, from_command_line=given)
    return serve_target(target, Settings(host, port, password_file, token_file, proxy))
