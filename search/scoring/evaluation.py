"""The evaluation: a separator's error on mixtures of test images, by the published protocol."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studyhall.data.mixtures import SIDE, Mix, check_mix, compose, draw_pairs, generator
from studyhall.data.sources import Images, load_source
from studyhall.search.scoring.model_files import find_model, load_separator
from studyhall.search.scoring.separator import BATCH_SIZE, Array, Layout, Separator
from studyhall.studies.errors import ModelFileError
from studyhall.studies.json_text import to_json
from studyhall.studies.one_line import shown

Progress = Callable[[int, int], None]  # mixtures done, mixtures in all


@dataclass(frozen=True)
class Score:
    """The mean of the rounds' errors and their standard deviation (of the population, as NumPy has it)."""

    mean: float
    std: float


@dataclass(frozen=True)
class Round:
    """The mean squared errors of one round, over all its mixtures and all 32x32 pixels in [0, 1].

    `identity` is the joint error of answering with the mixture twice, `exchanged` that of the model's answers
    in the other order: item, then digit.
    """

    digit: float
    item: float
    identity: float
    exchanged: float

    @property
    def joint(self) -> float:
        """The published score: the mean of both sources' errors."""
        return (self.digit + self.item) / 2


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found, with all that is needed to repeat it."""

    model: str
    layout: Layout
    parameters: int
    source: str
    fingerprint: str
    mix: Mix
    samples: int
    seed: int
    rounds: tuple[Round, ...]

    @property
    def joint(self) -> Score:
        """The score to compare with published ones."""
        return _score([each.joint for each in self.rounds])

    @property
    def digit(self) -> Score:
        """The digits' error."""
        return _score([each.digit for each in self.rounds])

    @property
    def item(self) -> Score:
        """The items' error."""
        return _score([each.item for each in self.rounds])

    @property
    def identity(self) -> Score:
        """The joint error of a model that returns the mixture twice, on the same mixtures."""
        return _score([each.identity for each in self.rounds])

    @property
    def looks_exchanged(self) -> bool:
        """Whether the model seems to return the item first: that would halve its error, or more."""
        return _score([each.exchanged for each in self.rounds]).mean < self.joint.mean / 2

    def to_record(self) -> dict[str, Any]:
        """The evaluation as JSON values; the standard deviations are of the population (ddof = 0)."""
        scores = {name: asdict(getattr(self, name)) for name in ("joint", "digit", "item", "identity")}
        rounds = [{"joint": each.joint, **asdict(each)} for each in self.rounds]
        facts = {**asdict(self), "layout": str(self.layout), "rounds": len(rounds)}
        return {**scores, **facts, "looks_exchanged": self.looks_exchanged, "per_round": rounds}

    def to_json(self) -> str:
        """The record as text, indented, ending with a newline."""
        return to_json(self.to_record(), indent=2) + "\n"


def evaluate(
    separator: Separator,
    images: Images,
    mix: Mix | None = None,
    rounds: int = 10,
    samples: int = 5000,
    seed: int = 0,
    *,
    source: str = "",
    fingerprint: str = "",
    batch_size: int = BATCH_SIZE,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Score a separator on `rounds` times `samples` mixtures, drawn from test `images` by `seed` alone.

    `mix` is the separator's own by default. `source` and `fingerprint` are recorded. No more than
    `batch_size` mixtures are in memory at once, and it does not change which are drawn.

    Raises:
        ModelFileError: The model fails.
        DataError: The mix is unknown, or the seed negative.
        ValueError: A count is below 1.
    """
    if min(rounds, samples, batch_size) < 1:
        raise ValueError(
            f"rounds = {rounds}, samples = {samples}, batch_size = {batch_size}: each is at least 1."
        )
    mix = mix or separator.mix
    check_mix(mix)
    done: list[Round] = []
    for number in range(rounds):
        before = number * samples

        def advance(count: int, before: int = before) -> None:
            if on_progress is not None:
                on_progress(before + count, rounds * samples)

        rng = generator(seed, "evaluation", number)
        done.append(_round(separator, images, mix, draw_pairs(rng, images, samples), batch_size, advance))
    return Evaluation(
        model=shown(separator.path),
        layout=separator.layout,
        parameters=separator.parameters,
        source=source,
        fingerprint=fingerprint,
        mix=mix,
        samples=samples,
        seed=seed,
        rounds=tuple(done),
    )


def evaluate_model(
    path: Path,
    mix: Mix | None = None,
    rounds: int = 10,
    samples: int = 5000,
    seed: int = 0,
    *,
    source: str | None = None,
    batch_size: int = BATCH_SIZE,
    on_progress: Progress | None = None,
    allow_code: bool = False,
) -> Evaluation:
    """Evaluate the bundle or model file at `path` on the test images of `source`, or of its own source.

    `allow_code` says that code which the model holds or needs may run. What is quick to refuse is refused
    before Keras is imported.

    Raises:
        ModelFileError: There is no such model, it fails, or it was trained on images without a test split.
        BundleError: The bundle is not as it was published.
        DataError: The images cannot be had, or the seed or the mix is not valid.
        ValueError: A count is below 1.
    """
    found = find_model(path)
    if source is None and ":" in found.source:
        raise ModelFileError(
            f"{shown(path)} was trained on examples of '{found.source}', which has no test images; "
            "choose with --source mnist-fashion or --source synthetic."
        )
    chosen = load_source(source or found.source)
    return evaluate(
        load_separator(path, allow_code=allow_code),
        chosen.test,
        mix,
        rounds,
        samples,
        seed,
        source=chosen.name,
        fingerprint=chosen.fingerprint,
        batch_size=batch_size,
        on_progress=on_progress,
    )


def _score(errors: Sequence[float]) -> Score:
    return Score(float(np.mean(errors)), float(np.std(errors)))


def _round(
    separator: Separator,
    images: Images,
    mix: Mix,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    batch_size: int,
    advance: Callable[[int], None],
) -> Round:
    digits, items = pairs
    totals = np.zeros(6)  # float64: sums of squared errors over mixtures and pixels
    for start in range(0, len(digits), batch_size):
        batch = slice(start, start + batch_size)
        x, y = compose(images.digits[digits[batch]], images.items[items[batch]], mix)
        answer = separator.separate(x, batch_size)
        digit, item, mixture = y[..., 0], y[..., 1], x[..., 0]
        compared = [(answer[..., 0], digit), (answer[..., 1], item), (mixture, digit), (mixture, item)]
        compared += [(answer[..., 0], item), (answer[..., 1], digit)]
        totals += [_squared_error(guess, truth) for guess, truth in compared]
        advance(min(start + batch_size, len(digits)))
    errors = (totals / (len(digits) * SIDE * SIDE)).tolist()
    return Round(errors[0], errors[1], identity=sum(errors[2:4]) / 2, exchanged=sum(errors[4:]) / 2)


def _squared_error(guess: Array, truth: Array) -> float:
    """The sum of squared differences, in float64 throughout."""
    difference = np.subtract(guess, truth, dtype=np.float64).ravel()
    # Not BLAS, whose threads would wait for those of the backend: 7 times slower here than einsum.
    return float(np.einsum("i,i->", difference, difference))
