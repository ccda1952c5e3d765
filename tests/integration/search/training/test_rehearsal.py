"""The check rehearses what a trial, a retraining and a publication do, and refuses in one line what cannot
work.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studyhall.search.actions.check import in_words
from studyhall.search.core.outcome import Checked
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.session.dry_run import check, limit_seconds
from studyhall.search.training.check import run_check
from studyhall.search.user.workload import load_workload
from studyhall.studies.bundle.manifest import Loading
from studyhall.studies.definition import Definition
from studyhall.studies.errors import UserCodeError
from studyhall.studies.study_file.loading import define
from tests.support.strangers import ForkingStranger, forking_stranger

pytestmark = [
    pytest.mark.filterwarnings("ignore:Your input ran out of data"),
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed"),
    pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`"),
]

LAYERS = """
import keras


class Thrice(keras.layers.Layer):
    def call(self, x):
        return 3 * x
"""

PROJECT = """
import keras
import keras_tuner
import numpy as np
from keras import layers

X = np.linspace(-1, 1, 80).reshape(20, 4).astype("float32")
Y = X[:, :1] * 2


def load():
    return (X, Y), (X[:8], Y[:8])


def nothing_to_train_on():
    return (X[:0], Y[:0]), (X, Y)


def nothing_to_validate_on():
    return (X, Y), (X[:0], Y[:0])


def not_numbers():
    return (X * float("nan"), Y), (X, Y)


def nan_later():
    y = Y.copy()
    y[17:] = float("nan")
    return (X, y), (X, Y)


def nan_in_validation():
    x = X.copy()
    x[9, 2] = float("nan")
    return (X, Y), (x, Y)


def nan_that_is_no_harm():
    x = X.copy()
    x[15] = float("nan")
    return (x, Y), (X, Y)


def generator():
    return ((X[i:i + 4], Y[i:i + 4]) for i in range(0, 20, 4)), (X, Y)


def zipped():
    return zip([X], [Y]), (X, Y)


def mapped():
    return map(lambda i: (X, Y), range(5)), (X, Y)


def itself():
    return iter([(X, Y)])


def validation_generator():
    return (X, Y), ((X, Y) for _ in range(3))


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y))


def endless():
    return dataset().repeat().batch(4), (X, Y)


def endless_validation():
    return (X, Y), dataset().repeat().batch(4)


def streams(endless):
    import itertools

    import tensorflow as tf

    kinds = tf.TensorSpec((4, 4), tf.float32), tf.TensorSpec((4, 1), tf.float32)

    def batches():
        for i in itertools.count() if endless else range(5):
            yield X[:4], Y[:4]

    return tf.data.Dataset.from_generator(batches, output_signature=kinds), (X, Y)


def too_large_batches():
    return dataset().batch(64, drop_remainder=True), (X, Y)


def used_up():
    import tensorflow as tf

    once = iter([(X[i:i + 4], Y[i:i + 4]) for i in range(0, 20, 4)])
    kinds = tf.TensorSpec((4, 4), tf.float32), tf.TensorSpec((4, 1), tf.float32)
    return tf.data.Dataset.from_generator(lambda: once, output_signature=kinds), (X, Y)


class Batches(keras.utils.PyDataset):
    def __init__(self, count):
        super().__init__()
        self.count = count

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        return X[:4], Y[:4]


class Once(Batches):
    def __init__(self, count):
        super().__init__(count)
        self.left = iter([(X[:4], Y[:4])] * count)

    def __getitem__(self, index):
        return next(self.left)


class Missing(Batches):
    def __getitem__(self, index):
        raise FileNotFoundError(f"no file {index}.npy")


def py_dataset_once():
    return Once(5), Batches(2)


def py_dataset_without_files():
    return Batches(5), Missing(2)


def py_dataset():
    return Batches(5), Batches(2)


def endless_py_dataset():
    return Batches(None), Batches(2)


def network(*more, loss="mse"):
    model = keras.Sequential([keras.Input((4,)), *more, layers.Dense(1, name="head")])
    model.compile("sgd", loss, metrics=["mae"], run_eagerly=True)
    return model


def plain(hp):
    return network()


def unstable(hp):
    model = network()
    model.compile(keras.optimizers.SGD(1e30), "mse", run_eagerly=True)
    return model


