"""A connection to a Studyhall server: every way in which an answer can be no answer, in one line."""

import json
import math
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import httpx

from studyhall.search.remote.address import StudyAddress
from studyhall.search.remote.errors import NotThereError, TransientError
from studyhall.studies.errors import BundleError, BundleRequestError

TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # s; the first is how long a server may be silent
LONGEST_PAUSE = 30.0  # s; a server that asks for a longer one is not waited for so long
DOCUMENT = 16 * 1024 * 1024  # bytes; no description of a bundle is nearly as large

DETAIL = 65_536  # bytes; of a refusal no more is read

_BUSY = frozenset({429, 502, 503, 504})
_AGAIN = "Run the same command again: it resumes the download."


class Connection:
    """Asks one server, and no other: redirects are not followed. Use it as a context manager.

    Args:
        address: The server, and the study that is asked for.
        token: What it is shown, or None.
    """

    def __init__(self, address: StudyAddress, token: str | None) -> None:
        self.server = address.server
        self._has_token = token is not None
        headers = {"Accept": "application/json, */*;q=0.5", "Accept-Encoding": "identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self._client = httpx.Client(
                base_url=self.server,
                headers=headers,
                timeout=TIMEOUT,
                verify=httpx.create_ssl_context() if self.server.startswith("https:") else False,
                # A proxy is not asked for what is on this machine; a token would pass through it in clear
                # text.
                trust_env=not address.is_local,
            )
        except (OSError, ValueError) as error:
            raise BundleRequestError(
                "The environment's settings for connections cannot be used. Correct SSL_CERT_FILE, SSL_CERT_DIR and the "
                f"proxies ({type(error).__name__})."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @contextmanager
    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
        """Ask for a path, and give the answer, of which only the head has been read.

        Raises:
            TransientError: The server cannot be reached, breaks off or is busy; also from reading the body in
                the block.
            BundleError: It refuses, or what answers is not a Studyhall server.
        """
        try:
            with self._client.stream("GET", path, headers=headers) as answer:
                self._require_success(answer)
                yield answer
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self.foreign(type(error).__name__) from error

    def document(self, path: str) -> bytes:
        """Return the JSON document at a path.

        Raises:
            TransientError, BundleError: As of `get`, or it is not JSON.
        """
        with self.get(path) as answer:
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise self._foreign("a web page" if kind == "text/html" else f"{_shown(kind) or 'nothing'}")
            content = bytearray()
            for chunk in answer.iter_raw():
                content += chunk
                if len(content) > DOCUMENT:
                    raise self._foreign("a document without an end")
            return bytes(content)

    def foreign(self, why: str) -> BundleError:
        """Return the error for a document that is not what a Studyhall server answers, and why not."""
        return BundleRequestError(
            f"{self.server} does not answer as a Studyhall server of this version does ({_shown(why)}). Correct the "
            "address, or use the same version of studyhall on both sides."
        )

    def _foreign(self, instead: str) -> BundleError:
        return BundleRequestError(
            f"{self.server} answers with {instead}, not as a Studyhall server does. Correct the address."
        )

    def _require_success(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in (200, 206):
            return
        if answer.is_redirect:
            to = _shown(answer.headers.get("location", ""))
            raise BundleRequestError(
                f"{self.server} redirects to {to!r}, which is not followed. If you trust that, name it instead."
            )
        if status == 401:
            given = "does not accept the token" if self._has_token else "wants a token"
            raise BundleRequestError(
                f"{self.server} {given}. Set STUDYHALL_TOKEN, or name a file that holds it with --token-file."
            )
        if status == 403:
            raise BundleRequestError(
                f"{self.server} denies this (403). Ask whoever runs it for a token that may read."
            )
        if status in _BUSY:
            raise TransientError(
                f"{self.server} cannot answer now: {self._detail(answer)} {_AGAIN}", _pause(answer)
            )
        if status in (404, 410, 416):
            raise NotThereError(f"{self.server} does not have that: {self._detail(answer)}")
        if status >= 500:
            raise BundleError(
                f"{self.server} failed: {self._detail(answer)} Its log says why; then try again."
            )
        raise self._foreign(f"status {status}")

    def _detail(self, answer: httpx.Response) -> str:
        """Return what a refusal in JSON says, or its status where it says nothing."""
        content = bytearray()
        for chunk in answer.iter_raw():
            content += chunk
            if len(content) > DETAIL:
                break
        try:
            detail = _shown(json.loads(content)["detail"])
        except (ValueError, KeyError, TypeError, AttributeError):
            detail = ""
        return detail or f"status {answer.status_code}."

    def _unreachable(self, error: httpx.TransportError) -> BundleError:
        causes = list(_causes(error))
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
            return BundleRequestError(
                f"The certificate of {self.server} cannot be trusted. Name its authority's file with SSL_CERT_FILE, or "
                "correct the address."
            )
        if any(isinstance(each, ssl.SSLError) for each in causes) and isinstance(error, httpx.ConnectError):
            return BundleRequestError(
                f"{self.server} does not speak TLS as this machine does. Correct the address."
            )
        if any(isinstance(each, socket.gaierror) for each in causes):
            return TransientError(f"No machine is known by the name in {self.server}. Correct the address.")
        if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
            return BundleRequestError(
                f"{self.server} cannot be asked ({type(error).__name__}). Correct the address."
            )
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            return TransientError(
                f"{self.server} cannot be reached. Check that the server runs (studyhall serve) and that the address is "
                "right, then run the same command again."
            )
        if isinstance(error, httpx.TimeoutException):
            return TransientError(f"{self.server} has stopped answering. {_AGAIN}")
        return TransientError(f"{self.server} broke the connection off. {_AGAIN}")


def _pause(answer: httpx.Response) -> float:
    """Return how many seconds a busy server asks to wait."""
    try:
        seconds = float(answer.headers.get("retry-after", "0"))
    except ValueError:  # a date: a few seconds are tried all the same
        return 0.0
    return min(max(seconds, 0.0), LONGEST_PAUSE) if math.isfinite(seconds) else 0.0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _shown(text: str) -> str:
    """Return what a server wrote as one line without control characters, fit for a terminal."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable())[:300]
