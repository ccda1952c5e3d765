"""The retraining's learning rate is kept up, then annealed."""

from itertools import pairwise

import keras
import pytest

from studyhall.search.training.schedules import HoldThenCosine


def rates(schedule: HoldThenCosine, steps: int) -> list[float]:
    return [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(steps)]


def test_the_rate_rises_stays_up_and_falls_to_its_end() -> None:
    found = rates(HoldThenCosine(0.1, 100, warmup=0.1, hold=0.5, final=0.01), 100)
    assert found[0] == pytest.approx(0.01)
    assert found[9] == pytest.approx(0.1)
    assert found[10:50] == pytest.approx([0.1] * 40)
    assert found[74] == pytest.approx(0.1 * (0.01 + 0.99 / 2))
    assert found[99] == pytest.approx(0.001)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(found[50:]))


def test_a_rate_that_is_held_to_the_end_never_falls() -> None:
    assert rates(HoldThenCosine(0.1, 10, hold=1.0), 10) == pytest.approx([0.1] * 10)


def test_a_schedule_is_rebuilt_from_its_config() -> None:
    schedule = HoldThenCosine(0.1, 10, warmup=0.2, hold=0.3, final=0.1)
    assert rates(HoldThenCosine.from_config(schedule.get_config()), 10) == rates(schedule, 10)


def test_a_schedule_that_begins_later_has_the_rates_of_one_that_began_at_once() -> None:
    plain = rates(HoldThenCosine(0.1, 10, warmup=0.2, hold=0.3), 10)
    later = rates(HoldThenCosine(0.1, 10, warmup=0.2, hold=0.3, start=5), 15)
    assert later == pytest.approx(plain[:1] * 5 + plain)


def test_a_rate_never_falls_before_it_has_risen() -> None:
    assert rates(HoldThenCosine(0.1, 10, warmup=0.5, hold=0.1), 5) == pytest.approx(
        [0.02, 0.04, 0.06, 0.08, 0.1]
    )