class Odd(layers.Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x)


class Stiff(layers.Layer):
    def __init__(self):
        super().__init__()

    def call(self, x):
        return x + 1


def stiff(hp):
    return network(Stiff())


def patched(hp):
    model = network()
    call = model.layers[-1].call
    model.layers[-1].call = lambda x, training=None: call(x) + 1
    return model


def unsavable(hp):
    return network(Odd(layers.Dense(2)))


class Twice(layers.Layer):
    def call(self, x):
        return 2 * x


def unregistered(hp):
    return network(Twice())


def of_a_module_beside(hp):
    from rehearsed_layers import Thrice

    return network(Thrice())


def with_lambda(hp):
    return network(layers.Lambda(lambda x: 2 * x))


def with_lambda_activation(hp):
    return network(layers.Dense(2, activation=lambda x: 2 * x, name="doubled"))


class Filled(layers.Layer):
    def call(self, x):
        return keras.ops.where(keras.ops.isnan(x), 0.0, x)


def fills(hp):
    return network(Filled())


def own_loss(y, found):
    return keras.ops.mean((y - found) ** 2)


def with_own_loss(hp):
    return network(loss=own_loss)


def with_lambda_loss(hp):
    return network(loss=lambda y, found: keras.ops.mean((y - found) ** 2))


def hidden_layer(hp):
    class Hidden(layers.Layer):
        def call(self, x):
            return x + 1

    return network(Hidden())


class Forgetful(layers.Layer):
    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return {}


def forgetful(hp):
    return network(Forgetful(3.0))


def vectors(hp):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[keras.metrics.F1Score()], run_eagerly=True)
    return model


def labels():
    y = np.eye(3, dtype="float32")[np.arange(20) % 3]
    return (X, y), (X, y)


def nested(hp):
    if hp.Choice("kind", ["a", "b"], default="a") == "b":
        raise KeyError("the other branch")
    return network()


class Steps(keras_tuner.HyperModel):
    def build(self, hp):
        return network()

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, steps_per_epoch=3, validation_steps=1, **kwargs)


class OwnBatches(keras_tuner.HyperModel):
    def build(self, hp):
        return network()

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [8, 16]), **kwargs)


class Scheduled(keras_tuner.HyperModel):
    def build(self, hp):
        model = network()
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9)
        model.compile(keras.optimizers.SGD(schedule), "mse", run_eagerly=True)
        return model


class Deaf(keras_tuner.HyperModel):
    def build(self, hp):
        return network()

    def fit(self, hp, model, *args, callbacks, **kwargs):
        return model.fit(*args, **kwargs)


def hanging():
    import threading

    threading.Event().wait()
"""


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkingStranger]:
    with forking_stranger(tmp_path_factory.mktemp("stranger")) as found:
        yield found


@pytest.fixture
def quick_stranger(forked: ForkingStranger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have models loaded in forks of a process that has imported Keras, and not in new processes."""
    monkeypatch.setattr("studyhall.search.training.saving.subprocess.run", forked.run)


@pytest.fixture
def defined(tmp_path: Path) -> Callable[..., Definition]:
    """Make a definition of the functions above."""
    (tmp_path / "rehearsed.py").write_text(PROJECT)
    (tmp_path / "rehearsed_layers.py").write_text(LAYERS)

    def make(build: str = "plain", load: str = "load", **sections: Any) -> Definition:
        tables = {"name": "rehearsed", "hypermodel": f"rehearsed.py:{build}", "data": f"rehearsed.py:{load}"}
        return define({**tables, "training": {"epochs": 1, "batch_size": 4}, **sections}, tmp_path)

    return make


def checked(definition: Definition, *, thorough: bool = False) -> Checked:
    return run_check(definition, load_workload(definition), thorough=thorough)


