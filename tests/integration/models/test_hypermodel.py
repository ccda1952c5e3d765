"""The HyperModel of the reference workload, as plain KerasTuner uses it."""

from typing import Any

import keras_tuner
import pytest

import studyhall.models
from studyhall.models import SeparationHyperModel
from studyhall.models.errors import ConfigurationError

SMALL: dict[str, Any] = {"filters": 2, "pools": 1, "convolutions": 1}


def test_default_network_builds_from_plain_keras_tuner_hyperparameters() -> None:
    model = SeparationHyperModel(filters=[2, 4]).build(keras_tuner.HyperParameters())
    assert model.input_shape == (None, 32, 32, 1)
    assert model.output_shape == (None, 32, 32, 2)
    assert model.loss == "mse"
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(5e-3)


def test_values_of_a_trial_decide_the_network() -> None:
    hp = keras_tuner.HyperParameters()
    hp.values.update(filters=4, learning_rate=1e-3)
    model = SeparationHyperModel(filters=[2, 4], pools=1, convolutions=1).build(hp)
    assert model.get_layer("encoder_1_convolution_1").filters == 4
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(1e-3)


def test_preset_trains_on_two_channels_whatever_its_layout() -> None:
    hypermodel = SeparationHyperModel(preset="seed-004", **SMALL)
    assert hypermodel.build(keras_tuner.HyperParameters()).output_shape == (None, 32, 32, 2)


def test_impossible_depth_is_refused_before_any_trial() -> None:
    with pytest.raises(ConfigurationError, match="pools = 6 is too deep for 32x32 images"):
        SeparationHyperModel(pools=[2, 6])


def test_package_offers_only_what_it_has() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Separation'"):
        _ = studyhall.models.Separation


def test_untunable_hypermodel_leaves_the_hyperparameters_alone() -> None:
    hp = keras_tuner.HyperParameters()
    SeparationHyperModel(tunable=False, name="plain", **SMALL).build(hp)
    assert hp.space == []
