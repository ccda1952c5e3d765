"""A user's own data: what may be returned, what is made of it, and what is refused with which words."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from studyhall.search.user.data import arrays_fingerprint, load_user_data
from studyhall.search.user.examples import (
    arguments_for,
    described,
    first_batches,
    known_batch_size,
    one_example,
    steps_of,
)
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError, UserCodeError
from studyhall.studies.study_file.loading import define

Define = Callable[..., Definition]


@pytest.fixture(autouse=True)
def _restored_imports() -> Iterator[None]:
    path, modules = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        if name.startswith("my_data"):
            del sys.modules[name]


ARRAYS = """
import numpy as np
def load(count=10, scale=1.0):
    x = scale * np.arange(2 * count, dtype="float32").reshape(count, 2)
    return (x, x.sum(axis=1)), (x[:3], x[:3].sum(axis=1))
"""


@pytest.fixture
def with_data(tmp_path: Path) -> Define:
    """Return a function that makes a definition whose data come from the given code."""

    def make(code: str, *, metric: str = "val_loss", arguments: dict[str, Any] | None = None) -> Definition:
        folder = tmp_path / f"project{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "my_data.py").write_text(code)
        return define(
            {
                "name": "own",
                "hypermodel": BUILT_IN_HYPERMODEL,
                "objective": {"metric": metric, "direction": "minimize"},
                "data": {"source": "my_data.py:load", "arguments": arguments or {}},
            },
            folder,
        )

    return make


def test_arrays_become_arguments_of_fit_with_the_studys_batch_size(with_data: Define) -> None:
    examples = load_user_data(with_data(ARRAYS), 4)(None)
    assert examples.train.shape == (10, 2)
    assert examples.fit_arguments["y"].shape == (10,)
    assert examples.fit_arguments["batch_size"] == 4
    assert examples.steps_per_epoch == 3
    assert examples.validation[0].shape == (3, 2)


def test_arguments_of_the_definition_reach_the_function(with_data: Define) -> None:
    examples = load_user_data(with_data(ARRAYS, arguments={"count": 6, "scale": 2.0}), 4)(None)
    assert examples.train.shape == (6, 2)
    assert examples.train[0, 1] == 2.0


def test_arguments_that_the_function_does_not_take_are_refused_with_the_one_that_was_meant(
    with_data: Define,
) -> None:
    with pytest.raises(UserCodeError, match=r"it has no argument 'cuont'; did you mean 'count'"):
        load_user_data(with_data(ARRAYS, arguments={"cuont": 6}), 4)


def test_the_fingerprint_of_arrays_is_that_of_their_values(with_data: Define) -> None:
    one, same, other = (
        load_user_data(with_data(ARRAYS + comment, arguments={"scale": scale}), 4)(None).fingerprint
        for comment, scale in (("", 1.0), ("# more\n", 1.0), ("", 3.0))
    )
    assert re.fullmatch("sha256:[0-9a-f]{64}", one)
    assert one == same != other


def test_the_fingerprint_tells_types_and_shapes_apart() -> None:
    zeros = np.zeros(4, "float32")
    prints = [arrays_fingerprint(each) for each in (zeros, zeros.reshape(2, 2), zeros.view("int32"))]
    assert len(set(prints)) == 3
    assert arrays_fingerprint(np.array(["a", None], object)) is None


def test_data_in_batches_are_known_by_the_code_that_makes_them(with_data: Define) -> None:
    code = ARRAYS + (
        "import tensorflow as tf\narrays = load\ndef load(count=10):\n"
        "    train, validation = arrays(count)\n"
        "    return [tf.data.Dataset.from_tensor_slices(each).batch(4) for each in (train, validation)]\n"
    )
    first = load_user_data(with_data(code), 64)(None)
    assert first.steps_per_epoch == 3
    assert first.fit_arguments == {}  # its batches are its own
    assert described(first.train) == "float32 (?, 2), float32 (?,) in batches"
    assert load_user_data(with_data(code + "# edited\n"), 64)(None).fingerprint != first.fingerprint


class Squares(keras.utils.PyDataset):  # type: ignore[misc]
    """Five batches of four."""

    batch_size = 4

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        x = np.full((4, 1), index, "float32")
        return x, x**2


def test_a_py_dataset_says_its_own_size(with_data: Define) -> None:
    code = (
        "import keras, numpy as np\nclass D(keras.utils.PyDataset):\n    batch_size = 4\n"
        "    def __len__(self): return 5\n"
        "    def __getitem__(self, i): return np.zeros((4, 3)), np.zeros(4)\n"
        "def load(): return D(), D()\n"
    )
    examples = load_user_data(with_data(code), 64)(None)
    assert (examples.steps_per_epoch, examples.batch_size) == (5, 4)
    assert described(examples.train) == "float64 (4, 3), float64 (4,) in batches"


TAKES_HP = """
import numpy as np
def load(hp, count=4):
    x = np.full((count, 1), hp.Float("scale", 1.0, 2.0))
    return (x, x), (x, x)
"""

RETURNS_A_FUNCTION = """
import numpy as np
def load(count=4):
    def make(hp):
        x = np.full((count, 1), hp.Float("scale", 1.0, 2.0))
        return (x, x), (x, x)
    return make
