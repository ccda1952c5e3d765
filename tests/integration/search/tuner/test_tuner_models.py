"""The models that a search has trained, loaded afterwards: as with KerasTuner, and where that fails."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from studyhall.search import Tuner
from studyhall.search.tuner.errors import NoWeightsError
from studyhall.studies.errors import UserCodeError

IMAGES = np.random.default_rng(0).normal(size=(24, 2, 2)).astype("float32")
TARGETS = IMAGES.sum(axis=(1, 2))

Make = Callable[..., Any]


class Two(keras.Model):  # type: ignore[misc]
    """A subclass of Model, which has its variables once it is called."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.stack = keras.Sequential(
            [keras.layers.Flatten(), keras.layers.Dense(units), keras.layers.Dense(1)]
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.stack(inputs["left"]) + self.stack(inputs["right"])


class Late(Two):
    """One that says how it is built, and leaves it to its first call."""

    def build(self, input_shape: Any) -> None:
        """Make nothing."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.stack(inputs)


def compiled(model: Any) -> Any:
    model.compile("adam", "mse", run_eagerly=True)
    return model


def without_input(hp: Any) -> Any:
    units = hp.Int("units", 2, 40)
    return compiled(
        keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(units), keras.layers.Dense(1)])
    )


def subclassed(hp: Any) -> Any:
    return compiled(Two(hp.Int("units", 2, 40)))


def late(hp: Any) -> Any:
    return compiled(Late(hp.Int("units", 2, 40)))


@pytest.fixture
def searched(tmp_path: Path) -> Make:
    """Return a function that makes a Tuner, which has searched."""

    def made(build: Any = without_input, x: Any = IMAGES, cls: Any = Tuner, **arguments: Any) -> Any:
        named = {"max_trials": 3, "directory": tmp_path, "project_name": "models", **arguments}
        tuner = cls(build, objective="loss", **named)
        tuner.search(x, TARGETS, epochs=1, batch_size=12, verbose=0)
        return tuner

    return made


@pytest.mark.parametrize(
    ("build", "x"),
    [(without_input, IMAGES), (subclassed, {"left": IMAGES, "right": IMAGES[::-1]}), (late, IMAGES)],
)
def test_all_models_are_kept_and_take_any_batch_whatever_says_their_shape(
    searched: Make, build: Any, x: Any, tmp_path: Path
) -> None:
    tuner = searched(build, x)
    models = tuner.get_best_models(3)
    assert len(models) == 3
    scores = [trial.score for trial in tuner.oracle.get_best_trials(3)]
    assert scores == sorted(scores)
    fewer = {name: each[:5] for name, each in x.items()} if isinstance(x, dict) else x[:5]
    again = Tuner(build, objective="loss", directory=tmp_path, project_name="models").get_best_models()[0]
    np.testing.assert_allclose(
        again.predict(fewer, verbose=0), models[0].predict(fewer, verbose=0), rtol=1e-5
    )
    if build is without_input:
        again.build((None, 2, 2))  # as KerasTuner's guide does
        again.summary(print_fn=lambda text: None)


def test_a_model_whose_code_was_edited_is_told_by_the_number_of_its_parameters(
    searched: Make, tmp_path: Path
) -> None:
    searched(max_trials=1)

    def edited(hp: Any) -> Any:
        hp.Int("units", 2, 40)
        return compiled(keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)]))

    with pytest.raises(
        NoWeightsError, match=r"has 5 parameters, and had \d+ when .* its code was edited"
    ) as told:
        Tuner(edited, objective="loss", directory=tmp_path, project_name="models").get_best_models()
    assert told.value.__cause__ is None
    with pytest.raises(UserCodeError, match="give Tuner the HyperModel"):
        Tuner(None, directory=tmp_path, project_name="models").get_best_models()


def test_weights_that_are_gone_are_told_with_kerastuners_hint(searched: Make, tmp_path: Path) -> None:
    tuner = searched(max_trials=1)
    for each in (tmp_path / "artifacts").iterdir():
        if each.is_file() and each.stat().st_size > 1000:
            each.unlink()
    with pytest.raises(RuntimeError, match="are gone.*change the `project_name` or pass `overwrite=True`"):
        tuner.get_best_models()


def test_fewer_models_are_kept_where_the_script_says_so_and_the_search_says_it(
    searched: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuner = searched(keep_models=2)
    tuner.search(IMAGES, TARGETS, verbose=1)
    assert "The weights of the best 2 of 3 trials are kept: keep_models" in capsys.readouterr().out
    assert len(tuner.get_best_models(2)) == 2
    with pytest.raises(NoWeightsError, match="the weights of 2 trials are kept, and trial . is not among"):
        tuner.get_best_models(3)


def test_a_trial_without_weights_is_blamed_on_what_did_not_keep_them(searched: Make) -> None:
    class Forgets(Tuner):
        def run_trial(self, trial: Any, x: Any, y: Any, **kwargs: Any) -> Any:
            if trial.trial_id == "1":
                raise keras_tuner.errors.FailedTrialError("too large")
            return {"loss": float(self.hypermodel.build(trial.hyperparameters).count_params())}

    def with_input(hp: Any) -> Any:
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 40))])

    tuner = searched(with_input, cls=Forgets, max_trials=2)
    with pytest.raises(
        NoWeightsError, match="run_trial must pass its callbacks on to fit, or call self.save_model"
    ):
        tuner.get_best_models()
    with pytest.raises(NoWeightsError, match="trial 1 came to no result"):
        tuner.load_model(tuner.oracle.trials["1"])


def test_tensorboard_has_the_hyperparameters_of_each_trial(searched: Make, tmp_path: Path) -> None:
    class Fits(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return without_input(hp)

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, **{**kwargs, "batch_size": hp.Choice("batch", [8, 16])})

    logs = tmp_path / "logs"
    tuner = Tuner(Fits(), objective="loss", max_trials=2, directory=tmp_path)
    tuner.search(IMAGES, TARGETS, callbacks=[keras.callbacks.TensorBoard(logs)], verbose=0)
    for number in ("0", "1"):
        (events,) = (logs / number / "execution0").glob("events*")
        names = re.findall(rb"_hparams_/|units|batch", events.read_bytes())
        assert {b"_hparams_/", b"units", b"batch"} == set(names)


def test_values_are_there_and_shown_where_run_trial_is_the_users_own(
    searched: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[Any] = []

    class Looks(Tuner):
        def on_trial_begin(self, trial: Any) -> None:
            found.append(dict(trial.hyperparameters.values))

        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            found.append(trial.hyperparameters.values.copy())
            self.hypermodel.build(trial.hyperparameters)
            found.append({**trial.hyperparameters.values})
            return trial.hyperparameters.get("units")

    def build(hp: Any) -> None:
        hp.Int("units", 2, 400)
        hp.Float("rate", 1e-9, 1.0)
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            hp.Boolean("wide")

    tuner = Looks(build, max_trials=3, directory=tmp_path)
    tuner.search()
    for first, second, third in zip(found[::3], found[1::3], found[2::3], strict=True):
        assert first == second == third
        assert {"units", "rate", "kind"} <= first.keys()
        assert ("wide" in first) == (first["kind"] == "b")
        assert first["rate"] > 1e-9  # KerasTuner's implied default, which nobody wrote
    shown = capsys.readouterr().out
    assert shown.count("|units") == shown.count("|rate") == 3
    recorded = [trial.params for trial in tuner.oracle.study.optuna().get_trials()]
    assert [each["units"] for each in recorded] == [each["units"] for each in found[::3]]


def test_values_that_nobody_looks_at_are_drawn_as_the_model_asks_for_them(tmp_path: Path) -> None:
    class Asks(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            hp = trial.hyperparameters
            self.hypermodel.build(hp)
            return float(len(hp.values))

    def build(hp: Any) -> None:
        if hp.Choice("deep", [False, True]):
            hp.Int("depth", 1, 4)

    tuner = Asks(build, max_trials=10, directory=tmp_path, sampler="random", seed=1)
    tuner.search(verbose=0)
    params = [trial.params for trial in tuner.oracle.study.optuna().get_trials()]
    assert all(("depth" in each) == each["deep"] for each in params if each)


def test_a_trial_that_fails_before_it_asks_for_anything_has_no_values(tmp_path: Path) -> None:
    class Fails(Tuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            raise ValueError("no data")

    tuner = Fails(lambda hp: hp.Int("units", 1, 9), max_trials=1, directory=tmp_path)
    tuner.search(verbose=0)
    (trial,) = tuner.oracle.study.optuna().get_trials()
    assert (trial.state.name, trial.params) == ("FAIL", {})
    assert tuner.oracle.trials["0"].hyperparameters.values == {}
