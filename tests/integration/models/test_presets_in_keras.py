"""Every preset, built by Keras."""

from collections.abc import Iterator

import keras
import pytest

from studyhall.models.network import build_network
from studyhall.models.presets import PRESETS, Preset


@pytest.fixture(autouse=True)
def clean_session() -> Iterator[None]:
    yield
    keras.utils.clear_session()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_preset_builds_with_the_parameters_and_shape_it_claims(preset: Preset) -> None:
    model = build_network(preset.architecture)
    assert model.count_params() == preset.parameters
    assert model.output_shape[1:] == preset.architecture.output_shape
