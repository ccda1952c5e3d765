"""`studyhall serve` as a process: how it starts, refuses to start, and ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from studyhall.search.server.errors import ServerError
from studyhall.search.server.listening import is_loopback, listen, serve, url_of
from studyhall.search.server.serving import Settings, serve_target
from studyhall.search.server.target import Target, resolve_target
from studyhall.studies.database.address import parse
from studyhall.studies.errors import StorageError, StudyNotFoundError

PASSWORD = "correct horse battery"


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Path:
    path = tmp_path / "studies of 'ours'.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    path = tmp_path / "passwords"
    path.write_text(f"ada operator {PASSWORD}\n")
    path.chmod(0o600)
    return path


def test_server_answers_until_sigterm_and_leaves_without_a_trace(database: Path, passwords: Path) -> None:
    program = "from studyhall.search.cli import main; main()"
    arguments = ["serve", str(database), "--port", "0", "--password-file", str(passwords)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        address = urlsplit(first.partition(" on ")[2].split()[0])
        answers = []
        for method, path, body in (
            ("GET", "/healthz", None),
            ("GET", "/api/studies?x=secret-in-a-query", None),
            ("POST", "/login", f"name=ada&password={PASSWORD}x"),
            ("POST", "/login", f"name=ada&password={PASSWORD}"),
        ):
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
            connection.request(method, path, body)
            answers.append(connection.getresponse().status)
            connection.close()
        # One that never says what it wants does not keep the server from leaving.
        with socket.create_connection((address.hostname, address.port)):
            process.terminate()
            output = first + process.stdout.read()
        assert process.wait(timeout=30) == 0
    assert answers == [200, 401, 401, 303]
    assert "Ended." in output
    assert "ada logged in, from 127.0.0.1" in output
    for secret in (PASSWORD, "secret-in-a-query", "Traceback"):
        assert secret not in output


def test_server_ends_by_ctrl_c_and_gives_the_signal_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("here")(scope, receive, send)
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor() as readers:
        answer = readers.submit(urlopen, f"http://127.0.0.1:{port}/", timeout=30)
        serve(application, listener, None)
        with answer.result() as content:
            assert content.read() == b"here"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("proxies", "client"), [("127.0.0.0/8", "10.0.0.7"), (None, "127.0.0.1")])
def test_forwarded_address_is_believed_of_named_proxies_alone(proxies: str | None, client: str) -> None:
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    seen = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["client"][0], scope["scheme"]))
        await PlainTextResponse("here")(scope, receive, send)
        os.kill(os.getpid(), signal.SIGTERM)

    forwarded = {"X-Forwarded-For": "10.0.0.7", "X-Forwarded-Proto": "https"}
    with ThreadPoolExecutor() as readers:
        answer = readers.submit(urlopen, Request(url, headers=forwarded), timeout=30)
        serve(application, listener, proxies)
        answer.result().close()
    assert seen == [(client, "https" if proxies else "http")]


def target(database: Path, study: str | None = None) -> Target:
    return Target(f"sqlite:///{database}", None, study)


def test_port_that_is_in_use_is_one_line(database: Path) -> None:
    with listen("127.0.0.1", 0) as other, pytest.raises(ServerError, match="already in use"):
        serve_target(target(database), Settings(port=other.getsockname()[1]))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_server_that_others_can_reach_needs_a_file_of_credentials(database: Path, host: str) -> None:
    with pytest.raises(ServerError, match="--password-file or --token-file"):
        serve_target(target(database), Settings(host=host, port=0))


@pytest.mark.parametrize(
    ("proxy", "told"), [("127.0.0.1", "--password-file"), ("everybody", "addresses and networks")]
)
def test_proxy_needs_credentials_and_an_address(database: Path, proxy: str, told: str) -> None:
    with pytest.raises(ServerError, match=told):
        serve_target(target(database), Settings(port=0, proxy=proxy))


def test_missing_study_database_or_host_is_one_line(database: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="No study 'nobody'"):
        serve_target(target(database, "nobody"), Settings(port=0))
    with pytest.raises(StorageError, match="There is no database"):
        serve_target(target(database.with_name("missing.db")), Settings(port=0))
    with pytest.raises(ServerError, match="is not known"):
        serve_target(target(database), Settings(host="no host", port=0))


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_listener_knows_its_url_and_whether_others_can_reach_it(host: str, shown: str) -> None:
    with listen(host, 0) as listener:
        assert url_of(listener).startswith(shown)
        assert is_loopback(listener)
    with listen("0.0.0.0", 0) as listener:
        assert not is_loopback(listener)


def resolve(text: str | None, storage: str | None = None, *, from_command_line: bool = True) -> Target:
    return resolve_target(text, storage, None, from_command_line=from_command_line)


def test_what_is_served_may_be_a_database_a_file_a_study_or_its_definition(tmp_path: Path) -> None:
    assert resolve(None).storage_url == "sqlite:///studies.db"
    assert resolve("postgresql://u@h/d") == Target("postgresql://u@h/d", None, None)
    assert resolve(f"{tmp_path}/mine.db") == Target(f"{tmp_path}/mine.db", None, None)
    assert parse(resolve(f"{tmp_path}/a?b 100%.db").storage_url).path == tmp_path / "a?b 100%.db"
    assert resolve("bss", "postgresql://u@h/d") == Target("postgresql://u@h/d", None, "bss")
    path = tmp_path / "mine.toml"
    hypermodel = "studyhall.models:SeparationHyperModel"
    path.write_text(f'hypermodel = "{hypermodel}"\nstorage = {{ url = "postgresql://u@h/d" }}\n')
    assert resolve(str(path)) == Target("postgresql://u@h/d", None, "mine")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hidden@h/d",
        "postgresql://u@h/d?password=hidden",
        "postgresql://u@h/d?sslpassword=hidden",
    ],
)
def test_password_that_the_process_list_would_show_is_refused(url: str) -> None:
    for arguments in ((url,), (None, url), ("bss", url)):
        with pytest.raises(ServerError, match="STUDYHALL_STORAGE_FILE") as caught:
            resolve(*arguments)
        assert "hidden" not in str(caught.value)
    assert resolve("bss", url, from_command_line=False).storage_url == url


def test_two_databases_are_refused() -> None:
    with pytest.raises(ServerError, match="Two databases"):
        resolve("sqlite:///a.db", "sqlite:///b.db")
