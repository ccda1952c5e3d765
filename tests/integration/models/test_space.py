"""The space of networks, as KerasTuner's hyperparameters see it."""

from typing import Any

import keras_tuner
import pytest

from studyhall.models.architecture import Architecture
from studyhall.models.errors import ConfigurationError
from studyhall.models.presets import PRESETS, Preset
from studyhall.models.space import Point, Space, make_space
from studyhall.search.bridge.hyperparameters import TrialHyperParameters
from studyhall.search.core.handle import Start
from studyhall.search.training.warm_start import DryHandle

# Wide enough for every seed's network and the consistent head.
WIDE = {
    "filters": [8, 32, 64, 128],
    "pools": [2, 3],
    "convolutions": [2, 3],
    "decoder_convolutions": [0, 4],
    "decoder_widening": [1, 4],
    "activation": ["relu", "sigmoid", "tanh", "leaky_relu"],
    "normalisation": ["batch", "none"],
    "momentum": [0.9, 0.99],
    "upsampling": ["transposed-2x2", "transposed-3x3", "nearest"],
    "skips": [True, False],
    "decoders": [1, 2],
    "head": ["consistent", "independent", "depthwise"],
    "output_activation": ["sigmoid", "relu", "linear", "same"],
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
}


def draw(space: Space, **values: Any) -> tuple[Point, Any]:
    hp = keras_tuner.HyperParameters()
    hp.values.update(values)
    return space.draw(hp), hp


def test_space_without_arguments_starts_at_the_known_good_network() -> None:
    point, hp = draw(make_space("mean", None, {}))
    assert point.architecture == Architecture()
    assert point.learning_rate == 5e-3
    assert {"filters", "activation", "pools", "convolutions", "upsampling", "head"} <= set(hp.values)


@pytest.mark.parametrize("given", [{}, WIDE, {"convolutions": {"min": 1, "max": 3}}])
def test_every_default_of_a_space_is_written_so_that_a_searchs_first_trial_takes_it(
    given: dict[str, Any],
) -> None:
    # This handle refuses to draw.
    first = TrialHyperParameters(DryHandle(0, Start(defaults=True)))
    space = make_space("mean", None, given)
    assert space.draw(first) == draw(space)[0]


def test_learning_rate_is_searched_on_a_log_scale() -> None:
    _, hp = draw(make_space("mean", None, {}))
    (learning_rate,) = [entry for entry in hp.space if entry.name == "learning_rate"]
    assert (type(learning_rate).__name__, learning_rate.sampling) == ("Float", "log")


def test_every_value_of_the_network_is_recorded_with_the_trial() -> None:
    point, hp = draw(make_space("mean", None, {"pools": 3, "head": "consistent"}))
    assert hp.values == point.architecture.hyperparameters() | {"learning_rate": 5e-3}


def test_arguments_win_over_the_preset_and_the_preset_over_the_defaults() -> None:
    space = make_space("mean", "seed-003", {"filters": [8, 16], "head": "consistent"})
    point, hp = draw(space, filters=16)
    assert point.architecture.filters == 16
    assert point.architecture.convolutions == 3
    assert point.architecture.head == "consistent"
    assert "output_activation" not in hp.values
    assert [entry.name for entry in hp.space if type(entry).__name__ != "Fixed"] == ["filters"]


def test_preset_of_seed_002_with_its_three_choices_is_its_search_of_36_configurations() -> None:
    choices = {
        "filters": [32, 64, 128],
        "activation": ["relu", "sigmoid", "tanh", "leaky_relu"],
        "learning_rate": [1e-2, 1e-3, 1e-4],
    }
    space = make_space("mean", "seed-002-32", choices)
    _, hp = draw(space)
    tuned = {entry.name: entry.values for entry in hp.space if type(entry).__name__ != "Fixed"}
    assert tuned == choices
    point, _ = draw(space, filters=128, activation="tanh")
    assert point.architecture.final_activation == "tanh"


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_wide_space_contains_every_preset(preset: Preset) -> None:
    point, _ = draw(make_space("mean", None, WIDE), **preset.hyperparameters())
    assert point.architecture.hyperparameters() == preset.architecture.hyperparameters() | (
        {} if preset.architecture.normalisation == "batch" else {"momentum": point.architecture.momentum}
    )


def test_output_activation_is_active_only_with_heads_that_have_one() -> None:
    space = make_space("mean", None, {})
    consistent, hp = draw(space, head="consistent")
    assert consistent.architecture.output_activation is None
    assert not hp.is_active("output_activation")
    free, hp = draw(space, head="independent", output_activation="relu")
    assert free.architecture.output_activation == "relu"
    assert hp.is_active("output_activation")


def test_boolean_choices_stay_booleans() -> None:
    space = make_space("mean", None, {"skips": [True, False]})
    untouched, hp = draw(space)
    (skips,) = [entry for entry in hp.space if entry.name == "skips"]
    assert type(skips).__name__ == "Boolean"
    assert untouched.architecture.skips is True
    point, _ = draw(space, skips=False)
    assert point.architecture.skips is False


def test_mix_reaches_the_network() -> None:
    point, _ = draw(make_space("sum", None, {}))
    assert point.architecture.mix == "sum"


def test_misspelt_hyperparameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"no hyperparameter 'filter'; did you mean 'filters'\?"):
        make_space("mean", None, {"filter": 8})


def test_setting_that_can_do_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="output_activation does nothing with head = 'consistent'"):
        make_space("mean", None, {"head": "consistent", "output_activation": "relu"})
    with pytest.raises(ConfigurationError, match="momentum does nothing with normalisation = 'none'"):
        make_space("mean", None, {"normalisation": "none", "momentum": [0.9, 0.99]})


def test_unknown_mix_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="mix = 'average' is unknown; use one of mean, sum"):
        make_space("average", None, {})
