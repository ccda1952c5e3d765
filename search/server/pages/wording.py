"""Numbers, sizes and times as people read them."""

import math
from datetime import UTC, datetime
from typing import Any

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0  # s


def duration(seconds: float) -> str:
    """Return a duration in two units at most, as in "2 h 05 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s" if 0 < round(seconds, 1) != round(seconds) else f"{max(0.0, seconds):.0f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min" if minutes >= 10 or not rest else f"{minutes} min {rest:02d} s"
    if seconds < 2 * _DAY:
        hours, minutes = divmod(round(seconds / _MINUTE), 60)
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / _HOUR), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def rough(seconds: float) -> str:
    """Return an estimate of a duration, in no more digits than it can have."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"{5 * round(seconds / 5)} s"
    if seconds < 90 * _MINUTE:
        return f"{max(1, round(seconds / _MINUTE))} min"
    if seconds < 36 * _HOUR:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} days"


def value(number: Any) -> str:
    """Return a value of a hyperparameter or an objective, numbers to five digits."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return str(number)
    if isinstance(number, int):
        return f"{number:,}" if abs(number) >= 10_000 else str(number)
    if math.isinf(number):
        return "infinite" if number > 0 else "−infinite"
    return f"{number:.5g}".replace("e-0", "e-").replace("e+0", "e+").replace("-", "−")


def size(count: int) -> str:
    """Return a number of bytes in a unit that suits it."""
    amount, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"


def moment(time: datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(count: int, noun: str) -> str:
    """Return a number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
