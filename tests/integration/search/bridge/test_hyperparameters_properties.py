"""Random search spaces, through the bridge and back: what is proposed is legal, what is legal can be asked
for.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras_tuner
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_tuner.engine import hyperparameters as kinds
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution

from studyhall.search.bridge.distributions import parameter_of
from studyhall.search.bridge.hyperparameters import (
    TrialHyperParameters,
    plain_hyperparameters,
    recorded_values,
)
from studyhall.search.bridge.names import parameter_name
from studyhall.search.core.handle import Start
from studyhall.studies.values import Value
from tests.support.examples import share_of_examples
from tests.support.handles import UntrainedHandle

check = share_of_examples(1 / 4)


class OptunaHandle(UntrainedHandle):
    """A trial of an in-memory study."""

    def __init__(self, trial: optuna.Trial, start: Start | None = None) -> None:
        self.trial = trial
        self.start = start or Start()

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        # Optuna warns, and a warning is an error, if a fixed value is not in the distribution.
        if value is not None:
            self.trial._fixed_params = {**self.trial._fixed_params, name: value}
        suggested: Value = self.trial._suggest(name, distribution)
        return suggested


@pytest.fixture(autouse=True)
def _quiet_optuna() -> Iterator[None]:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(level)


# A search space, as a program that declares it.


@dataclass(frozen=True)
class Declare:
    """`hp.<kind>(name, **arguments)`."""

    kind: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Under:
    """A block in a name scope, or under a condition on a hyperparameter declared before it."""

    scope: str
    values: tuple[Value, ...] = ()  # none: a name scope
    block: tuple[Any, ...] = field(default=())


def run(hp: Any, block: tuple[Any, ...]) -> list[Any]:
    """Declare a space as a model would, and return what the model gets."""
    given: list[Any] = []
    for node in block:
        if isinstance(node, Declare):
            given.append(getattr(hp, node.kind)(node.name, **node.arguments))
        else:
            with _scope(hp, node):
                given += run(hp, node.block)
    return given


@contextmanager
def _scope(hp: Any, node: Under) -> Iterator[None]:
    with hp.conditional_scope(node.scope, list(node.values)) if node.values else hp.name_scope(node.scope):
        yield


@st.composite
def ints(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    sampling = draw(st.sampled_from(["linear", "log", "reverse_log"]))
    low = draw(st.integers(-50, 50) if sampling == "linear" else st.integers(1, 20))
    high = low + draw(st.integers(0, 300))
    step = draw(st.none() | (st.integers(1, 40) if sampling == "linear" else st.integers(2, 4)))
    return "Int", {"min_value": low, "max_value": high, "step": step, "sampling": sampling}


@st.composite
def floats(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    sampling = draw(st.sampled_from(["linear", "log", "reverse_log"]))
    digits = 10 ** draw(st.integers(0, 5))
    low = draw(st.integers(-50, 50) if sampling == "linear" else st.integers(1, 50)) / digits
    high = low + draw(st.integers(0, 300)) / digits
    steps = st.none() | st.integers(1, 70).map(lambda n: n / digits) | st.sampled_from([1 / 3, 1 / 7, 0.1, 1])
    powers = st.none() | st.sampled_from([1.5, 2, 3.3, 10])
    step = draw(steps if sampling == "linear" else powers)
    if step and sampling == "linear" and (high - low) / step > 1000:
        step = None
    return "Float", {"min_value": low, "max_value": max(low, high), "step": step, "sampling": sampling}


numbers = ints() | floats()
choices = st.one_of(
    st.lists(st.sampled_from(["relu", "selu", "1", "True", "a|b", "x, y"]), min_size=1, max_size=4),
    st.lists(st.integers(-5, 100), min_size=1, max_size=5),
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=1, max_size=2),
).map(lambda values: ("Choice", {"values": values}))
booleans = st.booleans().map(lambda default: ("Boolean", {"default": default}))
fixed = st.sampled_from([1, 0.5, "sgd", True]).map(lambda value: ("Fixed", {"value": value}))
declarations = numbers | choices | booleans | fixed


@st.composite
def blocks(draw: st.DrawFn, depth: int = 2, prefix: str = "p") -> tuple[Any, ...]:
    block: list[Any] = []
    for index in range(draw(st.integers(1, 3))):
        name = f"{prefix}{index}"
        what = draw(
            st.sampled_from(["declare", "declare", "declare", "scope", "switch"] if depth else ["declare"])
        )
        if what == "declare":
            block.append(Declare(*_named(name, draw(declarations))))
        elif what == "scope":
            block.append(Under(name, (), draw(blocks(depth - 1))))
        else:
            # The same name under each value, with ranges of its own.
            options = draw(st.lists(st.integers(0, 9), min_size=2, max_size=2, unique=True))
            block.append(Declare("Choice", name, {"values": options}))
            for option in options:
                shared = Declare(*_named(f"{name}_size", draw(declarations)))
                inner = (shared, *draw(blocks(depth - 1, f"{name}_{option}_")))
                block.append(Under(name, (option,), inner))
    return tuple(block)


def _named(name: str, declaration: tuple[str, dict[str, Any]]) -> tuple[str, str, dict[str, Any]]:
    kind, arguments = declaration
    return kind, name, arguments


class KerasTunerDraw(keras_tuner.HyperParameters):  # type: ignore[misc]
    """Values that KerasTuner itself draws, while the space is declared."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def _register(self, hp: Any, overwrite: bool = False) -> Any:
        self.seed += 1
        if self.is_active(hp):
            value = hp.random_sample(self.seed)
            if isinstance(hp, kinds.Float):
                # KerasTuner leaves the range by a rounding.
                value = min(max(value, hp.min_value), hp.max_value)
            self.values[hp.name] = value
        return super()._register(hp)


