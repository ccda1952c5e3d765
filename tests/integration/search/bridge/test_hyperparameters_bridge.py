"""The bridge from KerasTuner's HyperParameters to an Optuna trial, case by case."""

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
import numpy as np
import optuna
import pytest
from keras_tuner.engine.hyperparameters import HyperParameter
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from studyhall.search.bridge.hyperparameters import (
    TrialHyperParameters,
    plain_hyperparameters,
    recorded_values,
)
from studyhall.search.core.handle import Start
from studyhall.studies.errors import DefinitionError, UserCodeError
from studyhall.studies.values import Value
from tests.support.handles import UntrainedHandle


class MemoryHandle(UntrainedHandle):
    """A trial that answers with what was asked of it, else with what `sampled` says, else with the lowest."""

    def __init__(self, start: Start | None = None, sampled: Mapping[str, Value] | None = None) -> None:
        self.start = start or Start()
        self.sampled = dict(sampled or {})
        self.params: dict[str, Value] = {}
        self.distributions: dict[str, BaseDistribution] = {}

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        if name not in self.params:
            self.distributions[name] = distribution
            lowest = distribution.choices[0] if isinstance(distribution, CategoricalDistribution) else None
            low = lowest if lowest is not None else distribution.low  # type: ignore[attr-defined]
            self.params[name] = value if value is not None else self.sampled.get(name, low)
        return self.params[name]


def trial(
    start: Mapping[str, Value] | None = None, sampled: Mapping[str, Value] | None = None, **options: Any
) -> tuple[TrialHyperParameters, MemoryHandle]:
    handle = MemoryHandle(Start(values=start or {}), sampled)
    return TrialHyperParameters(handle, **options), handle


Build = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("build", "distribution"),
    [
        (lambda hp: hp.Boolean("x"), CategoricalDistribution((False, True))),
        (lambda hp: hp.Choice("x", ["relu", "selu"]), CategoricalDistribution(("relu", "selu"))),
        (lambda hp: hp.Choice("x", [64, 16, 64]), CategoricalDistribution((64, 16))),
        (lambda hp: hp.Choice("x", [True, False]), CategoricalDistribution((1, 0))),
        (lambda hp: hp.Choice("x", [np.float64(0.5)]), CategoricalDistribution((0.5,))),
        (lambda hp: hp.Int("x", 6, 12), IntDistribution(6, 12)),
        (lambda hp: hp.Int("x", 6, 13, step=3), IntDistribution(6, 12, step=3)),
        (lambda hp: hp.Int("x", 1, 100, sampling="log"), IntDistribution(1, 100, log=True)),
        (lambda hp: hp.Int("x", 2, 40, step=2, sampling="log"), CategoricalDistribution((2, 4, 8, 16, 32))),
        (
            lambda hp: hp.Int("x", 1, 10, step=2, sampling="reverse_log"),
            CategoricalDistribution((3, 7, 9, 10)),
        ),
        (lambda hp: hp.Float("x", 0, 1), FloatDistribution(0, 1)),
        (lambda hp: hp.Float("x", 0, 1, step=0.1), FloatDistribution(0, 1, step=0.1)),
        (lambda hp: hp.Float("x", 0, 0.75, step=0.1), FloatDistribution(0, 0.7, step=0.1)),
        (lambda hp: hp.Float("x", 0, 1, step=1 / 7), CategoricalDistribution(tuple(i / 7 for i in range(8)))),
        (lambda hp: hp.Float("x", 1e-4, 1e-1, sampling="log"), FloatDistribution(1e-4, 1e-1, log=True)),
        (
            lambda hp: hp.Float("x", 0.001, 10, step=10, sampling="log"),
            CategoricalDistribution((0.001, 0.01, 0.1, 1.0, 10.0)),
        ),
    ],
)
def test_a_hyperparameter_is_stored_as_its_real_values(build: Build, distribution: BaseDistribution) -> None:
    hp, handle = trial()
    value = build(hp)
    found = handle.distributions["x"]
    if isinstance(found, CategoricalDistribution) and isinstance(found.choices[0], float):
        assert isinstance(distribution, CategoricalDistribution)
        assert [type(choice) for choice in found.choices] == [float] * len(distribution.choices)
        assert found.choices == pytest.approx(distribution.choices)
    else:
        assert found == distribution
    assert hp.values == handle.params == {"x": value}


