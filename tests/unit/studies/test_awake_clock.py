"""A clock that stands while its process is frozen, its machine suspended, or another clock moved."""

from studyhall.studies.awake_clock import AwakeClock


def test_time_passes_while_the_clock_is_read_often_and_not_while_nobody_could_read_it() -> None:
    times = iter([10.0, 10.25, 10.5, 3610.5, 3611.0])
    clock = AwakeClock(longest=1.0, clock=lambda: next(times))
    assert [clock() for _ in range(4)] == [0.25, 0.5, 1.5, 2.0]


def test_no_time_passes_where_the_clock_beneath_is_set_back() -> None:
    times = iter([5000.0, 5000.5, 10.0, 10.5])
    clock = AwakeClock(clock=lambda: next(times))
    assert [clock() for _ in range(3)] == [0.5, 0.5, 1.0]