def is_legal(hp: Any, value: Any) -> bool:
    """Whether KerasTuner documents the value as one of the hyperparameter's, computed apart from
    the bridge.
    """
    if isinstance(hp, kinds.Fixed | kinds.Choice | kinds.Boolean):
        return any(value == legal and type(value) is type(legal) for legal in hp.values)
    if type(value) is not (int if isinstance(hp, kinds.Int) else float):
        return False
    if not hp.min_value <= value <= hp.max_value:
        return False
    if hp.step is None:
        return True
    if hp.sampling == "linear":
        steps = (value - hp.min_value) / hp.step
    else:
        power = hp.max_value + hp.min_value - value if hp.sampling == "reverse_log" else value
        steps = math.log(power / hp.min_value) / math.log(hp.step)
    return steps > -1e-6 and math.isclose(steps, round(steps), abs_tol=1e-6)


@check
@given(blocks(), st.integers(0, 2**20))
def test_every_proposed_value_is_legal_and_the_rest_follows_from_it(
    block: tuple[Any, ...], seed: int
) -> None:
    check_trials(block, optuna.samplers.RandomSampler(seed=seed), 1)


@share_of_examples(1 / 20)
@given(blocks(), st.integers(0, 2**20))
def test_what_a_sampler_learns_from_stays_legal(block: tuple[Any, ...], seed: int) -> None:
    check_trials(block, optuna.samplers.TPESampler(seed=seed, n_startup_trials=1), 3)


def check_trials(block: tuple[Any, ...], sampler: optuna.samplers.BaseSampler, trials: int) -> None:
    study = optuna.create_study(sampler=sampler)
    for number in range(trials):
        trial = study.ask()
        hp = TrialHyperParameters(OptunaHandle(trial))
        given = run(hp, block)
        active = [entry for entry in hp.space if hp.is_active(entry)]
        for entry in active:
            assert is_legal(entry, hp.values[entry.name]), (entry, hp.values[entry.name])
        # The study holds exactly the active ones, and their real values.
        tuned = {
            parameter_name(entry, parameter): (entry, parameter)
            for entry in active
            if (parameter := parameter_of(entry)) is not None
        }
        assert set(trial.params) == set(tuned)
        assert set(hp.values) == {entry.name for entry in active}
        for name, (entry, parameter) in tuned.items():
            assert parameter.reflection is not None or trial.params[name] == hp.values[entry.name]
        # A continued trial, and a model built from the record, get the same.
        assert run(TrialHyperParameters(OptunaHandle(trial)), block) == given
        plain = plain_hyperparameters(recorded_values(hp))
        assert run(plain, block) == given
        assert plain.values == hp.values
        study.tell(trial, float(number))


@check
@given(blocks(), st.integers(0, 2**20))
def test_every_value_that_keras_tuner_draws_can_be_enqueued_and_comes_back_as_itself(
    block: tuple[Any, ...], seed: int
) -> None:
    theirs = KerasTunerDraw(seed)
    expected = run(theirs, block)
    trial = optuna.create_study().ask()
    handle = OptunaHandle(trial, Start(values=recorded_values(theirs)))
    ours = TrialHyperParameters(handle)
    assert run(ours, block) == expected
    assert ours.values == theirs.values
    assert [type(value) for value in ours.values.values()] == [
        type(value) for value in theirs.values.values()
    ]
    assert ours.unused_start_values() == ()
    # The same for a worker that goes on with the trial.
    assert run(TrialHyperParameters(OptunaHandle(trial, handle.start)), block) == expected


@share_of_examples(2 / 5)
@given(numbers, st.data())
def test_every_value_of_a_grid_is_proposed_and_comes_back(
    declaration: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    kind, arguments = declaration
    hp = getattr(kinds, kind)("size", **arguments)
    parameter = parameter_of(hp)
    assert parameter is not None
    # Reading a study back must not warn; a warning is an error.
    assert json_to_distribution(distribution_to_json(parameter.distribution)) == parameter.distribution
    values = list(hp.values) if hp.step is not None else [hp.random_sample(data.draw(st.integers(0, 9)))]
    for value in values:
        legal = parameter.legal(value)
        assert legal is not None
        stored = parameter.stored(legal)
        assert parameter.distribution._contains(parameter.distribution.to_internal_repr(stored))
        assert parameter.value(stored) == pytest.approx(
            value, rel=1e-12, abs=4 * math.ulp(float(hp.max_value))
        )


@check
@given(blocks())
def test_the_default_configuration_is_keras_tuners_own(block: tuple[Any, ...]) -> None:
    theirs = keras_tuner.HyperParameters()
    run(theirs, block)
    start = Start(defaults=True, implied=True)
    ours = TrialHyperParameters(OptunaHandle(optuna.create_study().ask(), start))
    run(ours, block)
    for hp in ours.space:
        if ours.is_active(hp) and is_legal(hp, hp.default):
            assert ours.values[hp.name] == theirs.values[hp.name]


@check
@given(blocks(), st.integers(0, 2**20))
def test_parameter_names_tell_hyperparameters_apart(block: tuple[Any, ...], seed: int) -> None:
    hp = KerasTunerDraw(seed)
    run(hp, block)
    names = [
        parameter_name(entry, parameter)
        for entry in hp.space
        if (parameter := parameter_of(entry)) is not None
    ]
    assert len(set(names)) == len(names)