def test_a_fixed_value_is_recorded_but_no_parameter() -> None:
    hp, handle = trial()
    assert hp.Fixed("optimizer", "adam") == "adam"
    assert hp.values == {"optimizer": "adam"}
    assert handle.params == {}


@pytest.mark.parametrize(
    ("build", "name", "stored", "value"),
    [
        (lambda hp: hp.Int("x", 1, 100, sampling="reverse_log"), "x (101 - value)", 1, 100),
        (lambda hp: hp.Int("x", 1, 10**7, sampling="reverse_log"), "x (10000001 - value)", 1, 10**7),
        (lambda hp: hp.Float("x", 0.5, 0.99, sampling="reverse_log"), "x (1.49 - value)", 0.5, 0.99),
    ],
)
def test_reverse_log_stores_the_distance_and_its_name_says_so(
    build: Build, name: str, stored: Value, value: Value
) -> None:
    hp, handle = trial(sampled={name: stored})
    assert build(hp) == value
    assert handle.params == {name: stored}
    assert getattr(handle.distributions[name], "log")  # noqa: B009 - not every distribution has it
    asked, handle = trial(start={"x": value})
    assert build(asked) == value
    assert handle.params == {name: pytest.approx(stored)}


def test_a_reflection_loses_no_digit_of_a_start_value() -> None:
    value = 0.00012345678901234567
    assert 1.0001 - (1.0001 - value) != value
    hp, handle = trial(start={"x": value})
    assert hp.Float("x", 1e-4, 1, sampling="reverse_log") == value
    assert TrialHyperParameters(handle).Float("x", 1e-4, 1, sampling="reverse_log") == value


def test_a_value_that_rounding_put_outside_of_optunas_range_stays_legal() -> None:
    hp, handle = trial(start={"x": 1.0})
    assert hp.Float("x", 0, 1, step=1 / 3) == 1.0
    assert handle.distributions["x"] == FloatDistribution(0, 0.9999999999999999, step=1 / 3)
    assert handle.params == {"x": 0.9999999999999999}


def test_inactive_hyperparameters_are_none_and_leave_no_trace() -> None:
    hp, handle = trial(start={"model": "mlp"})
    hp.Choice("model", ["mlp", "cnn"])
    with hp.conditional_scope("model", ["cnn"]):
        assert hp.Int("units", 1, 9) is None
        assert hp.Int("units", 1, 9) is None
    assert hp.Int("kernel", 1, 9, parent_name="model", parent_values=["cnn"]) is None
    assert hp.values == handle.params == {"model": "mlp"}


def test_the_same_name_under_two_conditions_is_two_parameters() -> None:
    def build(hp: Any) -> Any:
        hp.Choice("model", ["mlp", "cnn"])
        with hp.conditional_scope("model", ["mlp"]):
            small = hp.Int("units", 1, 9)
        with hp.conditional_scope("model", ["cnn"]):
            large = hp.Int("units", 100, 900)
        return small, large

    hp, handle = trial(start={"model": "mlp", "units": 5})
    assert build(hp) == (5, None)
    assert handle.params == {"model": "mlp", "units [model=mlp]": 5}
    hp, handle = trial(start={"model": "cnn", "units": 500})
    assert build(hp) == (None, 500)
    assert handle.params == {"model": "cnn", "units [model=cnn]": 500}
    assert hp.values == {"model": "cnn", "units": 500}


def test_names_carry_scopes_and_conditions_whatever_was_met_before() -> None:
    hp, handle = trial()
    with hp.name_scope("encoder"):
        hp.Boolean("norm")
        with hp.conditional_scope("norm", [False]):
            hp.Choice("kind", ["1", "a|b", "plain"])
            with hp.conditional_scope("kind", ["1", "plain"]):
                hp.Float("momentum", 0.5, 0.9, sampling="reverse_log")
    assert list(handle.params) == [
        "encoder/norm",
        "encoder/kind [encoder/norm=False]",
        "encoder/momentum [encoder/norm=False, encoder/kind='1'|plain] (1.4 - value)",
    ]


