"""Which paused trial goes on next, by what the trials of a study have reached."""

from collections.abc import Sequence

import pytest

from studyhall.studies.queue.promotion import Reached, Rule, next_up

RULE = Rule(epochs=(1, 3, 9), factor=3, direction="minimize")


def paused(rung: int, *values: float | None, first: int = 0) -> list[Reached]:
    """Trials that are paused at a rung with these values; their numbers count from the first."""
    return [
        Reached(number + 100, number, rung, value, goes_on=False, waits=True)
        for number, value in enumerate(values, first)
    ]


def gone_on(rung: int, *values: float, first: int = 0) -> list[Reached]:
    """Trials that were let go on from a rung."""
    return [
        Reached(number + 100, number, rung, value, goes_on=True, waits=False)
        for number, value in enumerate(values, first)
    ]


def number_of(up: Reached | None) -> int | None:
    """The number of the trial that goes on."""
    return None if up is None else up.number


@pytest.mark.parametrize(
    ("reached", "number"),
    [
        ([], None),
        (paused(0, 0.5, 0.4), None),
        (paused(0, 0.5, 0.4, 0.6), 1),
        (paused(0, 0.5, 0.4, 0.4), 1),
        (paused(0, None, 0.4, None), 1),
        ([*gone_on(0, 0.3), *paused(0, 0.5, 0.4, 0.6, 0.7, first=1)], None),
        ([*gone_on(0, 0.3), *paused(0, 0.5, 0.4, 0.6, 0.7, 0.8, first=1)], 2),
        # The one that went on was the best of fewer; better ones that came later go on as well.
        ([*gone_on(0, 0.9), *paused(0, 0.5, 0.8, first=1)], 1),
        ([*paused(0, 0.1, 0.2, 0.3), *paused(1, 0.5, 0.6, 0.7, first=3)], 3),
    ],
)
def test_the_best_one_in_three_of_a_rung_goes_on_from_the_highest_rung_down(
    reached: Sequence[Reached], number: int | None
) -> None:
    assert number_of(next_up(reached, RULE, fresh=True)) == number


def test_the_greatest_value_goes_on_where_that_is_the_best() -> None:
    rule = Rule(RULE.epochs, RULE.factor, "maximize")
    assert number_of(next_up(paused(0, 0.5, 0.4, 0.6), rule, fresh=True)) == 2
    assert number_of(next_up(paused(0, None, -0.4, None), rule, fresh=True)) == 1


def test_one_of_each_rung_goes_on_when_no_trial_is_left_to_begin() -> None:
    few = [*gone_on(0, 0.5), *paused(1, 0.45), *paused(0, 0.6, first=1)]
    assert next_up(few, RULE, fresh=True) is None
    assert number_of(next_up(few, RULE, fresh=False)) == 0
    at_the_top = [*gone_on(0, 0.5), *gone_on(1, 0.45), *paused(0, 0.6, first=1)]
    assert next_up(at_the_top, RULE, fresh=False) is None


def test_all_go_on_the_best_first_where_the_budget_outlasts_the_trials() -> None:
    rule = Rule(RULE.epochs, RULE.factor, "minimize", outlasts=True)
    reached = [*gone_on(0, 0.5), *gone_on(1, 0.45), *paused(0, 0.7, 0.6, None, first=1)]
    assert next_up(reached, rule, fresh=True) is None
    assert number_of(next_up(reached, rule, fresh=False)) == 2
    assert number_of(next_up([*reached[:2], *paused(0, None, first=3)], rule, fresh=False)) == 3


@pytest.mark.parametrize(
    ("direction", "value", "enough"),
    [("minimize", 0.1, True), ("minimize", 0.11, False), ("maximize", 0.1, True), ("maximize", 0.09, False)],
)
def test_a_value_at_the_target_is_good_enough(direction: str, value: float, enough: bool) -> None:
    rule = Rule(RULE.epochs, RULE.factor, direction, target=0.1)
    assert rule.is_good_enough(value) is enough
    assert not rule.is_good_enough(None)
    assert not Rule(RULE.epochs, RULE.factor, direction).is_good_enough(value)
