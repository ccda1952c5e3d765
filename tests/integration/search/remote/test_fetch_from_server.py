"""Fetching a bundle from a server: over connections that break, from servers that are wrong, past whoever
listens.
"""

import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from studyhall.search.commands.group import cli
from studyhall.search.remote import retrying
from studyhall.search.remote.address import StudyAddress
from studyhall.search.remote.bundle import fetch_from_server
from studyhall.search.remote.partials import open_partials, partials_folder
from studyhall.search.remote.token import token_for
from studyhall.studies.bundle.fetching import FileEntry, Manifest, verify
from studyhall.studies.bundle.manifest import utc_now
from studyhall.studies.errors import BundleError
from tests.support.bundles import FACTS

TOKEN = "not-to-be-shown"
MODEL = os.urandom(1_000_000)
PIECE = 300_000  # bytes; after so many a broken connection breaks


class Served(ThreadingHTTPServer):
    """A server with the bundle of one study, which can be told to misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.token: str | None = None
        self.asked: list[str] = []
        """Of each request for a file: its name, and the Range header."""
        self.shown: list[str | None] = []
        """Of each request: the Authorization header."""
        self.misbehave: Callable[[Handler], bool] = lambda request: False
        """Called for each request; True where it has answered."""
        self.publish(MODEL)

    @property
    def page(self) -> str:
        return f"{self.url}/studies/bss"

    @property
    def address(self) -> StudyAddress:
        return StudyAddress.parse(self.page)

    def publish(self, model: bytes) -> None:
        self.files = {"history.json": b"{}", "model.keras": model, "bild ü.png": b"png"}
        entries = {
            name: FileEntry(
                sha256=hashlib.sha256(each).hexdigest(), size=len(each), artifact_id=f"id-{number}"
            )
            for number, (name, each) in enumerate(self.files.items())
        }
        self.manifest = Manifest(**FACTS.model_dump(), created=utc_now(), files=entries)
        self.files["manifest.json"] = self.manifest.to_json().encode()

    def listing(self) -> dict[str, Any]:
        files = [
            {"name": name, "size": entry.size, "sha256": entry.sha256, "url": f"/studies/bss/best/{name}"}
            for name, entry in self.manifest.files.items()
        ]
        return {"study": "bss", "manifest": self.manifest.model_dump(mode="json"), "files": files}

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that are killed while they are served


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Served

    def do_GET(self) -> None:
        self.server.shown.append(self.headers.get("Authorization"))
        if self.server.misbehave(self):
            return
        if (
            self.server.token is not None
            and self.headers.get("Authorization") != f"Bearer {self.server.token}"
        ):
            self.say(401, b'{"detail": "who are you?"}')
        elif self.path == "/api/studies/bss/best":
            self.say(200, json.dumps(self.server.listing()).encode())
        elif self.path.startswith("/studies/bss/best/"):
            self.file()
        else:
            self.say(404, b'{"detail": "No study of that name here."}')

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2].replace("bild%20%C3%BC", "bild ü")

    @property
    def content(self) -> bytes:
        return self.server.files[self.name]

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()}"'

    def first(self) -> int:
        """Where what is asked for begins; If-Range honoured."""
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fits = self.headers.get("If-Range", self.etag) == self.etag
        return int(wanted[1]) if wanted and fits else 0

    def file(
        self, *, limit: int | None = None, content: bytes | None = None, etag: str | None = None
    ) -> None:
        """Send a file; with a limit, break off after so many bytes."""
        self.server.asked.append(f"{self.name} {self.headers.get('Range', '')}".strip())
        body, start = self.content if content is None else content, self.first()
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/json" if self.name.endswith(".json") else "x/y")
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", etag or self.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        self.wfile.write(body[start:] if limit is None else body[start : start + limit])
        self.close_connection = limit is not None

    def say(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def running(hall: Served) -> Iterator[Served]:
    thread = Thread(target=hall.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hall
    finally:
        hall.shutdown()
        thread.join()
        hall.server_close()


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.delenv("STUDYHALL_TOKEN", raising=False)


@pytest.fixture
def hall() -> Iterator[Served]:
    with running(Served()) as server:
        yield server


def bring(hall: Served, to: Path, token: str | None = None, **options: Any) -> Path:
    return fetch_from_server(hall.address, token, to, **options)


def refusal(hall: Served, to: Path, token: str | None = None, **options: Any) -> str:
    with pytest.raises(BundleError) as caught:
        bring(hall, to, token, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert TOKEN not in text
    assert not to.exists()
    return text


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def kept(to: Path) -> int:
    """How many bytes of the model are kept for another try."""
    return (partials_folder(to) / hashlib.sha256(MODEL).hexdigest()).stat().st_size


def is_model(request: Handler) -> bool:
    return request.path.endswith("model.keras")


# As it should be


def test_bundle_comes_whole_and_checked_and_leaves_nothing_beside_it(hall: Served, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    folder = bring(hall, tmp_path / "to here" / "bést", progress=lambda *news: told.append(news))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == hall.files
    assert verify(folder) == hall.manifest
    assert hidden(folder.parent) == []
    assert told[-1][1:] == (len(MODEL) + 5, len(MODEL) + 5)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


@pytest.mark.parametrize("form", [["{page}"], ["{page}/"], ["{api}"], ["bss", "--server", "{server}"]])
def test_command_takes_the_pages_url_or_a_name_and_a_server(
    hall: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    hall.token = TOKEN
    monkeypatch.setenv("STUDYHALL_TOKEN", TOKEN)
    names = {"page": hall.page, "server": hall.url, "api": f"{hall.url}/api/studies/bss/best"}
    arguments = [each.format(**names) for each in form]
    answer = CliRunner().invoke(cli, ["fetch", *arguments, "--to", str(tmp_path / "best")])
    assert answer.exit_code == 0, answer.output
    assert "model.keras  1,000,000 bytes  sha256" in answer.output
    assert TOKEN not in answer.output
    verify(tmp_path / "best")


def test_filled_folder_is_refused_before_anything_is_asked_and_replaced_with_force(
    hall: Served, tmp_path: Path
) -> None:
    best = tmp_path / "best"
    best.mkdir()
    (best / "mine.txt").write_text("precious")
    with pytest.raises(BundleError, match=r"is not empty\. Replace it with --force"):
        bring(hall, best)
    assert hall.shown == []
    bring(hall, best, force=True)
    assert "mine.txt" not in [path.name for path in best.iterdir()]
    verify(best)


# Broken off


def test_broken_connection_is_resumed_with_what_is_missing(hall: Served, tmp_path: Path) -> None:
    def breaks(request: Handler) -> bool:
        if is_model(request):
            request.file(limit=PIECE)
        return is_model(request)

    hall.misbehave = breaks
    verify(bring(hall, tmp_path / "best"))
    starts = ["", *(f" bytes={start}-" for start in (300_000, 600_000, 900_000))]
    assert [each for each in hall.asked if "model" in each] == [f"model.keras{start}" for start in starts]


def test_what_came_before_the_last_try_is_there_for_the_next_command(hall: Served, tmp_path: Path) -> None:
    def breaks_at_once_after_the_first_piece(request: Handler) -> bool:
        if is_model(request):
            request.file(limit=0 if request.first() else PIECE)
        return is_model(request)

    hall.misbehave = breaks_at_once_after_the_first_piece
    assert "broke the connection off. Run the same command again: it resumes" in refusal(
        hall, tmp_path / "best"
    )
    assert kept(tmp_path / "best") == PIECE
    hall.misbehave = lambda request: False
    hall.asked.clear()
    verify(bring(hall, tmp_path / "best"))
    assert [each for each in hall.asked if "manifest" not in each] == [
        f"model.keras bytes={PIECE}-",
        "bild ü.png",
    ]
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_killed_or_interrupted_fetch_goes_on_where_it_was(
    hall: Served, tmp_path: Path, number: signal.Signals
) -> None:
    release = Event()

    def stalls(request: Handler) -> bool:
        if is_model(request):
            request.file(limit=PIECE)
            request.wfile.flush()
            release.wait(30)
        return is_model(request)

    hall.misbehave, hall.token, best = stalls, TOKEN, tmp_path / "best"
    process = subprocess.Popen(
        [sys.executable, "-m", "studyhall.search", "fetch", hall.page, "--to", str(best)],
        env=os.environ | {"STUDYHALL_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: partials_folder(best).exists() and kept_if_any(best) > PIECE // 2)
        with open(f"/proc/{process.pid}/cmdline", encoding="utf-8") as arguments:
            assert TOKEN not in arguments.read()
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        release.set()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "Traceback" not in output
        assert "What was downloaded is kept: the same command resumes there." in output
    assert TOKEN not in output
    came = kept(best)
    assert came > 0
    hall.misbehave = lambda request: False
    hall.asked.clear()
    verify(bring(hall, best, TOKEN))
    assert f"model.keras bytes={came}-" in hall.asked
    assert hidden(tmp_path) == []


def kept_if_any(to: Path) -> int:
    try:
        return kept(to)
    except FileNotFoundError:
        return 0


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_busy_server_is_asked_again(hall: Served, tmp_path: Path) -> None:
    refused: list[str] = []

    def busy_once(request: Handler) -> bool:
        if request.path in refused:
            return False
        refused.append(request.path)
        request.say(503, b'{"detail": "starting"}', **{"Retry-After": "0"})
        return True

    hall.misbehave = busy_once
    verify(bring(hall, tmp_path / "best"))
    assert len(refused) == 5


def test_server_that_knows_no_ranges_sends_the_file_again(hall: Served, tmp_path: Path) -> None:
    def whole_files(request: Handler) -> bool:
        if not is_model(request):
            return False
        broken = not any("model" in each for each in hall.asked)
        del request.headers["Range"]
        request.file(limit=PIECE if broken else None)
        return True

    hall.misbehave = whole_files
    verify(bring(hall, tmp_path / "best"))


def test_server_that_knows_no_ranges_and_always_breaks_off_is_given_up(hall: Served, tmp_path: Path) -> None:
    def breaks(request: Handler) -> bool:
        if is_model(request):
            del request.headers["Range"]
            request.file(limit=PIECE)
        return is_model(request)

    hall.misbehave = breaks
    assert "broke the connection off" in refusal(hall, tmp_path / "best")
    tries = [each for each in hall.asked if "model" in each]
    assert len(tries) == len(retrying.PAUSES) + 1


# Other bytes


def test_wrong_bytes_are_found_and_nothing_is_left(hall: Served, tmp_path: Path) -> None:
    def wrong(request: Handler) -> bool:
        if is_model(request):
            request.file(content=MODEL[:-1] + bytes([MODEL[-1] ^ 1]))
        return is_model(request)

    hall.misbehave = wrong
    assert "model.keras of the published bundle does not match its SHA-256" in refusal(
        hall, tmp_path / "a" / "best"
    )
    assert list((tmp_path / "a").iterdir()) == []


def test_file_without_an_end_is_not_read_to_it(hall: Served, tmp_path: Path) -> None:
    def longer(request: Handler) -> bool:
        if is_model(request):
            request.file(content=MODEL + bytes(200_000_000))
        return is_model(request)

    hall.misbehave = longer
    assert "should have 1,000,000 bytes" in refusal(hall, tmp_path / "best")
    assert hidden(tmp_path) == []


def test_damaged_part_of_an_earlier_try_is_fetched_again(hall: Served, tmp_path: Path) -> None:
    with open_partials(tmp_path / "best") as partials:
        partials.path(hashlib.sha256(MODEL).hexdigest()).write_bytes(bytes(PIECE))
    verify(bring(hall, tmp_path / "best"))
    assert [each for each in hall.asked if "model" in each] == [f"model.keras bytes={PIECE}-", "model.keras"]


def test_part_of_a_bundle_that_was_replaced_is_not_continued(hall: Served, tmp_path: Path) -> None:
    """The file changes between two commands: it has another SHA-256, under which nothing is here."""
    with open_partials(tmp_path / "best") as partials:
        partials.path(hashlib.sha256(MODEL).hexdigest()).write_bytes(MODEL[:PIECE])
    hall.publish(b"another")
    assert (bring(hall, tmp_path / "best") / "model.keras").read_bytes() == b"another"
    assert "model.keras" in hall.asked
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("begun", [True, False])
def test_bundle_that_is_replaced_while_it_is_fetched_comes_as_the_new_one(
    hall: Served, tmp_path: Path, begun: bool
) -> None:
    """The file changes between the listing and the request, which If-Range and the ETag tell."""
    if begun:
        with open_partials(tmp_path / "best") as partials:
            partials.path(hashlib.sha256(MODEL).hexdigest()).write_bytes(MODEL[:PIECE])

    def replace(request: Handler) -> bool:
        if is_model(request) and request.content == MODEL:
            hall.publish(MODEL[::-1])
        return False

    hall.misbehave = replace
    assert (bring(hall, tmp_path / "best") / "model.keras").read_bytes() == MODEL[::-1]
    assert [each for each in hall.asked if "model" in each] == [
        f"model.keras bytes={PIECE}-" if begun else "model.keras",
        "model.keras",
    ]
    assert hidden(tmp_path) == []


def test_server_that_sends_another_part_than_was_asked_for_is_refused(hall: Served, tmp_path: Path) -> None:
    def other_part(request: Handler) -> bool:
        if is_model(request) and "Range" in request.headers:
            request.say(206, MODEL[7:], "x/y", **{"Content-Range": f"bytes 7-{len(MODEL) - 1}/{len(MODEL)}"})
            return True
        if is_model(request):
            request.file(limit=PIECE)
        return is_model(request)

    hall.misbehave = other_part
    assert "sends another part" in refusal(hall, tmp_path / "best")


# What is no answer


def saying(
    status: int, body: bytes, kind: str = "application/json", **headers: str
) -> Callable[[Handler], bool]:
    def misbehave(request: Handler) -> bool:
        request.say(status, body, kind, **headers)
        return True

    return misbehave


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b""), "does not accept the token. Set STUDYHALL_TOKEN"),
        ((403, b""), r"denies this \(403\)"),
        (
            (404, b'{"detail": "No study \\u001b[1m bss\\n here."}'),
            r"does not have that: No study \[1m bss here\.",
        ),
        ((404, b"<html>"), r"does not have that: status 404\."),
        ((500, b"<html>"), r"failed: status 500\. Its log says why"),
        (
            (503, b'{"detail": "The artifact store is away."}'),
            r"cannot answer now: The artifact store is away\.",
        ),
        ((302, b"", "text/html"), "redirects to 'http://elsewhere/', which is not followed"),
        ((200, b"<html></html>", "text/html"), "answers with a web page, not as a Studyhall server does"),
        ((200, b"hello", "text/plain"), "answers with text/plain"),
        ((200, b"{"), "does not answer as a Studyhall server"),
        ((200, b"[]"), "does not answer as a Studyhall server"),
        ((200, b'{"study": "bss", "files": [{"name": "x"}]}'), "does not answer as a Studyhall server"),
        ((200, b"[" * 100_000), "does not answer as a Studyhall server"),
        ((418, b""), "answers with status 418"),
    ],
)
def test_answer_that_is_none_is_one_line(
    hall: Served, tmp_path: Path, answer: tuple[Any, ...], words: str
) -> None:
    hall.misbehave = saying(*answer, Location="http://elsewhere/")
    assert re.search(words, refusal(hall, tmp_path / "best", TOKEN))
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("url", ["https://elsewhere/x", "//elsewhere/x", "/\\elsewhere/x", "model.keras"])
def test_file_on_another_server_is_not_asked_for(hall: Served, tmp_path: Path, url: str) -> None:
    listing = hall.listing()
    listing["files"][0]["url"] = url

    def elsewhere(request: Handler) -> bool:
        if request.path.startswith("/api"):
            request.say(200, json.dumps(listing).encode())
        return request.path.startswith("/api")

    hall.misbehave = elsewhere
    assert "does not answer as a Studyhall server" in refusal(hall, tmp_path / "best")


def test_hostile_manifest_cannot_write_outside_the_folder(hall: Served, tmp_path: Path) -> None:
    content = json.loads(hall.files["manifest.json"])
    content["files"]["../evil"] = content["files"]["history.json"]
    hall.files["manifest.json"] = json.dumps(content).encode()
    assert "not a plain file name" in refusal(hall, tmp_path / "best")
    assert list(tmp_path.iterdir()) == []


def test_bundle_of_another_study_is_refused(hall: Served, tmp_path: Path) -> None:
    hall.manifest = hall.manifest.model_copy(update={"study": "other"})
    hall.files["manifest.json"] = hall.manifest.to_json().encode()
    assert "it is of the study 'other', not of 'bss'" in refusal(hall, tmp_path / "best")


def test_token_is_not_shown_to_whom_a_server_redirects(hall: Served, tmp_path: Path) -> None:
    with running(Served()) as other:
        hall.misbehave = saying(307, b"", Location=other.page)
        assert other.url in refusal(hall, tmp_path / "best", TOKEN)
        assert other.shown == []
    assert hall.shown == [f"Bearer {TOKEN}"]


def test_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = StudyAddress(f"http://127.0.0.1:{nobody.getsockname()[1]}", "bss")
        with pytest.raises(BundleError, match="cannot be reached. Check that the server runs") as caught:
            fetch_from_server(address, TOKEN, tmp_path / "best")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_unknown_name_of_a_machine_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(BundleError, match="No machine is known by the name in https://nowhere.example"):
        fetch_from_server(StudyAddress("https://nowhere.example", "bss"), None, tmp_path / "best")


def certificate(folder: Path) -> Path:
    """Make a key and a certificate for 127.0.0.1 that no authority has signed; return the file of both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hall")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