def test_a_name_fits_the_column_of_every_storage() -> None:
    hp, handle = trial()
    for end in "ab":
        hp.Int("x" * 1000 + end, 1, 9)
    assert len(handle.params) == 2
    assert all(len(name) <= 250 for name in handle.params)


def test_hyperparameters_first_met_in_fit_join_the_others() -> None:
    class Model(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return hp.Int("units", 1, 9)

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model, hp.Int("batch_size", 16, 64, step=16)

    hp, handle = trial(start={"units": 3, "batch_size": 48})
    model = Model()
    units = model.build(hp)
    assert hp.unused_start_values() == ("batch_size",)
    assert model.fit(hp, units) == (3, 48)
    assert hp.unused_start_values() == ()
    assert handle.params == hp.values == {"units": 3, "batch_size": 48}


# Where values come from.


def test_start_values_win_over_defaults_which_win_over_the_sampler() -> None:
    def build(hp: Any) -> list[Any]:
        return [hp.Int(name, 0, 9, default=5) for name in "ab"]

    assert build(TrialHyperParameters(MemoryHandle(Start(True, {"a": 7})))) == [7, 5]
    assert build(TrialHyperParameters(MemoryHandle(Start(False, {"a": 7}), {"b": 2}))) == [7, 2]


def test_only_defaults_that_were_written_are_tried_first() -> None:
    def build(hp: Any) -> None:
        hp.Int("int", 1, 9)
        hp.Float("float", 0.5, 9.0)
        hp.Choice("choice", ["a", "b"])
        hp.Boolean("boolean")
        hp.Int("written int", 1, 9, default=1)
        hp.Float("written float", 0.5, 9.0, default=0.5)
        hp.Choice("written choice", ["a", "b"], default="a")
        hp.Boolean("written boolean", default=False)
        hp.Boolean("positional", False)

    drawn: dict[str, Value] = {"int": 7, "float": 2.5, "choice": "b", "boolean": True}
    written: dict[str, Value] = {
        "written int": 1,
        "written float": 0.5,
        "written choice": "a",
        "written boolean": False,
    }
    hp = TrialHyperParameters(MemoryHandle(Start(defaults=True), {**drawn}))
    build(hp)
    assert hp.values == drawn | written | {"positional": False}
    plain = keras_tuner.HyperParameters()
    build(plain)
    hp = TrialHyperParameters(MemoryHandle(Start(defaults=True, implied=True)))
    build(hp)
    assert hp.values == plain.values


def test_an_implied_default_is_drawn_when_its_condition_is_met_late_or_a_space_declares_it() -> None:
    space = keras_tuner.HyperParameters()
    space.Int("given", 1, 9)
    space.Int("given written", 1, 9, default=3)
    handle = MemoryHandle(Start(defaults=True), {"a": "y", "late [a=y]": "q", "given": 8})
    hp = TrialHyperParameters(handle, space)
    hp.Choice("a", ["x", "y"])
    with hp.conditional_scope("a", ["y"]):
        assert hp.Choice("late", ["p", "q"]) == "q"
    assert (hp.Int("given", 1, 9), hp.Int("given written", 1, 9)) == (8, 3)


def test_a_continued_trial_keeps_what_it_has() -> None:
    hp, handle = trial(sampled={"units": 4})
    hp.Int("units", 1, 9)
    handle.start = Start(values={"units": 8})
    assert TrialHyperParameters(handle).Int("units", 1, 9) == 4


@pytest.mark.parametrize(
    ("build", "start", "value"),
    [
        (lambda hp: hp.Int("x", 1, 9), 3.0, 3),
        (lambda hp: hp.Int("x", 1, 9), np.int64(3), 3),
        (lambda hp: hp.Float("x", 1, 9), 3, 3.0),
        (lambda hp: hp.Float("x", 0, 1, step=0.1), 1.0, 1.0),
        (lambda hp: hp.Float("x", 0, 1, step=0.1), 0.3, 0.3),
        (lambda hp: hp.Float("x", 0, 1, step=0.1), 0.1 * 3, 0.1 * 3),
        (lambda hp: hp.Boolean("x"), 1, True),
        (lambda hp: hp.Choice("x", [True, False]), True, 1),
        (lambda hp: hp.Choice("x", [0.1, 0.2]), 0.1 + 1e-17, 0.1),
        (lambda hp: hp.Fixed("x", 3), 3, 3),
    ],
)
def test_start_values_take_the_type_of_their_hyperparameter(build: Build, start: Value, value: Value) -> None:
    hp, _ = trial(start={"x": start})
    found = build(hp)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("build", "start", "legal"),
    [
        (lambda hp: hp.Int("x", 1, 9), 10, "integers from 1 to 9"),
        (lambda hp: hp.Int("x", 1, 9), 3.5, "integers from 1 to 9"),
        (lambda hp: hp.Int("x", 1, 9), True, "integers from 1 to 9"),
        (lambda hp: hp.Int("x", 6, 13, step=3), 13, "integers from 6 to 12 in steps of 3"),
        (lambda hp: hp.Float("x", 0, 1), 1.1, "numbers from 0.0 to 1.0"),
        (lambda hp: hp.Float("x", 0, 1), "high", "numbers from 0.0 to 1.0"),
        (lambda hp: hp.Float("x", 0, 1), float("nan"), "numbers from 0.0 to 1.0"),
        (lambda hp: hp.Float("x", 0, 1, step=0.1), 0.35, "numbers from 0.0 to 1.0 in steps of 0.1"),
        (lambda hp: hp.Int("x", 2, 9, step=2, sampling="log"), 6, "2, 4, 8"),
        (lambda hp: hp.Int("x", 5, 9, sampling="reverse_log"), 4, "integers from 5 to 9"),
        (lambda hp: hp.Int("x", 0, 8, step=2), 3, "integers from 0 to 8 in steps of 2"),
        (lambda hp: hp.Choice("x", ["a", "b"]), "c", "'a', 'b'"),
        (lambda hp: hp.Choice("x", list(range(12))), 12, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 11 (12 in all)"),
        (lambda hp: hp.Boolean("x"), "yes", "False, True"),
    ],
)
def test_a_start_value_out_of_range_is_refused_with_the_range(build: Build, start: Value, legal: str) -> None:
    hp, handle = trial(start={"x": start})
    with pytest.raises(DefinitionError) as caught:
        build(hp)
    assert str(caught.value) == f"the hyperparameter 'x' cannot start at {start!r}: its values are {legal}"
    assert handle.params == {}


def test_a_start_value_cannot_change_what_is_fixed() -> None:
    hp, _ = trial(start={"x": 4})
    with pytest.raises(DefinitionError, match=r"'x' cannot start at 4: it is fixed, at 3"):
        hp.Fixed("x", 3)


@pytest.mark.parametrize(
    ("build", "nearest"),
    [
        (lambda hp: hp.Int("x", 5, 100, step=10, default=32), 35),
        (lambda hp: hp.Int("x", 1, 9, step=2, default=4), 3),
        (lambda hp: hp.Int("x", 1, 9, default=12), 9),
        (lambda hp: hp.Int("x", 1, 9, default=2.4), 2),
        (lambda hp: hp.Int("x", 1, 64, step=2, sampling="log", default=50), 64),
        (lambda hp: hp.Float("x", 0, 1, default=2), 1.0),
        (lambda hp: hp.Float("x", 0.1, 0.5, step=0.1, default=0.33), 0.3),
    ],
)
@pytest.mark.parametrize("defaults", [True, False])
def test_a_default_beside_the_values_is_the_nearest_one_and_told_at_the_authors_line(
    build: Build, nearest: Any, defaults: bool
) -> None:
    hp = TrialHyperParameters(MemoryHandle(Start(defaults=defaults)))
    said = "the hyperparameter 'x' has the default .*, which is not among its values: .*; its default is"
    with pytest.warns(UserWarning, match=said) as told:
        value = build(hp)
    assert [each.filename for each in told] == [__file__]
    assert not defaults or (value == pytest.approx(nearest) and type(value) is type(nearest))


def test_a_proposal_out_of_range_is_refused() -> None:
    hp, _ = trial(sampled={"x": 70})
    with pytest.raises(
        DefinitionError, match=r"proposes 70 for 'x', which is not among its values: integers from"
    ):
        hp.Int("x", 1, 9)


# What cannot be tuned.


class _Own(HyperParameter):  # type: ignore[misc]
    pass


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (
            lambda hp: hp.Int("x", 1, 9, default="many"),
            "has the default 'many', which is not among its values: integers from 1 to 9",
        ),
        (lambda hp: hp.Float("x", 0, 1, default=float("nan")), "has the default nan"),
        (lambda hp: hp.Int("x", 1, 9, step=0), "has the step 0: a step must be greater than 0"),
        (lambda hp: hp.Float("x", 0, 1, step=float("inf")), "has the step inf"),
        (lambda hp: hp.Float("x", 0, float("inf")), "its range must be finite"),
        (lambda hp: hp.Float("x", -1e308, 1e308), "its range must be finite"),
        (lambda hp: hp.Float("x", float("nan"), 1), "its range must be finite"),
        (lambda hp: hp.Int("x", 0, 2**60), "integers must stay within 2**53"),
        (lambda hp: hp.Float("x", 0, 1, step=1e-20), "too small"),
        (lambda hp: hp.Float("x", 1e-9, 1, step=1.001, sampling="log"), "more than 1000 values"),
        (lambda hp: hp.Choice("x", [1.0, float("nan")]), "has the value nan"),
        (lambda hp: hp._retrieve(_Own("x")), "is a _Own: use Int"),
    ],
)
def test_a_hyperparameter_that_cannot_be_tuned_is_refused_even_when_inactive(
    build: Build, complaint: str
) -> None:
    hp, handle = trial()
    with pytest.raises(UserCodeError) as caught:
        build(hp)
    assert str(caught.value).startswith("the hyperparameter 'x' ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    hp.Boolean("parent")
    with hp.conditional_scope("parent", [True]), pytest.raises(UserCodeError):
        build(hp)
    assert "x" not in handle.params


def test_the_implied_default_of_a_reverse_log_grid_is_its_smallest_value() -> None:
    hp = TrialHyperParameters(MemoryHandle(Start(defaults=True, implied=True), {"x": 9}))
    assert hp.Int("x", 1, 10, step=2, sampling="reverse_log") == 3


def test_an_integer_may_be_as_large_as_a_float_can_tell() -> None:
    hp, handle = trial()
    hp.Int("x", -(2**53), 2**53)
    assert handle.distributions["x"] == IntDistribution(-(2**53), 2**53)


def test_a_name_that_just_fits_stays_as_it_is() -> None:
    hp, handle = trial()
    hp.Int("x" * 250, 0, 1)
    hp.Int("y" * 251, 0, 1)
    fits, cut = handle.params
    assert fits == "x" * 250
    assert cut.startswith("y" * 236 + "... ")
    assert len(cut) == 250


def test_choices_that_change_between_trials_are_refused_in_one_line() -> None:
    class StudyHandle(MemoryHandle):
        def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
            suggested: Value = study.ask()._suggest(name, distribution)
            return suggested

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    TrialHyperParameters(StudyHandle()).Choice("x", [1, 2])
    with pytest.raises(
        UserCodeError, match=r"'x' is not what it was in an earlier trial \(Categorical.*\): keep its"
    ):
        TrialHyperParameters(StudyHandle()).Choice("x", [1, 2, 3])


def test_a_name_that_is_active_twice_has_one_value_or_is_refused() -> None:
    hp, handle = trial(start={"units": 5})
    hp.Boolean("a")
    hp.Int("units", 1, 9)
    with hp.conditional_scope("a", [False]):
        assert hp.Int("units", 3, 6) == 5
        assert list(handle.params) == ["a", "units"]
    with (
        hp.conditional_scope("a", [False, True]),
        pytest.raises(
            UserCodeError, match=r"'units' is active twice.* 5 is not among .*: integers from 100 to 900"
        ),
    ):
        hp.Int("units", 100, 900)


def test_parameters_that_would_share_a_name_are_refused() -> None:
    hp, _ = trial()
    hp.Choice("model", ["cnn"])
    hp.Int("units [model=cnn]", 1, 9)
    with (
        hp.conditional_scope("model", ["cnn"]),
        pytest.raises(UserCodeError, match=r"both be stored as 'units \[model=cnn\]': rename"),
    ):
        hp.Int("units", 1, 9)


# Scopes in scopes.


def layers(hp: Any) -> list[Any]:
    """Each layer's units in a scope inside that of the layer before, all on one parent."""
    found: list[Any] = []
    count = hp.Int("layers", 1, 3)

    def add(number: int) -> None:
        with hp.conditional_scope("layers", list(range(number, 4))):
            found.append(hp.Int(f"units_{number}", 1, 9))
            if number < count:
                add(number + 1)

    add(1)
    return found


def test_scopes_nest_on_one_parent_in_a_trial_and_wherever_its_values_build_again() -> None:
    hp, handle = trial(start={"layers": 3, "units_2": 5, "units_3": 7})
    assert layers(hp) == [1, 5, 7]
    assert handle.params == {
        "layers": 3,
        "units_1 [layers=1|2|3]": 1,
        "units_2 [layers=1|2|3, layers=2|3]": 5,
        "units_3 [layers=1|2|3, layers=2|3, layers=3]": 7,
    }
    again = [plain_hyperparameters(recorded_values(hp)), hp.copy(), copy.deepcopy(hp), hp.copy().copy()]
    assert [layers(each) for each in again] == [[1, 5, 7]] * 4


def test_scopes_nest_on_a_parent_that_was_declared_before_the_scopes_around() -> None:
    hp, handle = trial(sampled={"model": "cnn", "norm": True})
    hp.Boolean("norm")
    hp.Choice("model", ["mlp", "cnn"])
    with hp.conditional_scope("model", ["cnn"]):
        assert hp.Float("momentum", 0.5, 1.0, parent_name="norm", parent_values=[True]) == 0.5
        assert hp.Float("bias", 0.5, 1.0, parent_name="norm", parent_values=[False]) is None
        with hp.conditional_scope("model", ["mlp"]):
            assert hp.Int("never", 1, 2) is None
    assert list(handle.params) == ["norm", "model", "momentum [model=cnn, norm=True]"]


def test_a_parent_that_need_not_be_active_where_its_scope_opens_is_refused_as_keras_tuner_does() -> None:
    for hp in (trial()[0], plain_hyperparameters({}), keras_tuner.HyperParameters()):
        hp.Choice("model", ["mlp", "cnn"])
        with hp.conditional_scope("model", ["mlp"]):
            hp.Boolean("norm")
        with pytest.raises(ValueError, match="norm not defined"), hp.conditional_scope("norm", [True]):
            pass
        hp.Choice("head", ["mlp", "gap"])
        for parent, value in [("model", "cnn"), ("head", "mlp")]:  # another value of it; of another
            with (
                hp.conditional_scope(parent, [value]),
                pytest.raises(ValueError, match="norm not defined"),
                hp.conditional_scope("norm", [True]),
            ):
                pass


# A space given beforehand.


def preset() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("optimizer", "sgd")
    hp.Int("units", 3, 4)
    return hp


def declare(hp: Any) -> list[Any]:
    return [hp.Choice("optimizer", ["adam", "sgd"]), hp.Int("units", 1, 9), hp.Int("depth", 1, 9, default=2)]


def test_a_given_space_fixes_and_narrows_what_the_model_declares() -> None:
    hp, handle = trial(preset=preset())
    assert hp.get("optimizer") == "sgd"
    assert declare(hp) == ["sgd", 3, 1]
    assert handle.distributions == {"units": IntDistribution(3, 4), "depth": IntDistribution(1, 9)}
    assert hp.values == {"optimizer": "sgd", "units": 3, "depth": 1}


def test_new_entries_have_their_default_where_they_are_not_tuned() -> None:
    hp, handle = trial(preset=preset(), tune_new_entries=False)
    assert declare(hp) == ["sgd", 3, 2]
    assert list(handle.params) == ["units"]
    assert hp.values["depth"] == 2
    hp, _ = trial(start={"depth": 7}, preset=preset(), tune_new_entries=False)
    with pytest.raises(DefinitionError, match=r"'depth' cannot start at 7: it is not tuned, at 2"):
        declare(hp)


def test_new_entries_are_refused_where_they_are_not_allowed() -> None:
    hp, _ = trial(preset=preset(), allow_new_entries=False)
    with pytest.raises(
        UserCodeError, match=r"'depth' is not in the given search space and `allow_new_entries` is `False`"
    ):
        declare(hp)


def test_limits_on_new_entries_need_a_given_space() -> None:
    with pytest.raises(UserCodeError, match="need a search space"):
        trial(tune_new_entries=False)
    with pytest.raises(UserCodeError, match="need a search space"):
        trial(allow_new_entries=False)


def test_a_given_entry_whose_parent_comes_later_is_drawn_when_it_is_asked_for() -> None:
    given = preset()
    given.Boolean("deep")
    given.Int("layers", 5, 6, parent_name="deep", parent_values=[False])
    config = given.get_config()
    config["space"] = [entry for entry in config["space"] if entry["config"]["name"] != "deep"]
    hp, handle = trial(preset=keras_tuner.HyperParameters.from_config(config))
    assert "layers" not in hp.values
    hp.Boolean("deep")
    assert hp.Int("layers", 1, 9, parent_name="deep", parent_values=[False]) == 5
    assert handle.distributions["layers [deep=False]"] == IntDistribution(5, 6)


# Copies and records.


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda hp: hp.copy(),
        copy.copy,
        copy.deepcopy,
        lambda hp: pickle.loads(pickle.dumps(hp)),
        lambda hp: type(hp).from_config(hp.get_config()),
    ],
)
def test_a_copy_asks_no_trial(duplicate: Build) -> None:
    hp, handle = trial(sampled={"units": 4})
    hp.Int("units", 1, 9)
    other = duplicate(hp)
    assert isinstance(other, keras_tuner.HyperParameters)
    assert not isinstance(other, TrialHyperParameters)
    assert other.Int("units", 1, 9) == 4
    assert other.Int("depth", 2, 9) == 2
    assert handle.params == hp.values == {"units": 4}