@pytest.mark.parametrize(
    ("load", "why"),
    [
        ("nothing_to_train_on", "returns 0 examples to train on"),
        ("nothing_to_validate_on", "returns 0 examples to validate on"),
        ("not_numbers", "loss is nan after epoch 1"),
        (
            "generator",
            "returns a generator to train on, which gives its examples once.*from_generator.*PyDataset",
        ),
        ("zipped", "returns a zip to train on, which gives its examples once"),
        ("mapped", "returns a map to train on, which gives its examples once"),
        ("itself", "returns a list_iterator, which gives its examples once"),
        ("validation_generator", "returns a generator to validate on, which gives its examples once"),
        ("endless", r"an endless \w+ to train on, of which an epoch never ends.*take.*steps_per_epoch"),
        ("endless_validation", r"an endless \w+ to validate on"),
        ("endless_py_dataset", "an endless Batches to train on"),
        ("too_large_batches", "0 batches to train on"),
        ("used_up", "data that are used up after one epoch"),
        (
            "py_dataset_once",
            r"gives batch \d to train on once, and not again in the next epoch: StopIteration \(rehearsed.py, line \d+\)$",
        ),
        (
            "py_dataset_without_files",
            r"gives batch 0 to validate on not at all: FileNotFoundError: no file 0.npy \(rehearsed.py, line \d+\)$",
        ),
        ("nan_later", r"loss is nan after epoch 1, of 2 batches: y\[17\] to train on holds nan; see that"),
        (
            "nan_in_validation",
            r"val_loss is nan after epoch 1, .*: x\[9\] to validate on holds nan; see that",
        ),
    ],
)
def test_data_that_no_trial_could_train_on_are_refused(
    defined: Callable[..., Definition], load: str, why: str
) -> None:
    with pytest.raises(UserCodeError, match=why):
        checked(defined(load=load))


@pytest.mark.parametrize(
    ("build", "why"),
    [
        ("unstable", "training cannot work with the default hyperparameters: (val_)?loss is"),
        ("unsavable", r"the model cannot be saved: Odd needs get_config\(\)"),
        ("hidden_layer", "cannot be loaded again: 'Hidden' is not found in its module"),
        (
            "stiff",
            r"again: 'Stiff' cannot be built from its config: Stiff.__init__\(\) got an.*takes \*\*kwargs",
        ),
        (
            "with_lambda_activation",
            "cannot be loaded again: the activation of doubled is a lambda.*layers.Lambda",
        ),
        ("forgetful", "predicts other values than the one in memory"),
        ("Deaf", "pass its `callbacks` on"),
    ],
)
@pytest.mark.usefixtures("quick_stranger")
def test_models_that_no_search_could_publish_are_refused(
    defined: Callable[..., Definition], build: str, why: str
) -> None:
    with pytest.raises(UserCodeError, match=why):
        checked(defined(build))


@pytest.mark.usefixtures("quick_stranger")
def test_a_model_that_is_made_for_nan_may_have_it(defined: Callable[..., Definition]) -> None:
    assert "val_loss" in checked(defined("fills", "nan_that_is_no_harm")).metrics


def test_an_objective_with_several_values_is_refused(defined: Callable[..., Definition]) -> None:
    objective = {"metric": "val_f1_score", "direction": "maximize"}
    with pytest.raises(UserCodeError, match=r"val_f1_score has 3 values an epoch.*average='macro'"):
        checked(defined("vectors", "labels", objective=objective))
    found = checked(defined("vectors", "labels"))
    assert "val_f1_score" in found.metrics


def test_an_objective_that_is_never_reported_is_refused_with_what_is(
    defined: Callable[..., Definition],
) -> None:
    with pytest.raises(
        UserCodeError,
        match=r"'val_los', which training never reports; did you mean 'val_loss'\? it reports: .*val_loss",
    ):
        checked(defined(objective={"metric": "val_los", "direction": "minimize"}))


@pytest.mark.parametrize(
    ("build", "needs"),
    [
        ("unregistered", Loading(modules=("rehearsed",), custom_objects=("Twice",))),
        (
            "of_a_module_beside",
            Loading(modules=("rehearsed", "rehearsed_layers"), custom_objects=("Thrice",)),
        ),
        ("with_lambda", Loading(safe_mode=False)),
        ("with_own_loss", Loading(compile=False)),
        ("with_lambda_loss", Loading(compile=False)),
    ],
)
@pytest.mark.usefixtures("quick_stranger")
def test_what_loading_the_model_needs_is_found_out_by_a_stranger(
    defined: Callable[..., Definition], build: str, needs: Loading
) -> None:
    definition = defined(build)
    found = checked(definition)
    assert found.facts["loading"] == needs
    assert needs.in_words() in "\n".join(in_words(definition, found, "study.toml"))