def test_server_whose_certificate_is_not_trusted_is_not_shown_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, server = certificate(tmp_path), Served()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = StudyAddress(server.url.replace("http:", "https:"), "bss")
    with running(server):
        with pytest.raises(
            BundleError, match="cannot be trusted. Name its authority's file with SSL_CERT_FILE"
        ):
            fetch_from_server(address, TOKEN, tmp_path / "best")
        assert server.shown == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        verify(fetch_from_server(address, TOKEN, tmp_path / "best"))


def test_server_that_speaks_no_tls_is_one_line(hall: Served, tmp_path: Path) -> None:
    address = StudyAddress(hall.url.replace("http:", "https:"), "bss")
    with pytest.raises(BundleError, match="does not speak TLS"):
        fetch_from_server(address, TOKEN, tmp_path / "best")


# Two at once, and other people


def test_second_fetch_into_the_same_folder_at_once_is_refused(hall: Served, tmp_path: Path) -> None:
    with open_partials(tmp_path / "best"):
        assert "Another process is fetching into" in refusal(hall, tmp_path / "best")
    verify(bring(hall, tmp_path / "best"))


def test_link_in_the_place_of_the_hidden_folder_is_not_followed(hall: Served, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "mine.txt").write_text("precious")
    partials_folder(tmp_path / "best").symlink_to(tmp_path / "precious")
    assert "is in the way of an unfinished download" in refusal(hall, tmp_path / "best")
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["mine.txt"]


