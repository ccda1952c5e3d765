"""What is left of a search space, as far as its trials tell."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial

from studyhall.studies.database.attributes import BEGUN, FAILURE, MODEL, START
from studyhall.studies.space.configurations import (
    Configuration,
    is_drawn_once,
    key_of,
    size_of,
    tried_once,
    values_of,
)
from studyhall.studies.space.space import Limits, Reach, Space

KIND = CategoricalDistribution(("dense", "conv"))
DEPTH = IntDistribution(1, 2)
RATE = FloatDistribution(0.0, 1.0)
DISTRIBUTIONS: Mapping[str, BaseDistribution] = {"kind": KIND, "depth": DEPTH, "rate": RATE}


def trial(number: int, ended: bool = True, model: str | None = None, **values: Any) -> Configuration:
    drawn_from = {name: DISTRIBUTIONS[name] for name in values}
    points = {name: key_of(drawn_from[name], value) for name, value in values.items()}
    return Configuration(number, points, drawn_from, ended, model)


def reach(*trials: Configuration, limits: Limits = Limits()) -> Reach:  # noqa: B008 - it is frozen
    return Space.of(trials, limits).reach()


def test_an_unknown_space_is_free() -> None:
    assert reach() is Reach.FREE


def test_a_space_is_tried_when_every_value_of_every_branch_is() -> None:
    trials = [trial(0, kind="dense"), trial(1, kind="conv", depth=1)]
    assert reach(*trials) is Reach.FREE
    assert reach(*trials, trial(2, kind="conv", depth=2)) is Reach.TRIED


def test_what_runs_is_pending_whatever_it_may_still_ask_for() -> None:
    trials = [trial(0, kind="dense"), trial(1, kind="conv", ended=False)]
    assert reach(*trials) is Reach.PENDING
    assert reach(*trials, trial(2, kind="conv", depth=1)) is Reach.FREE
    assert Space.of(trials, Limits()).taken("kind") == {0: Reach.TRIED, 1: Reach.PENDING}


def test_a_failure_before_the_last_parameter_hides_nothing_that_others_came_to() -> None:
    assert reach(trial(0, kind="dense"), trial(1, kind="conv"), trial(2, kind="conv", depth=2)) is Reach.FREE


def test_a_continuous_parameter_leaves_always_something() -> None:
    trials = [trial(0, kind="dense"), trial(1, kind="conv", rate=0.0), trial(2, kind="conv", rate=1.0)]
    assert reach(*trials) is Reach.FREE
    assert not Space.of(trials, Limits()).is_endless
    assert Space.of([trial(0, rate=0.5)], Limits()).is_endless


def test_the_order_of_parameters_tells_no_configurations_apart() -> None:
    one, other = trial(0, kind="dense", depth=1), trial(1, depth=1, kind="conv")
    rest = [trial(2, kind="dense", depth=2), trial(3, kind="conv", depth=2)]
    assert reach(one, other, *rest) is Reach.TRIED
    assert Space.of([one, other, *rest], Limits()).tried == 4


def test_a_grid_has_its_own_end_and_one_without_values_has_none() -> None:
    grid = Limits(grid={"rate": [0.25, 0.5]})
    assert reach(trial(0, rate=0.25), limits=grid) is Reach.FREE
    assert reach(trial(0, rate=0.25), trial(1, rate=0.5), limits=grid) is Reach.TRIED
    assert reach(trial(0, depth=1), trial(1, depth=2), limits=Limits(grid={"depth": [7]})) is Reach.FREE


def test_a_wider_range_and_another_model_are_free_again() -> None:
    trials = [trial(0, depth=1), trial(1, depth=2)]
    assert reach(*trials, limits=Limits(asked={"depth": IntDistribution(1, 3)})) is Reach.FREE
    assert reach(*trials, limits=Limits(asked={"depth": IntDistribution(1, 1)})) is Reach.TRIED
    before = [trial(0, depth=1, model="a"), trial(1, depth=2, model="a")]
    assert reach(*before, limits=Limits(model="a")) is Reach.TRIED
    assert reach(*before, limits=Limits(model="b")) is Reach.FREE


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (KIND, ["dense", "conv"]),
        (CategoricalDistribution((True, 1, 2.0)), [True, 1, 2.0]),
        (IntDistribution(4, 16, step=4), [4, 8, 12, 16]),
        (IntDistribution(2, 5, log=True), [2, 3, 4, 5]),
        (FloatDistribution(0.0, 0.3, step=0.1), [0.0, 0.1, 0.2, 0.3]),
        (FloatDistribution(1e-13, 3e-13, step=1e-13), [1e-13, 2e-13, 3e-13]),
        (FloatDistribution(0.5, 0.5), [0.5]),
    ],
)
def test_values_that_can_be_listed_are(distribution: BaseDistribution, values: list[Any]) -> None:
    assert list(values_of(distribution)) == values
    assert size_of(distribution) == len(values)


def test_a_stepped_number_is_the_same_however_it_was_rounded_and_from_wherever_it_is_counted() -> None:
    tenths, wider = FloatDistribution(0.0, 0.5, step=0.1), FloatDistribution(-1.0, 0.5, step=0.1)
    assert len({key_of(tenths, 0.1 + 0.2), key_of(tenths, 0.3), key_of(wider, 0.3)}) == 1


def test_only_the_ends_of_a_continuous_range_are_drawn_twice() -> None:
    assert [is_drawn_once(RATE, value) for value in (0.0, 0.5, 1.0)] == [False, True, False]
    assert not is_drawn_once(DEPTH, 1)


def test_which_trials_have_tried_their_configuration() -> None:
    def tried(
        state: TrialState,
        kind: str | None = None,
        drawn: bool = True,
        attributes: Mapping[str, Any] = MappingProxyType({}),
    ) -> bool:
        found = create_trial(
            state=state,
            value=1.0 if state is TrialState.COMPLETE else None,
            params={"depth": 1} if drawn else {},
            distributions={"depth": DEPTH} if drawn else {},
            user_attrs={} if kind is None else {FAILURE: kind},
            system_attrs=dict(attributes),
        )
        return tried_once(found) is not None

    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING)
    assert all(map(tried, states))
    kinds = ("oom", "nan", "invalid", "error", "stalled", "crashed")
    assert all(tried(TrialState.FAIL, kind) for kind in kinds)
    assert not tried(TrialState.FAIL, "lost")
    assert not tried(TrialState.FAIL)  # another program has ended it
    assert not tried(TrialState.FAIL, "invalid", attributes={START: {"values": {"depth": 1}}})
    assert not tried(TrialState.RUNNING, drawn=False)
    assert tried(TrialState.RUNNING, drawn=False, attributes={BEGUN: True})
    shown = tried_once(
        create_trial(
            state=TrialState.RUNNING,
            params={"depth": 1},
            distributions={"depth": DEPTH},
            system_attrs={MODEL: "a"},
        )
    )
    assert shown is not None
    assert (shown.model, shown.ended) == ("a", False)
