"""The notifier: a thread that posts messages, so that no worker waits for the network."""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from types import TracebackType
from typing import Protocol, Self

import httpx

from studyhall.search.notifications.messages import Message
from studyhall.search.notifications.webhook import Webhook

QUEUE = 100  # messages that may wait; more are dropped
ATTEMPTS = 6
FIRST_PAUSE = 1.0  # s, doubled each time
LONGEST_PAUSE = 300.0  # s; also the most that a Retry-After is heeded
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
FAREWELL_SECONDS = 5.0  # how long a process that ends waits for what is still to be sent

# Besides all from 500; other answers say that this will never be taken.
_TRY_AGAIN = frozenset({408, 425, 429})
_log = logging.getLogger(__name__)


class Notifies(Protocol):
    """Whatever takes messages."""

    def send(self, message: Message) -> None:
        """Take a message; it never waits, and never raises."""


class Nobody:
    """Takes messages and forgets them."""

    def send(self, message: Message) -> None:
        """Forget it."""


class Notifier:
    """Posts messages to a webhook, one after the other; use it as a context manager.

    What cannot be delivered is tried again after pauses that grow, or that the receiver asks for, and in the
    end given up with a line in the log. At the end of the block messages that wait get one more try each, for
    a few seconds in all.

    Args:
        webhook: Where they go.
        first_pause: Seconds before the second attempt.
        farewell_seconds: How long the end of the block may take.
        clock: Seconds that pass.
    """

    def __init__(
        self,
        webhook: Webhook,
        *,
        first_pause: float = FIRST_PAUSE,
        farewell_seconds: float = FAREWELL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._webhook = webhook
        self._first_pause = first_pause
        self._farewell_seconds = farewell_seconds
        self._clock = clock
        self._waiting: queue.Queue[Message | None] = queue.Queue(QUEUE)
        self._leaving = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def __enter__(self) -> Self:
        # At their level INFO they would write the address, which is a secret, into a log.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadline = self._clock() + self._farewell_seconds
        self._leaving.set()
        with suppress(queue.Full):  # then the thread sees for itself that it is time to leave
            self._waiting.put_nowait(None)
        self._thread.join(self._farewell_seconds)

    def send(self, message: Message) -> None:
        """Take a message to post; with too many waiting it is dropped. It never waits, and never raises."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            _log.warning("%s was not notified: too many notifications are waiting", self._webhook)

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
            while (message := self._next()) is not None:
                try:
                    self._deliver(client, message)
                except Exception as error:  # noqa: BLE001 - nothing about a notification may end this thread
                    _log.warning(
                        "%s was not notified of '%s': %s", self._webhook, message.event, type(error).__name__
                    )

    def _next(self) -> Message | None:
        if self._leaving.is_set() and (self._waiting.empty() or self._clock() >= self._deadline):
            return None
        return self._waiting.get()

    def _deliver(self, client: httpx.Client, message: Message) -> None:
        body, why = message.body(), ""
        for attempt in range(ATTEMPTS):
            pause = min(LONGEST_PAUSE, self._first_pause * 2**attempt) * random.uniform(0.75, 1.25)
            try:
                answer = self._post(client, message, body)
            except httpx.HTTPError as error:
                why = type(error).__name__  # and not its text, which may hold the address
            else:
                if answer.is_success:
                    return
                why = f"it answers {answer.status_code}"
                if answer.status_code < 500 and answer.status_code not in _TRY_AGAIN:
                    break
                pause = _asked_for(answer) or pause
            if attempt == ATTEMPTS - 1 or not self._waited(pause):
                break
        _log.warning("%s was not notified of '%s': %s", self._webhook, message.event, why)

    def _waited(self, seconds: float) -> bool:
        """Wait before another attempt; False where the process leaves before that."""
        was_leaving = self._leaving.is_set()
        if not self._leaving.wait(seconds) or not was_leaving:
            return True  # a process that begins to leave cuts the pause short, for one attempt
        if seconds > self._deadline - self._clock():
            return False
        time.sleep(seconds)
        return True

    def _post(self, client: httpx.Client, message: Message, body: bytes) -> httpx.Response:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"studyhall/{metadata.version('studyhall')}",
            "X-Studyhall-Event": message.event,
            "X-Studyhall-Delivery": message.id,
        }
        signature = self._webhook.signature(body)
        if signature is not None:
            headers["X-Studyhall-Signature"] = signature
        return client.post(self._webhook.url, content=body, headers=headers)


def _asked_for(answer: httpx.Response) -> float | None:
    """Return the pause in seconds that an answer asks for, at most the longest.

    It returns None where the answer asks for none.
    """
    asked = answer.headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdecimal():
        seconds = float(asked)
    else:
        try:
            seconds = (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_PAUSE)