# Tokens and addresses


def test_token_comes_from_the_file_or_else_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = StudyAddress("https://hall.example", "bss")
    assert token_for(address, None, insecure=False) is None
    monkeypatch.setenv("STUDYHALL_TOKEN", "from-the-environment")
    assert token_for(address, None, insecure=False) == "from-the-environment"
    (tmp_path / "token").write_text("from-the-file\n")
    assert token_for(address, tmp_path / "token", insecure=False) == "from-the-file"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must hold the token"),
        (b"a b", "must hold the token"),
        (b"\xff", "is not text"),
        ("ü".encode(), "one word"),
    ],
)
def test_file_that_holds_no_token_is_named_and_not_quoted(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(BundleError, match=words):
        token_for(StudyAddress("https://hall.example", "bss"), tmp_path / "token", insecure=False)
    with pytest.raises(BundleError, match="cannot be read: No such file"):
        token_for(StudyAddress("https://hall.example", "bss"), tmp_path / "missing", insecure=False)


@pytest.mark.parametrize(
    ("server", "sent"),
    [
        ("https://hall.example", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://hall.example", False),
        ("http://10.0.0.1:8080", False),
        ("http://localhost.example", False),
    ],
)
def test_token_is_sent_in_clear_text_only_when_asked(
    server: str, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDYHALL_TOKEN", TOKEN)
    address = StudyAddress.on(server, "bss")
    assert token_for(address, None, insecure=True) == TOKEN
    if sent:
        assert token_for(address, None, insecure=False) == TOKEN
        return
    with pytest.raises(
        BundleError, match="is not encrypted, so everybody on the way could read the token"
    ) as caught:
        token_for(address, None, insecure=False)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://127.0.0.1:9"], "names a server, and none of its studies"),
        (["http://127.0.0.1:9/dashboard/studies/3"], "names a server, and none of its studies"),
        ([f"http://me:{TOKEN}@127.0.0.1:9/studies/bss"], "must hold no credentials"),
        ([f"http://127.0.0.1:9/studies/bss?token={TOKEN}"], "must hold no credentials"),
        (["http://127.0.0.1:99999/studies/bss"], "cannot be read"),
        (["http:///studies/bss"], "names no host"),
        (["http://127.0.0.1:9/studies/a%2Fb"], "cannot be a study's name"),
        (["bss", "--server", "127.0.0.1:9"], "A server is named by its URL"),
        (["bss", "--server", "http://127.0.0.1:9/studies"], "takes the server alone"),
        (["http://127.0.0.1:9/studies/bss", "--server", "http://127.0.0.1:9"], "leave out --server"),
        (["bss", "--token-file", "token"], "name one with --server"),
    ],
)
def test_address_that_cannot_be_one_is_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    answer = CliRunner().invoke(cli, ["fetch", *arguments, "--to", str(tmp_path / "best")])
    said = str(answer.exception) if isinstance(answer.exception, BundleError) else answer.output
    assert answer.exit_code != 0
    assert words in said
    assert TOKEN not in said