@pytest.fixture
def no_time_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studyhall.search.training.saving.LOAD_SECONDS", 0.01)


# The second is of Keras's classes alone, but predicts other values when it is loaded.
@pytest.mark.parametrize("build", ["unregistered", "patched"])
@pytest.mark.usefixtures("no_time_to_load")
def test_a_model_that_takes_too_long_to_load_is_refused_in_one_line(
    defined: Callable[..., Definition], build: str
) -> None:
    with pytest.raises(UserCodeError, match=r"loading it in a process of its own took longer than 0.01 s$"):
        checked(defined(build), thorough=True)


@pytest.mark.usefixtures("no_time_to_load")
def test_a_model_of_keras_classes_alone_is_loaded_without_a_process_of_its_own(
    defined: Callable[..., Definition],
) -> None:
    assert checked(defined(), thorough=True).facts["loading"] is None


@pytest.mark.usefixtures("quick_stranger")
def test_a_thorough_check_says_which_rules_act_and_what_else_was_found(
    defined: Callable[..., Definition],
) -> None:
    definition = defined("nested")
    lines = "\n".join(in_words(definition, checked(definition, thorough=True), "study.toml"))
    assert "an epoch         5 batches of 4" in lines
    assert "early stopping applies" in lines
    assert "learning-rate reduction applies" in lines
    assert "cosine annealing applies" in lines
    assert "a random configuration cannot be built: kind=b: KeyError: 'the other branch'" in lines
    assert "loading it" not in lines


@pytest.mark.usefixtures("quick_stranger")
def test_a_check_says_which_rules_give_way_to_the_models_own(defined: Callable[..., Definition]) -> None:
    definition = defined("Scheduled")
    lines = "\n".join(in_words(definition, checked(definition), "study.toml"))
    assert (
        "learning-rate reduction does not apply: the optimizer has a learning-rate schedule of its own"
        in lines
    )


@pytest.mark.usefixtures("quick_stranger")
def test_a_check_says_the_batches_that_fit_really_takes(defined: Callable[..., Definition]) -> None:
    definition = defined("OwnBatches")
    lines = "\n".join(in_words(definition, checked(definition), "study.toml"))
    assert "an epoch         3 batches of 8" in lines


@pytest.mark.parametrize("load", ["endless", "py_dataset"])
@pytest.mark.usefixtures("quick_stranger")
def test_a_fit_that_says_how_long_an_epoch_is_may_have_data_without_an_end(
    defined: Callable[..., Definition], load: str
) -> None:
    assert "val_loss" in checked(defined("Steps", load)).metrics


@pytest.mark.parametrize("endless", [True, False])
@pytest.mark.usefixtures("quick_stranger")
def test_a_thorough_check_remarks_on_a_generator_whose_end_is_not_seen(
    defined: Callable[..., Definition], monkeypatch: pytest.MonkeyPatch, endless: bool
) -> None:
    monkeypatch.setattr("studyhall.search.training.rehearsal.END_SECONDS", 0.5)
    definition = defined(data={"source": "rehearsed.py:streams", "arguments": {"endless": endless}})
    lines = "\n".join(in_words(definition, checked(definition, thorough=True), "study.toml"))
    assert ("batches to train on came in 0.5 s, and no end" in lines) == endless
    assert ("steps_per_epoch" in lines) == endless


def test_a_loader_that_never_returns_is_named_when_the_time_is_over(
    defined: Callable[..., Definition], monkeypatch: pytest.MonkeyPatch
) -> None:
    with TrainerProcess() as trainer:
        check(defined(), trainer)  # the process is up
        begun = time.monotonic()
        with pytest.raises(
            UserCodeError, match=r"longer than 1 s: calling rehearsed.py:hanging has not ended"
        ):
            check(defined(load="hanging"), trainer, limit=1.0)
        assert time.monotonic() - begun < 30
    monkeypatch.setenv("STUDYHALL_CHECK_SECONDS", "soon")
    with pytest.raises(UserCodeError, match="give a number of seconds"):
        limit_seconds()
