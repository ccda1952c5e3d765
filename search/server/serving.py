"""Serving, from what a person asked for to its end: checks first, then the address, then requests."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import click

from studyhall.search.server.application import create_application, end_threads
from studyhall.search.server.auth.access import Access
from studyhall.search.server.auth.credential_files import read_credentials
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.errors import ServerError
from studyhall.search.server.listening import is_loopback, leave, listen, serve, start_logging, url_of
from studyhall.search.server.served import Served
from studyhall.search.server.target import Target
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.status.catalogue import Catalogue


@dataclass(frozen=True)
class Settings:
    """Where to listen, and who may come in.

    `proxy` names addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed, or is None.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    password_file: Path | None = None
    token_file: Path | None = None
    proxy: str | None = None


def serve_target(target: Target, settings: Settings) -> int:
    """Serve until a signal ends it; return the exit status.

    Raises:
        StudyhallError: The database, the study, the artifact store, the address or the credentials cannot be
            used.
    """
    access = Access(read_credentials(settings.token_file, settings.password_file))
    _require_proxies(settings.proxy, access)
    with Catalogue(target.storage_url) as catalogue:
        if target.study is None:
            catalogue.names()  # the database answers, before anybody is told that it is served
        else:
            catalogue.summary(target.study)
        if target.artifacts is not None:
            open_artifact_store(target.artifacts, create=False)
        with listen(settings.host, settings.port) as listener:
            if access.is_open and not is_loopback(listener):
                raise ServerError(
                    f"On {settings.host}, others could reach this server: give --password-file or --token-file, "
                    "or leave out --host."
                )
            start_logging()
            served = Served(target.storage_url, catalogue, target.artifacts, target.study)
            dashboard = Dashboard(served)
            application = create_application(served, access, dashboard)
            what = (
                f"'{target.study}' of {catalogue.address.shown}" if target.study else catalogue.address.shown
            )
            click.echo(f"Serving {what} on {url_of(listener)} (Ctrl-C ends it)")
            click.echo(_who(access))
            serve(application, listener, settings.proxy)
            end_threads(application)
            dashboard.close()
    click.echo("Ended.")
    leave(0)
    return 0


def _who(access: Access) -> str:
    if access.is_open:
        return "Every user of this machine can open this server and change studies: --password-file says who may."
    return (
        "Readers and operators log in with their passwords."
        if access.credentials.has_passwords
        else ("Readers and operators log in with their tokens.")
    )


def _require_proxies(proxy: str | None, access: Access) -> None:
    """Check what `--proxy` says.

    Raises:
        ServerError: It names no addresses, or no log-in is asked for: behind a proxy, everybody comes from
            its address.
    """
    if proxy is None:
        return
    for each in proxy.split(","):
        try:
            ipaddress.ip_network(each.strip())
        except ValueError as error:
            raise ServerError(
                f"--proxy names addresses and networks, such as 127.0.0.1 or 10.0.0.0/8, not {each.strip()!r}."
            ) from error
    if access.is_open:
        raise ServerError(
            "Behind a proxy, anybody could reach this server: give --password-file or --token-file, too."
        )