def test_a_model_that_is_not_tunable_gets_its_defaults() -> None:
    class Model(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return hp.Int("units", 1, 9, default=6)

    hp, handle = trial()
    assert Model(tunable=False).build(hp) == 6
    assert handle.params == {}


def test_recorded_values_are_json_and_rebuild_the_same_model() -> None:
    def build(hp: Any) -> list[Any]:
        found = [hp.Choice("model", ["mlp", "cnn"]), hp.Fixed("bias", True), hp.Float("rate", 0, 1, step=0.1)]
        for kind, low in (("mlp", 1), ("cnn", 100)):
            with hp.conditional_scope("model", [kind]):
                found.append(hp.Int("units", low, 2 * low, sampling="log"))
        return found

    hp, _ = trial(start={"model": "cnn", "rate": np.float64(0.7), "units": 150})
    built = build(hp)
    assert built == ["cnn", True, 0.7, None, 150]
    record = json.loads(json.dumps(recorded_values(hp)))
    assert record == {"model": "cnn", "bias": True, "rate": 0.7, "units": 150}
    assert build(plain_hyperparameters(record)) == built
    hp.Fixed("decay", np.float64(0.5))
    assert type(recorded_values(hp)["decay"]) is float


def test_a_name_that_is_its_own_parents_is_refused_in_keras_tuners_words_before_the_trial_is_asked() -> None:
    hp, handle = trial()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]), pytest.raises(ValueError, match="same name as its parent"):
        hp.Choice("kind", ["c", "d"])
    assert handle.params == {"kind": "a"}
