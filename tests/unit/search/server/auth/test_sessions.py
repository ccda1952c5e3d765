"""Signed cookies: they cannot be forged or changed, and end."""

import pytest
from itsdangerous import URLSafeSerializer

from studyhall.search.server.auth.identities import Identity, Role
from studyhall.search.server.auth.sessions import LASTS, Sessions

BOB = Identity("bob", Role.READER)


class Clock:
    """Seconds since 1970 that pass when the test says so."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock)


def test_session_says_who_logged_in(sessions: Sessions) -> None:
    session = sessions.read(sessions.begin(BOB))
    assert session is not None
    assert session.identity == BOB


def test_session_ends_after_its_time(sessions: Sessions, clock: Clock) -> None:
    cookie = sessions.begin(BOB)
    clock.now += LASTS - 1
    assert sessions.read(cookie) is not None
    clock.now += 1
    assert sessions.read(cookie) is None


def test_session_that_was_logged_out_is_worthless_and_another_of_the_same_person_is_not(
    sessions: Sessions, clock: Clock
) -> None:
    first, second = sessions.begin(BOB), sessions.begin(BOB)
    sessions.end(first)
    assert sessions.read(first) is None
    assert sessions.read(second) is not None
    clock.now += LASTS
    sessions.end(sessions.begin(BOB))
    assert len(sessions._ended) == 1  # what would be over by now is not remembered


def test_forged_and_changed_cookies_are_refused(sessions: Sessions) -> None:
    cookie = sessions.begin(BOB)
    content, _, signature = cookie.rpartition(".")
    forged = URLSafeSerializer("guessed", salt="studyhall session").dumps(["id", "ada", "operator", 9e9])
    for wrong in (
        "",
        ".",
        content,
        f"{content}.",
        f"{content}.{signature[:-2]}AA",
        f"x{content}.{signature}",
        forged,
        f"{forged.rpartition('.')[0]}.{signature}",
        Sessions().begin(BOB),  # of another server, or of this one before it was started again
    ):
        assert sessions.read(wrong) is None
        sessions.end(wrong)
    assert sessions.read(cookie) is not None
