"""Every bad project gets one line: the phase, what was expected and what came, and its author's own line."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studyhall.search.core.outcome import Failed
from studyhall.search.training.check import DefaultsHandle, run_check
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import load_workload
from studyhall.studies.definition import Definition
from studyhall.studies.errors import UserCodeError
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.study_file.loading import define

pytestmark = [
    pytest.mark.filterwarnings("ignore:Your input ran out of data"),
    pytest.mark.filterwarnings("ignore:The structure of `inputs`"),
]

# A line that is to blame ends in "# here".
PROJECT = """
import sys

import keras
import keras_tuner
import numpy as np
from keras import layers

X = np.linspace(-1, 1, 800).reshape(200, 4).astype("float32")
Y = X[:, :1] * 2
LABELS = np.arange(200) % 3


def net(inputs=4, outputs=1, activation=None, **compile):
    model = keras.Sequential([layers.Input((inputs,)), layers.Dense(4)])
    model.add(layers.Dense(outputs, activation=activation))
    return compiled(model, **compile)


def compiled(model, **given):
    model.compile(**({"optimizer": "sgd", "loss": "mse", "run_eagerly": True} | given))  # here
    return model


def good(hp):
    return net()


def load():
    return (X, Y), (X[:40], Y[:40])


# Build.


def raises(hp):
    raise ValueError("no such block: 'resnett'")  # here


def exits(hp):
    sys.exit("set DATA_DIR first")  # here


def nothing(hp):
    net()


def too_deep(hp):
    inputs = layers.Input((8, 8, 3))
    return keras.Model(inputs, layers.LSTM(4)(inputs))  # here


def reshaped(hp):
    return keras.Sequential([layers.Input((4,)), layers.Reshape((3, 3))])  # here


def argument(hp):
    return keras.Sequential([layers.Dense(4, unit=3)])  # here


def activation(hp):
    return keras.Sequential([layers.Dense(4, activation="reluu")])  # here


def none(hp):
    return net(hp.Choice("width", [None, 4, 8]))  # here


def tuples(hp):
    return net(hp.Choice("kernel", [(3, 3), (5, 5)]))  # here


def mixed_numbers(hp):
    return net(hp.Choice("units", [1, 2.5]))  # here


def functions(hp):
    return net(activation=hp.Choice("by", [keras.activations.relu, keras.activations.tanh]))  # here


class Odd(layers.Layer):
    def call(self, x):
        return x[:, 9]  # here


def own_layer(hp):
    return compiled(keras.Sequential([layers.Input((4,)), Odd()]))


# Compile.


def optimizer(hp):
    return net(optimizer="addam")


def loss(hp):
    return net(loss="msee")


def metric(hp):
    return net(metrics=["acuracy"])


def keyword(hp):
    return net(metric=["mae"])


def uncompiled(hp):
    return keras.Sequential([layers.Input((4,)), layers.Dense(1)])


def no_loss(hp):
    return net(loss=None)


def loss_class(hp):
    return net(loss=keras.losses.MeanSquaredError)


# Fit.


def five(hp):
    return net(inputs=5)


def images(hp):
    return compiled(keras.Sequential([layers.Input((28, 28)), layers.Flatten(), layers.Dense(1)]))


def lstm(hp):
    return compiled(keras.Sequential([layers.LSTM(3), layers.Dense(1)]))


class Inner(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(4)
        self.inner.build((None, 5))

    def call(self, x):
        return self.inner(x)  # here


def subclassed(hp):
    return compiled(Inner())


def inside(hp):
    inputs = layers.Input((4,))
    return keras.Model(inputs, layers.Dense(1)(layers.Reshape((2, 2))(layers.LSTM(2)(inputs))))  # here


def binary(hp):
    return net(outputs=3, activation="sigmoid", loss="binary_crossentropy")


def categorical(hp):
    return net(outputs=3, activation="softmax", loss="categorical_crossentropy")


def sparse(hp):
    return net(outputs=2, activation="softmax", loss="sparse_categorical_crossentropy")


def two_inputs(hp):
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    return compiled(keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b]))))


def own_loss(hp):
    def loss(y, p):
        raise KeyError("weights")  # here

    return net(loss=loss)


