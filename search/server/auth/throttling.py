"""The limit on failed logins: by address and in all, in a window of time that slides."""

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable

WINDOW = 300.0  # s
PER_ADDRESS = 10  # failures
IN_ALL = 100  # failures


class Throttle:
    """Counts failed logins; it remembers no more of them than `in_all`.

    Args:
        per_address: Failures of one address before it must wait.
        in_all: Failures of all addresses before everybody must wait, who is not logged in already.
        window: How long a failure counts, s.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        per_address: int = PER_ADDRESS,
        in_all: int = IN_ALL,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._window = window
        self._clock = clock
        self._failures: deque[tuple[float, str]] = deque()  # (when, who), oldest first

    def wait(self, address: str | None) -> int:
        """Return how long an address must wait before it may try again, in whole seconds; 0 is not at all."""
        now = self._clock()
        while self._failures and self._failures[0][0] <= now - self._window:
            self._failures.popleft()
        own = [when for when, who in self._failures if who == network_of(address)]
        over = []
        if len(own) >= self._per_address:
            over.append(own[-self._per_address])
        if len(self._failures) >= self._in_all:
            over.append(self._failures[-self._in_all][0])
        return max((math.ceil(when + self._window - now) for when in over), default=0)

    def failed(self, address: str | None) -> None:
        """Count a failed login; to be asked for `wait` first."""
        if len(self._failures) < self._in_all:
            self._failures.append((self._clock(), network_of(address)))


def network_of(address: str | None) -> str:
    """Return what one person can send from: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:  # a Unix socket, or a proxy that says 'unknown'
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
