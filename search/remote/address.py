"""Where a study is on a server: `https://HOST:PORT/studies/NAME`, read and checked."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from studyhall.studies.errors import BundleRequestError
from studyhall.studies.study_name import is_study_name

_FORM = "Write https://HOST:PORT/studies/NAME, or NAME --server https://HOST:PORT."


def is_url(text: str) -> bool:
    """Whether somebody who names a study means one on a server."""
    return text.lower().startswith(("http://", "https://"))


@dataclass(frozen=True)
class StudyAddress:
    """A study on a server; `server` is its scheme, host and port alone, as in "https://example.org:8080"."""

    server: str
    study: str

    @classmethod
    def parse(cls, url: str) -> "StudyAddress":
        """Read the address of a study's page; nothing is asked.

        Raises:
            BundleError: It is not one, or has credentials in it; it is not repeated then.
        """
        server, path = _split(url)
        segments = [unquote(each) for each in path.split("/") if each]
        if segments[:1] == ["api"]:
            del segments[0]
        if len(segments) < 2 or segments[0] != "studies":
            raise BundleRequestError(f"{server} names a server, and none of its studies. {_FORM}")
        return cls(server, _checked(segments[1]))

    @classmethod
    def on(cls, server: str, study: str) -> "StudyAddress":
        """Return the address of a study on a server that is named by its URL.

        Raises:
            BundleError: That is not a server's URL, or that no study's name.
        """
        if not is_url(server):
            raise BundleRequestError("A server is named by its URL: https://HOST:PORT.")
        server, path = _split(server)
        if path.strip("/"):
            raise BundleRequestError(f"--server takes the server alone: {server}, without a path.")
        return cls(server, _checked(study))

    @property
    def path(self) -> str:
        """The study's name as a segment of a path."""
        return quote(self.study, safe="")

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along: it is encrypted, or never leaves this machine."""
        return self.server.startswith("https://") or self.is_local

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.server).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def _split(url: str) -> tuple[str, str]:
    """Return a URL's server and its path."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BundleRequestError(f"The URL of a study cannot be read. {_FORM}") from None
    if "@" in parts.netloc or parts.query:
        # Not repeated: whoever writes these puts a password or a token there.
        raise BundleRequestError(
            "The URL of a study must hold no credentials and no options. Set STUDYHALL_TOKEN, or name a file that holds "
            "the token with --token-file."
        )
    if not host or not re.fullmatch(r"[\w.:-]+", host):
        raise BundleRequestError(f"The URL of a study names no host. {_FORM}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown}" + (f":{port}" if port is not None else ""), parts.path


def _checked(study: str) -> str:
    if not is_study_name(study):
        raise BundleRequestError(f"{study[:100]!r} cannot be a study's name. {_FORM}")
    return study