class AtTraining(layers.Layer):
    def call(self, x, training=False):
        if training:
            raise RuntimeError("the mask is empty")  # here
        return x


def at_training(hp):
    return compiled(keras.Sequential([layers.Input((4,)), AtTraining(), layers.Dense(1)]))


class FitRaises(keras_tuner.HyperModel):
    def build(self, hp):
        return net()

    def fit(self, hp, model, *args, **kwargs):
        raise LookupError("no folds")  # here


class FitTwice(FitRaises):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, callbacks=[keras.callbacks.TerminateOnNaN()], **kwargs)  # here


class FitTakesLittle(FitRaises):
    def fit(self, hp, model, x, y):
        return model.fit(x, y)


class FitMistyped(FitRaises):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, epoch=3, **kwargs)  # here


class FitReturnsText(FitRaises):
    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return "fine"


class FitHasItsOwn(FitRaises):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, epochs=3, verbose=0, shuffle=False, **kwargs).history


# Data.


def missing():
    return np.load("nowhere.npy")  # here


def exiting():
    sys.exit(3)  # here


def strings():
    x = np.array([["a text"] * 4] * 200)
    return (x, Y), (x[:40], Y[:40])


def string_labels():
    return (X, Y), (X[:40], np.array(["cat", "dog"] * 20))


def objects():
    x = np.array([[1, "a", None, 2.0]] * 200, dtype=object)
    return (x, Y), (x[:40], Y[:40])


def dates():
    x = np.array([["2020-01-01"] * 4] * 200, dtype="datetime64[D]")
    return (x, Y), (x[:40], Y[:40])


def labels():
    return (X, LABELS), (X[:40], LABELS[:40])


def one_hot():
    y = np.eye(3, dtype="float32")[LABELS]
    return (X, y), (X[:40], y[:40])


def narrow_validation():
    return (X, Y), (X[:40, :3], Y[:40])


def few_targets():
    return (X, Y), (X[:40], Y[:30])


def many_images():
    x = np.zeros((200, 1, 28, 28), "uint8")
    return (x, Y), (x[:40], Y[:40])


def alone():
    return (X,), (X[:40],)


def dataset(make):
    import tensorflow as tf

    return make(tf.data.Dataset), (X, Y)


def unbatched():
    return dataset(lambda kind: kind.from_tensor_slices((X, Y)))


def no_targets():
    return dataset(lambda kind: kind.from_tensor_slices(X).batch(8))


def generated():
    import tensorflow as tf

    def batches():
        yield X[:8], Y[:8]
        raise OSError("the disk is gone")  # here

    spec = tf.TensorSpec((None, 4)), tf.TensorSpec((None, 1))
    return dataset(lambda kind: kind.from_generator(batches, output_signature=spec))


