"""The presets: named, counted and listed without Keras."""

import subprocess
import sys

import pytest

from studyhall.models.errors import ConfigurationError
from studyhall.models.presets import PRESETS, find_preset

LISTING = """
import sys
from studyhall.models.presets import PRESETS
assert all(preset.parameters > 0 for preset in PRESETS.values())
heavy = {"keras", "keras_tuner", "tensorflow", "jax", "numpy"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("seed-000", 7_707_522),
        ("seed-002-32", 519_746),
        ("seed-002-64", 2_071_682),
        ("seed-002-128", 8_272_130),
        ("seed-003", 3_033_346),
        ("seed-004", 3_684_214),
    ],
)
def test_preset_has_as_many_parameters_as_its_seed(name: str, parameters: int) -> None:
    assert PRESETS[name].parameters == parameters


def test_preset_agrees_with_what_its_author_stated() -> None:
    stated = {name: preset for name, preset in PRESETS.items() if preset.stated_parameters is not None}
    assert set(stated) == {"seed-003", "seed-004"}
    assert all(preset.parameters == preset.stated_parameters for preset in stated.values())


def test_listing_presets_with_their_parameters_imports_no_keras() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_unknown_preset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"no preset 'seed-03'; did you mean 'seed-003'\?"):
        find_preset("seed-03")
    with pytest.raises(ConfigurationError, match="no preset 'x'; there is seed-000, seed-001"):
        find_preset("x")


def test_seed_001_has_a_decoder_for_each_source_and_no_skips() -> None:
    architecture = PRESETS["seed-001"].architecture
    assert (architecture.decoders, architecture.skips, architecture.normalisation) == (2, False, "batch")


def test_preset_gives_every_value_that_a_study_can_enqueue() -> None:
    values = PRESETS["seed-003"].hyperparameters()
    assert values["filters"] == 64
    assert values["learning_rate"] == 1e-3
    assert "mix" not in values
    assert "output_activation" not in PRESETS["studyhall-small"].hyperparameters()
