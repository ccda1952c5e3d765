"""Axes with round numbers, and numbers as people read them."""

import math

import pytest

from studyhall.search.server.pages import wording
from studyhall.search.server.pages.scales import Scale, count_ticks, time_ticks, value_ticks


@pytest.mark.parametrize(
    ("low", "high", "logarithmic", "labels"),
    [
        (0.0, 1.0, False, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (0.0011, 0.0114, True, ["0.002", "0.003", "0.005", "0.01"]),
        (1e-6, 1.0, True, ["1e−6", "1e−5", "0.0001", "0.001", "0.01", "0.1", "1"]),
        (-0.94, -0.9, False, ["−0.94", "−0.93", "−0.92", "−0.91", "−0.9"]),
        (10000.0, 10002.0, False, ["10000", "10000.5", "10001", "10001.5", "10002"]),
        (1.0, 1.0, False, ["1"]),
    ],
)
def test_axis_of_values_has_round_numbers(
    low: float, high: float, logarithmic: bool, labels: list[str]
) -> None:
    ticks = value_ticks(Scale(low, high, 100.0, 0.0, logarithmic), 6)
    assert [tick.label for tick in ticks] == labels
    assert all(0.0 <= tick.place <= 100.0 for tick in ticks)


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (50, ["0", "10 s", "20 s", "30 s", "40 s", "50 s"]),
        (700, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        (9000, ["0", "30 min", "1 h", "1 h 30", "2 h", "2 h 30"]),
        (86400 * 9, ["0", "2 d", "4 d", "6 d", "8 d"]),
        (0, []),
    ],
)
def test_axis_of_time_has_round_durations(seconds: float, labels: list[str]) -> None:
    assert [tick.label for tick in time_ticks(Scale(0.0, seconds, 0.0, 100.0))] == labels


def test_axis_that_counts_has_whole_numbers() -> None:
    assert [tick.label for tick in count_ticks(Scale(0.0, 3.0, 0.0, 100.0))] == ["0", "1", "2", "3"]


def test_what_lies_beyond_an_axis_is_drawn_at_its_edge() -> None:
    scale = Scale(1.0, 10.0, 100.0, 0.0, logarithmic=True)
    assert [scale.place(number) for number in (-1.0, 0.5, 10.0, 1e9)] == [100.0, 100.0, 0.0, 0.0]
    assert scale.place(math.sqrt(10)) == pytest.approx(50.0)
    assert (scale.beyond(0.5), scale.beyond(5.0)) == (True, False)


def test_numbers_and_times_are_written_for_people() -> None:
    assert [wording.duration(each) for each in (0, 0.25, 9, 59, 61, 600, 3600, 7500, 200_000)] == [
        "0 s",
        "0.2 s",
        "9 s",
        "59 s",
        "1 min 01 s",
        "10 min",
        "1 h",
        "2 h 05 min",
        "2 d 8 h",
    ]
    assert [wording.rough(each) for each in (3, 62, 400, 9000, 200_000)] == [
        "a few seconds",
        "60 s",
        "7 min",
        "2.5 h",
        "2.3 days",
    ]
    assert [wording.value(each) for each in (0.00012345678, 1e-7, 64, 123_456, True, "relu", math.inf)] == [
        "0.00012346",
        "1e−7",
        "64",
        "123,456",
        "True",
        "relu",
        "infinite",
    ]
    assert [wording.size(each) for each in (0, 999, 1_734_112, 5 * 10**9)] == [
        "0 bytes",
        "999 bytes",
        "1.73 MB",
        "5 GB",
    ]