class Files(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        raise FileNotFoundError("image-0007.png")  # here


def files():
    return Files(), (X, Y)
"""

HERE = "@"  # stands for the place of a line that ends in "# here"
FIT = "training fails on two batches: "
TWICE = "fit() gives model.fit() callbacks of its own and, in **kwargs, those that it was given: join them, as in "
NUMBERS = "and fit takes numbers: turn them into numbers first"
ENCODED = f"{NUMBERS}, as keras.layers.StringLookup and TextVectorization do, or return a tf.data.Dataset"
TYPES = "and a Choice takes strings, numbers or booleans, all of one type: write "
NAMES = ", and look up in build what each name stands for"


def built(name: str) -> str:
    return f"bad.py:{name} fails with its default hyperparameters: "


def compiled(name: str) -> str:
    return f"model.compile() fails in bad.py:{name}: "


LINES = {
    # Build.
    "raises": built("raises") + "ValueError: no such block: 'resnett' @",
    "exits": "bad.py:exits ends its process with its default hyperparameters: sys.exit('set DATA_DIR first') @",
    "nothing": "bad.py:nothing must return a keras.Model from build(hp), not NoneType",
    "too_deep": built("too_deep")
    + "layer 'lstm' expects 3 dimensions, the batch's included, and gets (?, 8, 8, 3) @",
    "inside": built("inside") + "layer 'lstm' expects 3 dimensions, the batch's included, and gets (?, 4) @",
    "reshaped": built("reshaped")
    + "ValueError: The total size of the tensor must be unchanged. Received: input_shape=(4,), target_shape=(3, 3) @",
    "argument": built("argument") + "Dense has no argument 'unit' (did you mean 'units'?) @",
    "activation": built("activation") + "Keras knows no activation 'reluu' (did you mean 'relu'?) @",
    "none": "the hyperparameter 'width' has the choices None, 4, 8, "
    f"{TYPES}hp.Choice('width', ['none', '4', '8']){NAMES} @",
    "tuples": "the hyperparameter 'kernel' has the choices (3, 3), (5, 5), "
    f"{TYPES}hp.Choice('kernel', ['(3, 3)', '(5, 5)']){NAMES} @",
    "mixed_numbers": f"the hyperparameter 'units' has the choices 1, 2.5, {TYPES}hp.Choice('units', [1.0, 2.5]) @",
    "functions": "the hyperparameter 'by' has the choices relu, tanh, "
    f"{TYPES}hp.Choice('by', ['relu', 'tanh']){NAMES} @",
    "own_layer": built("own_layer")
    + "ValueError: slice index 9 of dimension 1 out of bounds: [?,4], [2], [2], [2] @",
    # Compile.
    "optimizer": compiled("optimizer") + "Keras knows no optimizer 'addam' (did you mean 'adam'?) @",
    "loss": compiled("loss") + "Keras knows no loss 'msee' (did you mean 'mse'?)",
    "metric": compiled("metric") + "Keras knows no metric 'acuracy' (did you mean 'accuracy'?)",
    "keyword": compiled("keyword") + "compile() has no argument 'metric' (did you mean 'metrics'?) @",
    "uncompiled": FIT + "the model is not compiled: call model.compile() in build(hp)",
    "no_loss": FIT + "the model is compiled without a loss: give model.compile() one",
    "loss_class": "bad.py:loss_class: the model cannot be saved: MeanSquaredError is a class where an object is needed: "
    "write MeanSquaredError()",
    # Fit.
    "five": FIT + "layer 'dense' expects 5 features, bad.py:load gives float32 (200, 4)",
    "images": FIT + "the model expects (?, 28, 28), bad.py:load gives float32 (200, 4)",
    "images many_images": FIT
    + "the model expects (?, 28, 28), bad.py:many_images gives uint8 (200, 1, 28, 28)",
    "lstm": FIT
    + "layer 'lstm' expects 3 dimensions, the batch's included, bad.py:load gives float32 (200, 4)",
    "subclassed": FIT + "layer 'dense' expects 5 features, bad.py:load gives float32 (200, 4) @",
    "two_inputs": FIT
    + "the model expects 2 inputs, a, b, bad.py:load gives float32 (200, 4): return them as a dictionary with these names",
    "binary": FIT
    + "the model's output is (?, 3), bad.py:load gives targets float32 (200, 1): give the last layer 1 unit, or targets of 3 "
    "values",
    "categorical labels": FIT
    + "the model's output is (?, 3), bad.py:labels gives targets int64 (200,): for numbers of classes take "
    "loss='sparse_categorical_crossentropy'",
    "sparse one_hot": FIT
    + "the model's output is (?, 2), bad.py:one_hot gives targets float32 (200, 3), and the loss takes numbers of classes: for "
    "one-hot targets take loss='categorical_crossentropy'",
    "sparse labels": FIT
    + "the targets of bad.py:labels hold the class 2, and the model's output has 2 classes, 0 to 1: give the last layer a unit "
    "for each class",
    "own_loss": FIT + "KeyError: 'weights' @",
    "at_training": FIT + "RuntimeError: the mask is empty @",
    "FitRaises": FIT + "LookupError: no folds @",
    "FitTwice": FIT + TWICE + "callbacks=[*kwargs.pop('callbacks'), mine] @",
    "FitTakesLittle": FIT
    + "FitTakesLittle.fit() takes no 'validation_data': let it take **kwargs, and pass them on to model.fit()",
    "FitMistyped": FIT + "fit() has no argument 'epoch' (did you mean 'epochs'?) @",
    "FitReturnsText": "bad.py:FitReturnsText: Expected the return value of FitReturnsText.fit() to be one of a History, a dictionary "
    "or a number; it returned a str.",
    # Data.
    "good missing": "'bad.py:missing' fails: FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.npy' @",
    "good exiting": "'bad.py:exiting' fails: sys.exit(3) @",
    "good strings": f"{FIT}bad.py:strings gives strings as x, <U6 (200, 4), {ENCODED}",
    "good string_labels": f"{FIT}bad.py:string_labels gives strings as y to validate on, <U3 (40,), {ENCODED}",
    "good objects": f"{FIT}bad.py:objects gives Python objects as x, object (200, 4), and fit takes numbers: make it an array of "
    "one type of numbers, as np.asarray(values, 'float32') does",
    "good dates": f"{FIT}bad.py:dates gives dates as x, datetime64[D] (200, 4), {NUMBERS}",
    "good narrow_validation": FIT
    + "layer 'dense' expects 4 features, bad.py:narrow_validation gives float32 (40, 3) to validate on",
    "good few_targets": "'bad.py:few_targets' returns arrays of 30 and 40 examples to validate on: their numbers must be the same",
    "good alone": FIT + "the loss has no targets, bad.py:alone gives float32 (200, 4) alone: return (x, y)",
    "good unbatched": FIT
    + "the model expects (?, 4), bad.py:unbatched gives float32 (4,) in batches, which are single examples: add .batch(n)",
    "good no_targets": FIT
    + "the loss has no targets, bad.py:no_targets gives float32 (?, 4) in batches alone: return (x, y)",
    "good generated": "bad.py:generated fails: OSError: the disk is gone @",
    "good files": "'bad.py:files' gives batch 0 to train on not at all: FileNotFoundError: image-0007.png @",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad.py").write_text(PROJECT)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


def study(folder: Path, case: str) -> Definition:
    build, _, data = case.partition(" ")
    return define(
        {
            "name": "bad",
            "hypermodel": f"bad.py:{build}",
            "data": f"bad.py:{data or 'load'}",
            "training": {"epochs": 1, "batch_size": 16},
        },
        folder,
    )


def with_marks(line: str) -> str:
    """Return a line with a mark where it names the line that is to blame."""

    def mark(found: re.Match[str]) -> str:
        blamed = PROJECT.splitlines()[int(found[1]) - 1]
        return HERE if blamed.endswith("# here") else f"({blamed})"

    return re.sub(r"\(bad\.py, line (\d+)\)", mark, line)


@pytest.mark.parametrize(("case", "wanted"), LINES.items(), ids=LINES.keys())
def test_a_check_blames_what_is_to_blame_in_one_line(folder: Path, case: str, wanted: str) -> None:
    definition = study(folder, case)
    with pytest.raises(UserCodeError) as caught:
        run_check(definition, load_workload(definition))
    assert with_marks(f"{caught.value}") == wanted
    if HERE in wanted or wanted.startswith(FIT):
        assert caught.value.details.startswith("Traceback (most recent call last):")


@pytest.mark.parametrize(
    ("case", "kind", "wanted"),
    [
        ("raises", FailureKind.ERROR, "bad.py:raises fails: ValueError: no such block: 'resnett' @"),
        ("exits", FailureKind.CRASHED, "bad.py:exits ends its process: sys.exit('set DATA_DIR first') @"),
        (
            "five",
            FailureKind.ERROR,
            "training fails: layer 'dense' expects 5 features, bad.py:load gives float32 (200, 4)",
        ),
    ],
)
def test_a_trial_fails_with_the_same_line_and_keeps_the_whole_traceback(
    folder: Path, tmp_path: Path, case: str, kind: FailureKind, wanted: str
) -> None:
    definition = study(folder, case)
    outcome = run_trial(DefaultsHandle(7), definition, load_workload(definition), tmp_path)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, with_marks(outcome.reason)) == (kind, wanted)
    assert outcome.details.startswith("Traceback (most recent call last):")


def test_what_a_fit_gives_model_fit_itself_is_its_own(folder: Path) -> None:
    definition = study(folder, "FitHasItsOwn")
    checked = run_check(definition, load_workload(definition))
    assert "val_loss" in checked.metrics
