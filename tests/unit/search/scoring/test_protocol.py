"""The evaluation protocol, on models of a few lines and images whose errors are known by heart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from studyhall.data.errors import DataError
from studyhall.data.mixtures import compose, draw_pairs, generator
from studyhall.data.sources import Images
from studyhall.search.scoring.evaluation import Evaluation, evaluate
from studyhall.search.scoring.separator import Separator, separator_of
from studyhall.studies.errors import ModelFileError

Array = NDArray[np.float32]

INSIDE = 28 * 28 / 32**2  # the part of a padded image that is not margin
RNG = np.random.default_rng(7)
NOISE = Images(RNG.integers(0, 256, (20, 28, 28), np.uint8), RNG.integers(0, 256, (30, 28, 28), np.uint8))
WHITE_ON_BLACK = Images(np.full((3, 28, 28), 255, np.uint8), np.zeros((2, 28, 28), np.uint8))


class Model:
    """What a separator needs of a Keras model, around a function of a batch."""

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self._function = function
        self.largest_batch = 0

    def predict_on_batch(self, x: Array) -> Any:
        self.largest_batch = max(self.largest_batch, len(x))
        return self._function(x)

    def count_params(self) -> int:
        return 42


def separator(function: Callable[[Array], Any], mix: str = "mean") -> Separator:
    return separator_of(Model(function), Path("some.keras"), mix)  # type: ignore[arg-type]


def identity(x: Array) -> Array:
    return np.concatenate([x, x], axis=-1)


def quick(function: Callable[[Array], Any], images: Images = NOISE, **options: Any) -> Evaluation:
    return evaluate(separator(function), images, **{"rounds": 3, "samples": 40, **options})


def test_each_source_has_the_mean_squared_error_over_all_1024_pixels() -> None:
    black = quick(lambda x: np.zeros((len(x), 32, 32, 2)), WHITE_ON_BLACK)
    assert black.digit.mean == pytest.approx(INSIDE, abs=1e-12)
    assert black.item.mean == 0


def test_score_is_the_mean_of_both_errors_and_not_the_template_s_sum() -> None:
    black = quick(lambda x: np.zeros((len(x), 32, 32, 2)), WHITE_ON_BLACK)
    assert black.joint.mean == pytest.approx(INSIDE / 2, abs=1e-12)


def test_identity_baseline_is_the_error_of_returning_the_mixture_twice() -> None:
    black = quick(lambda x: np.zeros((len(x), 32, 32, 2)), WHITE_ON_BLACK)
    assert black.identity.mean == pytest.approx(INSIDE / 4, abs=1e-12)
    assert quick(identity).identity == quick(identity).joint


def test_sum_mixes_twice_as_bright() -> None:
    summed = quick(identity, WHITE_ON_BLACK, mix="sum")
    assert (summed.digit.mean, summed.item.mean) == pytest.approx((0, INSIDE))
    assert summed.mix == "sum"


def test_mix_is_the_model_s_own_unless_said() -> None:
    images = WHITE_ON_BLACK
    assert evaluate(separator(identity, "sum"), images, rounds=1, samples=5).mix == "sum"
    assert evaluate(separator(identity, "sum"), images, "mean", rounds=1, samples=5).mix == "mean"


def test_rounds_are_summarised_by_mean_and_population_deviation() -> None:
    found = quick(identity, rounds=5)
    joint = [(each.digit + each.item) / 2 for each in found.rounds]
    assert len(set(joint)) == 5
    assert found.joint.mean == pytest.approx(sum(joint) / 5, rel=1e-12)
    assert found.joint.std == pytest.approx(np.sqrt(np.var(joint, ddof=0)), rel=1e-12)


def test_a_round_s_error_is_that_of_its_own_pairs() -> None:
    second = quick(identity).rounds[1]
    digits, items = draw_pairs(generator(0, "evaluation", 1), NOISE, 40)
    x, y = compose(NOISE.digits[digits], NOISE.items[items], "mean")
    assert second.digit == pytest.approx(np.mean((x[..., 0] - y[..., 0]) ** 2, dtype=np.float64), rel=1e-5)


def test_seed_alone_decides_what_is_drawn() -> None:
    assert quick(identity).rounds == quick(identity).rounds
    assert quick(identity, seed=1).rounds[0] != quick(identity).rounds[0]
    assert quick(identity, rounds=1).rounds == quick(identity).rounds[:1]


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
def test_batch_size_bounds_memory_and_changes_no_score(batch_size: int) -> None:
    model = Model(identity)
    small = evaluate(separator_of(model, Path("m")), NOISE, rounds=2, samples=40, batch_size=batch_size)
    assert model.largest_batch == min(batch_size, 40)
    for mine, other in zip(small.rounds, quick(identity, rounds=2).rounds, strict=True):
        assert mine.joint == pytest.approx(other.joint, rel=1e-12)


def test_small_errors_do_not_drown_in_single_precision() -> None:
    # 1e-4 off everywhere: its square is 1e-8, and 10 million of those in float32 would lose a percent
    def nearly(x: Array) -> Array:
        return np.concatenate([2 * x, np.zeros_like(x)], axis=-1) + np.float32(1e-4)

    found = evaluate(separator(nearly), WHITE_ON_BLACK, rounds=1, samples=2000)
    assert found.item.mean == pytest.approx(1e-8, rel=1e-6)


def test_model_that_returns_the_item_first_is_noticed() -> None:
    def other_way(x: Array) -> Array:
        return np.concatenate([np.zeros_like(x), 2 * x], axis=-1)

    assert quick(other_way, WHITE_ON_BLACK).looks_exchanged
    assert not quick(lambda x: other_way(x)[..., ::-1], WHITE_ON_BLACK).looks_exchanged
    assert not quick(identity).looks_exchanged


def test_progress_goes_from_batch_to_batch_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    quick(identity, batch_size=30, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(30, 120), (40, 120), (70, 120), (80, 120), (110, 120), (120, 120)]


def test_record_holds_the_scores_and_what_repeats_them() -> None:
    found = quick(identity, source="synthetic", fingerprint="sha256:0", seed=5)
    record = json.loads(found.to_json())
    assert record["joint"] == {"mean": found.joint.mean, "std": found.joint.std}
    assert {"digit", "item", "identity"} <= set(record)
    assert [each["joint"] for each in record["per_round"]] == [each.joint for each in found.rounds]
    facts = {
        "model": "some.keras",
        "layout": "one output of two channels",
        "parameters": 42,
        "source": "synthetic",
        "fingerprint": "sha256:0",
        "mix": "mean",
        "rounds": 3,
        "samples": 40,
        "seed": 5,
    }
    assert facts.items() <= record.items()
    assert found.to_record() == record


def test_values_that_are_not_finite_are_refused_and_not_averaged() -> None:
    def late_nan(x: Array) -> Array:
        return identity(x) + np.float32(np.nan if x.any() else 0)

    with pytest.raises(ModelFileError, match="not finite"):
        quick(late_nan)


def test_arguments_that_no_evaluation_can_have_are_refused() -> None:
    with pytest.raises(DataError):
        quick(identity, mix="median")
    with pytest.raises(DataError):
        quick(identity, seed=-1)
    for name in ("rounds", "samples", "batch_size"):
        none: dict[str, Any] = {name: 0}
        with pytest.raises(ValueError, match=name):
            quick(identity, **none)
