"""The limit on failed logins, on a clock of the test's."""

import pytest

from studyhall.search.server.auth.throttling import Throttle, network_of


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Throttle:
    return Throttle(per_address=3, in_all=5, window=60, clock=clock)


def fail(attempts: Throttle, address: str, times: int) -> None:
    for _ in range(times):
        assert attempts.wait(address) == 0
        attempts.failed(address)


def test_address_that_failed_too_often_waits_and_others_do_not(attempts: Throttle) -> None:
    fail(attempts, "10.0.0.1", 3)
    assert attempts.wait("10.0.0.1") == 60
    assert attempts.wait("10.0.0.2") == 0


def test_wait_gets_shorter_and_ends(attempts: Throttle, clock: Clock) -> None:
    fail(attempts, "10.0.0.1", 1)
    clock.now += 10
    fail(attempts, "10.0.0.1", 2)
    assert attempts.wait("10.0.0.1") == 50
    clock.now += 49.5
    assert attempts.wait("10.0.0.1") == 1
    clock.now += 0.5
    fail(attempts, "10.0.0.1", 1)  # the first one is forgotten, and makes room for one more
    assert attempts.wait("10.0.0.1") == 10


def test_everybody_waits_after_too_many_failures_in_all(attempts: Throttle, clock: Clock) -> None:
    fail(attempts, "10.0.0.1", 2)
    fail(attempts, "10.0.0.2", 2)
    fail(attempts, "10.0.0.3", 1)
    assert attempts.wait("10.0.0.4") == 60
    clock.now += 60
    assert attempts.wait("10.0.0.4") == 0


def test_no_more_failures_are_remembered_than_count(attempts: Throttle) -> None:
    for number in range(1000):
        attempts.failed(f"10.0.{number // 250}.{number % 250}")
    assert len(attempts._failures) == 5


def test_addresses_of_one_ipv6_network_are_one(attempts: Throttle) -> None:
    for last in range(3):
        fail(attempts, f"2001:db8::{last}", 1)
    assert attempts.wait("2001:db8::ffff") == 60
    assert attempts.wait("2001:db8:1::1") == 0


def test_address_that_is_written_in_two_ways_is_one() -> None:
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1")
    assert network_of(None) == network_of("unix:/run/socket") == "unknown"
