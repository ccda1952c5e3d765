"""The shell snippets of the documents do what their pages say, with servers of this machine."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from studyhall.search.server.auth.credential_files import read_credentials
from studyhall.search.session import session
from tests.support.command_line import run_command
from tests.support.snippets import run_ones
from tests.support.trainers import StandInTrainer

STUDY = """
name = "{name}"
hypermodel = "model.py:build"
data = "model.py:load"
search = {{ trials = 2, seed = 7 }}
training = {{ epochs = 1 }}
retraining = {{ epochs = 1 }}
"""
STUDYHALL = str(Path(sys.executable).with_name("studyhall"))


class Reader:
    """Somebody who types what a page shows into a shell, in a folder of their own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        # What the pages name, and what is there instead.
        self.instead: dict[str, str] = {}
        self._monkeypatch = monkeypatch

    def types(self, text: str) -> None:
        """Run a snippet: Studyhall's commands in this process, what stands between them by bash."""
        for name, there in self.instead.items():
            text = text.replace(name, there)
        for ours, lines in groupby(text.splitlines(), lambda line: line.startswith("studyhall ")):
            if not ours:
                self._bash("\n".join(lines))
                continue
            for line in lines:
                shutil.rmtree("best", ignore_errors=True)  # the page fetches it in several ways
                assert run_command(self.arguments(line), self._monkeypatch) == 0, line

    def arguments(self, line: str) -> list[str]:
        """What a shell makes of a command's arguments."""
        told = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {line.removeprefix('studyhall ')}"],
            stdout=subprocess.PIPE,
            check=True,
        )
        return told.stdout.decode().split("\0")[:-1]

    def _bash(self, script: str) -> None:
        """Run lines, and keep what they export."""
        script = f"set -euo pipefail\n{script}\nenv -0 > {self.folder}/.environment"
        subprocess.run(["bash", "-c", script], check=True)
        exported = (self.folder / ".environment").read_text().split("\0")[:-1]
        for name, value in (line.split("=", 1) for line in exported):
            self._monkeypatch.setenv(name, value)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader at home, whose searches take no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(session, "TrainerProcess", lambda *_: StandInTrainer())
    (tmp_path / "model.py").write_text("def build(hp): ...\ndef load(): ...\n")
    (tmp_path / "studies").mkdir()
    return Reader(tmp_path, monkeypatch)


@pytest.fixture
def serving() -> Iterator[Callable[[list[str]], str]]:
    """Serve by a command line; return the address. All servers end well at the end of the test."""
    processes: list[subprocess.Popen[str]] = []

    def serve(arguments: list[str]) -> str:
        environment = os.environ | {"STUDYHALL_PORT": "0"}
        process = subprocess.Popen(
            [STUDYHALL, *arguments], env=environment, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("Serving"))
        return line.split(" on ")[1].split()[0].replace("0.0.0.0", "127.0.0.1")

    yield serve
    for process in processes:
        process.terminate()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * len(processes)


def write_credentials(folder: Path) -> None:
    """The files of the server's page, as it shows them."""
    for snippet in run_ones("docs/server.md", "text"):
        path = folder / snippet.split(":")[0].removeprefix("# ")
        path.write_text(snippet)
        path.chmod(0o600)


