"""Settings of hyperparameters, as people write them in a study's arguments."""

import re

import pytest

from studyhall.models.errors import ConfigurationError
from studyhall.models.rules import Value
from studyhall.models.settings import Choices, Fixed, Range, Setting, parse_setting


@pytest.mark.parametrize(
    ("name", "given", "usual", "setting"),
    [
        ("head", "consistent", "consistent", Fixed("consistent")),
        ("pools", 2, 2, Fixed(2)),
        ("learning_rate", 1, 0.003, None),
        ("momentum", 0.5, 0.9, Fixed(0.5)),
        ("filters", [4, 8, 16], 16, Choices((4, 8, 16), 16)),
        ("filters", [4, 8], 16, Choices((4, 8), 4)),
        ("filters", [8], 16, Fixed(8)),
        ("filters", [8, 8], 16, Fixed(8)),
        ("filters", {"values": [4, 8], "default": 8}, 16, Choices((4, 8), 8)),
        ("skips", [True, False], True, Choices((True, False), True)),
        ("pools", {"min": 1, "max": 3}, 2, Range(1, 3, 2)),
        ("pools", {"min": 3, "max": 4}, 2, Range(3, 4, 3)),
        ("filters", {"min": 8, "max": 64, "step": 2, "log": True}, 16, Range(8, 64, 16, 2, True)),
        ("filters", {"min": 8, "max": 64, "step": 10}, 16, Range(8, 64, 8, 10)),
        ("learning_rate", {"min": 1e-4, "max": 1e-2, "log": True}, 3e-3, Range(1e-4, 1e-2, 3e-3, None, True)),
        ("learning_rate", {"min": 1e-4, "max": 1e-2, "default": 1e-3}, 3e-3, Range(1e-4, 1e-2, 1e-3)),
    ],
)
def test_setting_is_read_as_written(name: str, given: object, usual: Value, setting: Setting | None) -> None:
    if setting is None:
        with pytest.raises(ConfigurationError, match=f"{name} = {given} is out of bounds"):
            parse_setting(name, given, usual)
    else:
        assert parse_setting(name, given, usual) == setting


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("pools", [2, 6], "pools = 6 is too deep for 32x32 images"),
        ("pools", {"min": 1, "max": 6}, "pools = 6 is too deep for 32x32 images"),
        ("pools", {"min": 1}, "pools needs both min and max"),
        ("pools", {"min": 3, "max": 2}, "min must be the smaller"),
        (
            "pools",
            {"min": 1, "max": 3, "scale": "log"},
            "unknown key 'scale'; use min, max, step, log, default",
        ),
        ("pools", {"values": [1, 2], "min": 1}, "unknown key 'min'; use values, default"),
        ("pools", {"min": 1, "max": 3, "default": 4}, "has the default 4, which is outside its range"),
        ("filters", {"min": 8, "max": 64, "step": 8, "default": 20}, "has the default 20"),
        ("filters", {"min": 8, "max": 64, "step": 1, "log": True}, "use a number above 1"),
        ("filters", {"min": 8, "max": 64, "step": 1.5}, "use a whole number"),
        ("filters", {"min": 8, "max": 64, "log": "yes"}, "filters: log = 'yes' is neither true nor false"),
        ("decoder_convolutions", {"min": 0, "max": 4, "log": True}, "min = 0 on a log scale"),
        ("filters", [], "filters has no values to choose from"),
        ("filters", {"values": [4, 8], "default": 16}, "the default 16, which is not one of its values"),
        ("head", {"min": 1, "max": 2}, "head cannot be a range"),
        ("activation", ["relu", "rellu"], "activation = 'rellu' is unknown"),
        ("skips", "no", "skips = 'no' is neither true nor false"),
    ],
)
def test_wrong_setting_is_refused_with_what_to_write_instead(name: str, given: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_setting(name, given, {"head": "consistent", "activation": "relu"}.get(name, 2))
