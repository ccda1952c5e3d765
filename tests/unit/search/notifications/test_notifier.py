"""Notifications against a real server: delivered, tried again, given up, and never waited for."""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from studyhall.search.notifications import messages, notifier
from studyhall.search.notifications.messages import Message, StudyFacts
from studyhall.search.notifications.notifier import QUEUE, Notifier
from studyhall.search.notifications.webhook import Webhook, webhook_from
from studyhall.studies.errors import DefinitionError
from studyhall.studies.status.summary import BestTrial, Counts

SUBJECT = StudyFacts("bss", "val_loss", "minimize", Counts(3, 1, 4), BestTrial(2, 0.25, {"filters": 8}))
PATIENCE = 10.0  # s; nothing here takes more than parts of one


def message(number: int = 2) -> Message:
    return messages.new_best(SUBJECT, number, 0.25)


@dataclass
class Receiver:
    """A web server that answers as it is told, and otherwise with 204."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests more have been answered."""
        for _ in range(requests):
            assert self.came.acquire(timeout=PATIENCE)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()
    told.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append((dict(self.headers), body))
            told.times.append(time.monotonic())
            told.hold.wait(PATIENCE)
            status, headers = told.answers.pop(0) if told.answers else (204, {})
            self.send_response(status)
            for name, value in ({"Content-Length": "0"} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            told.came.release()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/hook/very-secret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    told.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_message_is_json_with_all_that_the_documentation_promises(receiver: Receiver) -> None:
    sent = message()
    with Notifier(Webhook(receiver.url, "key")) as notifies:
        notifies.send(sent)
        receiver.wait_for(1)
    headers, body = receiver.received[0]
    content = json.loads(body)
    assert content == {
        "version": 1,
        "id": sent.id,
        "event": "new-best",
        "time": content["time"],
        "study": "bss",
        "text": "bss: trial 2 is the best so far, with val_loss 0.25",
        "objective": {"metric": "val_loss", "direction": "minimize"},
        "counts": {"waiting": 3, "running": 1, "complete": 4, "pruned": 0, "failed": 0, "paused": 0},
        "best": {"trial": 2, "value": 0.25, "hyperparameters": {"filters": 8}},
        "trial": {"number": 2, "value": 0.25},
    }
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Studyhall-Event"] == "new-best"
    assert headers["X-Studyhall-Delivery"] == sent.id
    signature = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert headers["X-Studyhall-Signature"] == f"sha256={signature}"


def test_receiver_that_fails_first_is_tried_again_with_the_same_id(receiver: Receiver) -> None:
    receiver.answers = [(503, {}), (500, {}), (429, {})]
    with Notifier(Webhook(receiver.url), first_pause=0.01) as notifies:
        notifies.send(message())
        receiver.wait_for(4)
    assert len({headers["X-Studyhall-Delivery"] for headers, _ in receiver.received}) == 1
    assert len(receiver.received) == 4


def test_pause_that_the_receiver_asks_for_is_heeded(receiver: Receiver) -> None:
    receiver.answers = [(429, {"Retry-After": "1"})]
    with Notifier(Webhook(receiver.url), first_pause=0.01) as notifies:
        notifies.send(message())
        receiver.wait_for(2)
    first, second = receiver.times
    assert second - first >= 1.0


def test_refusal_is_not_repeated_and_the_log_shows_no_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [(403, {"Location": receiver.url})]
    with caplog.at_level(logging.DEBUG), Notifier(Webhook(receiver.url, "key"), first_pause=0.01) as notifies:
        notifies.send(message())
        notifies.send(message(3))
        receiver.wait_for(2)
    assert len(receiver.received) == 2
    assert "it answers 403" in caplog.text
    assert "very-secret" not in caplog.text


def test_receiver_that_is_not_there_costs_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with Notifier(Webhook("http://127.0.0.1:9/very-secret"), first_pause=0.001) as notifies:
        notifies.send(message())
    assert "the webhook at 127.0.0.1 was not notified of 'new-best': ConnectError" in caplog.text
    assert "very-secret" not in caplog.text


def test_nobody_waits_for_a_receiver_that_hangs(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.hold.clear()
    started = time.monotonic()
    with Notifier(Webhook(receiver.url), farewell_seconds=0.1) as notifies:
        for number in range(QUEUE + 10):
            notifies.send(message(number))
        assert time.monotonic() - started < 2.0
    assert time.monotonic() - started < 3.0
    assert "too many notifications are waiting" in caplog.text


def test_what_waits_at_the_end_is_still_sent(receiver: Receiver) -> None:
    receiver.answers = [(503, {})]
    with Notifier(Webhook(receiver.url), first_pause=0.05) as notifies:
        for number in range(5):
            notifies.send(message(number))
    assert len(receiver.received) == 6


def test_end_does_not_sit_out_a_long_pause(receiver: Receiver) -> None:
    receiver.answers = [(503, {"Retry-After": "200"})]
    with Notifier(Webhook(receiver.url)) as notifies:
        notifies.send(message())
        receiver.wait_for(1)
        started = time.monotonic()
    assert time.monotonic() - started < notifier.FAREWELL_SECONDS


def test_webhook_comes_from_a_variable_or_from_a_file(tmp_path: Path) -> None:
    assert webhook_from({}) is None
    (tmp_path / "url").write_text("https://hooks.example.org/secret\n")
    (tmp_path / "key").write_text("k\n")
    files = {
        "STUDYHALL_WEBHOOK_FILE": str(tmp_path / "url"),
        "STUDYHALL_WEBHOOK_SECRET_FILE": str(tmp_path / "key"),
    }
    assert webhook_from(files) == Webhook("https://hooks.example.org/secret", "k")
    found = webhook_from(files | {"STUDYHALL_WEBHOOK": "http://localhost:1/x"})
    assert found == Webhook("http://localhost:1/x", "k")
    assert "secret" not in f"{webhook_from(files)} {webhook_from(files)!r}"


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.org/secret",
        "ftp://x/secret",
        "https:///secret",
        "http://h:x/secret",
        "http://h/a secret",
    ],
)
def test_webhook_that_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(DefinitionError, match="STUDYHALL_WEBHOOK must be an address") as error:
        webhook_from({"STUDYHALL_WEBHOOK": url})
    assert "secret" not in str(error.value)


def test_webhook_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="STUDYHALL_WEBHOOK_FILE names"):
        webhook_from({"STUDYHALL_WEBHOOK_FILE": str(tmp_path / "none")})
    (tmp_path / "empty").touch()
    with pytest.raises(DefinitionError, match="which is empty"):
        webhook_from({"STUDYHALL_WEBHOOK_FILE": str(tmp_path / "empty")})