def test_a_study_in_s3_and_postgresql_is_fetched_in_every_way_that_the_page_on_artifacts_shows(
    reader: Reader,
    s3: Any,
    postgres_url: str,
    serving: Callable[[list[str]], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys, by_url, from_storage, from_server, by_curl = run_ones("docs/artifacts.md", "sh")
    (storage,) = run_ones("docs/artifacts.md", "toml")
    write_credentials(reader.folder)
    bucket = s3.create_bucket()
    places = {"lab-studies": bucket, "postgresql://ada@db.example/studies": postgres_url}
    for name, there in places.items():
        storage = storage.replace(name, there)
    Path("study.toml").write_text(STUDY.format(name="separation") + storage)
    monkeypatch.setenv("STUDYHALL_STORAGE", postgres_url)
    reader.instead = {
        "http://minio.example:9000": s3.endpoint,
        "_ID=...": f"_ID={s3.environment['AWS_ACCESS_KEY_ID']}",
        "_KEY=...": f"_KEY={s3.environment['AWS_SECRET_ACCESS_KEY']}",
        "lab-studies": bucket,
        "postgresql://ada@db.example/studies": shlex.quote(postgres_url),
    }
    reader.types(keys)
    with monkeypatch.context() as without:
        without.delenv("AWS_ENDPOINT_URL")
        reader.types(by_url)
    reader.types(from_storage)
    model = Path("best/model.keras").read_bytes()

    _, passwords_and_tokens, _ = run_ones("docs/server.md", "sh")
    reader.instead["https://hall.example"] = serving(reader.arguments(passwords_and_tokens.strip()))
    token = Path("tokens.txt").read_text().split()[-1]
    monkeypatch.setenv("STUDYHALL_TOKEN", token)
    reader.types(from_server)
    assert Path("best/model.keras").read_bytes() == model
    Path("header.txt").write_text(f"Authorization: Bearer {token}")
    reader.types(by_curl)
    assert Path("model.keras").read_bytes() == model


def test_a_server_is_started_as_its_page_says(
    reader: Reader, serving: Callable[[list[str]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_credentials(reader.folder)
    Path("quickstart.toml").write_text(STUDY.format(name="quickstart"))
    reader.types("studyhall create quickstart.toml")
    of_a_study, _, behind_a_proxy = run_ones("docs/server.md", "sh")
    for line in (of_a_study, behind_a_proxy):
        url = serving(reader.arguments(line.strip()))
        assert httpx.get(f"{url}/healthz").status_code == 200
        proxied = {"X-Forwarded-For": "192.0.2.1"}
        # An open server answers nothing that a proxy passes on; behind one, people are asked to log in.
        assert httpx.get(f"{url}/studies/quickstart", headers=proxied).status_code == (
            403 if line == of_a_study else 401
        )


def test_a_webhook_is_sent_what_its_page_shows_and_a_receiver_checks_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[tuple[dict[str, str], bytes]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = Path(".config/studyhall/webhook")
        url.parent.mkdir(parents=True)
        url.write_text(f"http://127.0.0.1:{server.server_port}")
        url.chmod(0o600)
        monkeypatch.setenv("STUDYHALL_WEBHOOK_SECRET", "the secret")
        Path("studies/separation.toml").write_text(
            STUDY.format(name="separation").replace("model.py", "../model.py")
        )
        (search,) = run_ones("docs/notifications.md", "sh")
        reader.types(search)
        server.shutdown()

    by_event = {headers["X-Studyhall-Event"]: (headers, body) for headers, body in received}
    assert {"new-best", "ended", "published"} == set(by_event)
    headers, body = by_event["new-best"]
    (example,) = run_ones("docs/notifications.md", "json")
    assert forms(json.loads(body)) == forms(json.loads(example))
    (check,) = run_ones("docs/notifications.md", "python")
    names: dict[str, Any] = {"secret": "the secret", "headers": headers, "body": body}
    exec("import hashlib, hmac\n" + check, names)
    assert names["genuine"]


def forms(value: Any) -> Any:
    """What JSON is like: its keys and types; hyperparameters have each study's own."""
    if isinstance(value, dict):
        return {key: forms(each) for key, each in value.items() if key != "hyperparameters"}
    return type(value)


def test_secrets_for_a_cluster_are_written_so_that_studyhall_takes_them(reader: Reader) -> None:
    (slurm,) = run_ones("docs/slurm.md", "sh")
    reader.types(slurm)
    path = Path(os.environ["STUDYHALL_STORAGE_FILE"])
    assert path.read_text() == "postgresql://me:PASSWORD@db.example.org/studies"
    (kubernetes,) = run_ones("docs/kubernetes.md", "sh")
    reader.types(kubernetes)
    for each in (path, Path("url"), Path("passwords"), Path("tokens")):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert read_credentials(Path("tokens"), Path("passwords")).has_passwords