"""


@pytest.mark.parametrize("code", [TAKES_HP, RETURNS_A_FUNCTION])
def test_data_may_depend_on_hyperparameters(with_data: Define, code: str) -> None:
    examples_for = load_user_data(with_data(code, arguments={"count": 7}), 4)
    low, high = keras_tuner.HyperParameters(), keras_tuner.HyperParameters()
    high.values["scale"] = 2.0
    assert examples_for(low).train[0, 0] == 1.0
    assert examples_for(high).train.shape == (7, 1)
    assert examples_for(high).train[0, 0] == 2.0
    assert examples_for(low).fingerprint == examples_for(high).fingerprint  # of the code: the search is one


def test_models_with_several_inputs_get_lists_and_dictionaries(with_data: Define) -> None:
    code = (
        "import numpy as np\ndef load():\n    part = ({'a': np.zeros((8, 2)), 'b': np.ones((8, 3))}, [np.zeros(8), np.ones(8)])\n"
        "    return part, part\n"
    )
    examples = load_user_data(with_data(code), 3)(None)
    assert set(examples.train) == {"a", "b"}
    assert len(examples.fit_arguments["y"]) == 2
    assert examples.steps_per_epoch == 3
    assert {name: tuple(each.shape) for name, each in one_example(examples).items()} == {
        "a": (1, 2),
        "b": (1, 3),
    }


def test_an_object_with_the_attributes_of_training_data_will_do(with_data: Define) -> None:
    code = (
        "from types import SimpleNamespace\nimport numpy as np\ndef load():\n    x = np.zeros((5, 1))\n"
        "    return SimpleNamespace(train=(x, x), validation=(x, x), fingerprint='sha256:mine')\n"
    )
    assert load_user_data(with_data(code), 4)(None).fingerprint == "sha256:mine"


def test_missing_validation_is_refused_where_the_objective_is_computed_on_it(with_data: Define) -> None:
    code = "import numpy as np\ndef load(): return (np.zeros((4, 1)), np.zeros(4)), None\n"
    with pytest.raises(
        UserCodeError, match=r"no validation data.*'val_loss'.*set objective.metric to 'loss'"
    ):
        load_user_data(with_data(code), 4)
    assert load_user_data(with_data(code, metric="loss"), 4)(None).validation is None


@pytest.mark.parametrize(
    ("returned", "wanted"),
    [
        ("None", "returns None: let it return .train, validation."),
        ("np.zeros(3), np.zeros(3)", "returns two arrays, which may be x and y"),
        ("(np.zeros(3), np.zeros(4)), (np.zeros(3), np.zeros(3))", "arrays of 3 and 4 examples"),
        ("(np.zeros(3), 'y'), (np.zeros(3), np.zeros(3))", r"returns \(ndarray, str\) to train on"),
        ("1, 2, 3", "returns tuple: let it return"),
        ("'train', 'validation'", "returns str to train on"),
    ],
)
def test_what_fit_could_not_take_is_refused(with_data: Define, returned: str, wanted: str) -> None:
    definition = with_data(f"import numpy as np\ndef load(): return {returned}\n")
    with pytest.raises(UserCodeError, match=wanted):
        load_user_data(definition, 4)


def test_an_error_of_the_users_function_names_its_line(with_data: Define) -> None:
    with pytest.raises(
        UserCodeError, match=r"'my_data.py:load' fails: ValueError: no files \(my_data.py, line 2\)"
    ):
        load_user_data(with_data("def load():\n    raise ValueError('no files')\n"), 4)


def test_epoch_sizes_of_the_built_in_mixtures_are_refused_for_ones_own_data(tmp_path: Path) -> None:
    (tmp_path / "my_data.py").write_text("")
    with pytest.raises(
        DefinitionError, match=r"retraining.samples_per_epoch does not apply to 'my_data.py:load'"
    ):
        define(
            {
                "name": "own",
                "hypermodel": BUILT_IN_HYPERMODEL,
                "data": "my_data.py:load",
                "retraining": {"samples_per_epoch": 10},
            },
            tmp_path,
        )


def test_the_first_batches_are_the_beginning_of_everything(with_data: Define) -> None:
    whole = load_user_data(with_data(ARRAYS), 4)(None)
    beginning = first_batches(whole, 2)
    assert beginning.train.shape == (8, 2)
    assert beginning.fit_arguments["y"].shape == (8,)
    assert beginning.validation[1].shape == (3,)
    squares = first_batches(type(whole)(Squares(), None, "sha256:0"), 2)
    assert steps_of(squares.train) == 2


def test_a_hypermodel_that_chooses_its_batch_size_is_not_told_another(with_data: Define) -> None:
    class Chooses(keras_tuner.HyperModel):  # type: ignore[misc]
        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)

    class Listens(keras_tuner.HyperModel):  # type: ignore[misc]
        def fit(self, hp: Any, model: Any, x: Any, y: Any, batch_size: int, **kwargs: Any) -> Any:
            return model.fit(x, y, batch_size=batch_size, **kwargs)

    examples = load_user_data(with_data(ARRAYS), 4)(None)
    assert set(arguments_for(Chooses(), examples)) == {"y"}
    assert known_batch_size(Chooses(), examples) is None
    assert arguments_for(Listens(), examples)["batch_size"] == 4
    assert arguments_for(keras_tuner.HyperModel(), examples)["batch_size"] == 4
