"""Importing what a study names: the user's own files, and errors that say where in them the fault is."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras_tuner
import pytest

from studyhall.search.user.code import load_hypermodel, load_object
from studyhall.search.user.errors import user_location, whole_traceback
from studyhall.studies.errors import UserCodeError

HYPERMODEL = """
import keras_tuner

class Small(keras_tuner.HyperModel):
    def __init__(self, units=8, *, deep=False):
        super().__init__()
        if units < 1:
            raise ValueError("units must be positive")
        self.units = units

    def build(self, hp):
        return hp.Fixed("units", self.units)

class Wide:
    pass

ready = Small(units=64)

def build(hp, units=4):
    return hp.Fixed("units", units)

figure = 3
"""


@pytest.fixture(autouse=True)
def _restored_imports() -> Iterator[None]:
    path, modules = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "a study's 'föld er'"
    home.mkdir()
    return home


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(reference: str, folder: Path) -> UserCodeError:
    with pytest.raises(UserCodeError) as caught:
        load_object(reference, folder)
    assert "\n" not in str(caught.value)
    return caught.value


# What can be named.


def test_a_module_is_found_from_the_study_files_folder_and_above_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project / "networks" / "net.py", "from .blocks import N\nfrom loading.load import D\n")
    write(project / "networks" / "blocks.py", "N = 3")
    write(project / "loading" / "load.py", "D = 4")
    write(project / "search" / "networks" / "other.py", "")  # hides nothing
    assert load_object("networks.net:N", project / "search") == 3
    write(project / "search" / "bad.py", "")
    write(project / "networks" / "bad.py", "import nothing_of_that_name")
    assert str(refusal("networks.bad:N", project / "search")).endswith("(networks/bad.py, line 1)")


def test_a_module_is_found_from_the_folder_of_the_command(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "here" / "nets" / "net.py", "N = 5")
    monkeypatch.chdir(tmp_path / "here")
    assert load_object("nets.net:N", folder) == 5


@pytest.mark.parametrize(("named", "meant"), [("pkg/model.py", "pkg.model"), ("model.py", "home.model")])
@pytest.mark.parametrize("marked", [True, False])
def test_a_relative_import_of_a_file_is_refused_with_the_name_of_its_module(
    named: str, meant: str, marked: bool, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    path = write(home / named, "from .blocks import N\n")
    write(path.parent / "blocks.py", "N = 3")
    if marked:
        write(path.parent / "__init__.py", "")
    assert str(refusal(f"{named}:N", home)).endswith(f"name the module, '{meant}:N'")
    assert load_object(f"{meant}:N", home) == 3


def test_a_file_is_found_beside_the_study_with_its_neighbours(folder: Path) -> None:
    write(
        folder / "my_model.py",
        "import models\nfrom data.loading import N\n\ndef f():\n    import later\n    return later.L\n",
    )
    write(folder / "models.py", "M = 1")
    write(folder / "data" / "__init__.py", "")
    write(folder / "data" / "loading.py", "N = 2")
    write(folder / "later.py", "L = 3")
    function = load_object("my_model.py:f", folder)
    module = sys.modules[function.__module__]
    assert (module.models.M, module.N, function()) == (1, 2, 3)
    assert sys.path[0] == str(folder)
    import studyhall.data
    import studyhall.models

    assert module.models is not studyhall.models
    assert sys.modules["data"] is not studyhall.data
    assert load_object("my_model.py:f", folder) is function


def test_a_file_in_a_folder_of_its_own_sees_its_neighbours_and_the_studys(folder: Path) -> None:
    write(folder / "nets" / "net-2.py", "import beside, above\nV = beside.B + above.A")
    write(folder / "nets" / "beside.py", "B = 1")
    write(folder / "above.py", "A = 2")
    assert load_object("nets/net-2.py:V", folder) == 3
    study = folder / "study"
    study.mkdir()
    assert load_object("../nets/net-2.py:V", study) == 3
    assert load_object(f"{folder / 'nets' / 'net-2.py'}:V", study) == 3


def test_a_module_is_found_in_the_studys_folder_or_the_environment(folder: Path) -> None:
    write(folder / "nets" / "__init__.py", "")
    write(folder / "nets" / "small.py", "from . import sizes\nV = sizes.S")
    write(folder / "nets" / "sizes.py", "S = 5")
    assert load_object("nets.small:V", folder) == 5
    assert load_object("pathlib:Path", folder) is Path


def test_a_module_of_ours_leaves_the_import_path_alone(folder: Path) -> None:
    before = list(sys.path)
    assert load_object("studyhall.search.user.code:load_object", folder) is load_object
    assert sys.path == before


def test_two_studies_with_files_of_the_same_names_do_not_mix(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name / "my_model.py", "import models\nfrom pack import V\nW = models.V + V")
        write(tmp_path / name / "models.py", f"V = '{name}'")
        write(tmp_path / name / "pack" / "__init__.py", f"V = ' {name}'")
    assert load_object("my_model.py:W", tmp_path / "one") == "one one"
    assert load_object("my_model.py:W", tmp_path / "two") == "two two"
    assert load_object("models:V", tmp_path / "one") == "one"


def test_a_file_with_a_library_modules_name_does_not_replace_it(folder: Path) -> None:
    write(folder / "json.py", "V = 4")
    import json

    assert load_object("json.py:V", folder) == 4
    assert load_object("json.py:V", folder) == 4
    assert sys.modules["json"] is json


def test_loading_does_not_import_keras(folder: Path, repository: Path) -> None:
    write(folder / "plain.py", "V = 1")
    code = (
        "import sys; from pathlib import Path; from studyhall.search.user.code import load_object; "
        "load_object('plain.py:V', Path(sys.argv[1])); "
        "assert not {'keras', 'tensorflow', 'keras_tuner'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, cwd=repository, timeout=60)


# What is wrong with it.


@pytest.mark.parametrize("reference", ["my_model.py", ":build", "my_model.py:", "my_model.py:build(hp)", ""])
def test_a_reference_that_names_nothing_is_refused(folder: Path, reference: str) -> None:
    assert "write 'file.py:name'" in str(refusal(reference, folder))


def test_a_missing_file_is_named_with_its_path(folder: Path) -> None:
    error = refusal("my_model.py:build", folder)
    assert str(error) == f"cannot import 'my_model.py:build': there is no file {folder / 'my_model.py'}"


def test_a_missing_module_is_named(folder: Path) -> None:
    error = refusal("no_such_package.models:build", folder)
    assert "there is no module 'no_such_package' in " in str(error)
    assert str(folder) in str(error)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("def build(hp): pass", "; did you mean 'build'?"),
        ("def first(): pass\nclass Second: pass\nfrom json import loads", "; there is first, Second"),
        ("", ""),
    ],
)
def test_a_missing_name_comes_with_the_nearest(folder: Path, text: str, hint: str) -> None:
    write(folder / "my_model.py", text)
    error = refusal("my_model.py:biuld", folder)
    assert str(error) == f"cannot import 'my_model.py:biuld': my_model.py has no 'biuld'{hint}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import json\n\nimport foo", "ModuleNotFoundError: No module named 'foo' (my_model.py, line 3)"),
        ("def build(hp:\n  pass", "SyntaxError: '(' was never closed (my_model.py, line 1)"),
        ("import helper", "ZeroDivisionError: division by zero (helper.py, line 2)"),
        (
            "import json\njson.loads('{')",
            "JSONDecodeError: Expecting property name enclosed in double quotes",
        ),
        (
            "import json\njson.nothing",
            "AttributeError: module 'json' has no attribute 'nothing' (my_model.py, line 2)",
        ),
        ("raise ValueError('two\\nlines')", "ValueError: two lines (my_model.py, line 1)"),
        ("raise ValueError", "ValueError (my_model.py, line 1)"),
        ("import sys\nsys.exit(3)", "sys.exit(3) (my_model.py, line 2)"),
    ],
)
def test_a_failing_import_tells_the_real_cause_and_its_place(folder: Path, text: str, cause: str) -> None:
    write(folder / "my_model.py", text)
    write(folder / "helper.py", "# divides\n1 / 0")
    error = refusal("my_model.py:build", folder)
    assert str(error).startswith(f"cannot import 'my_model.py:build': {cause}")
    assert 'my_model.py", line' in error.details
    assert "my_model" not in sys.modules


def test_a_corrected_file_can_be_imported_again(folder: Path) -> None:
    write(folder / "my_model.py", "import foo")
    refusal("my_model.py:build", folder)
    write(folder / "my_model.py", "build = 'the corrected one'")
    assert load_object("my_model.py:build", folder) == "the corrected one"


def test_the_error_survives_the_way_between_processes(folder: Path) -> None:
    write(folder / "my_model.py", "import foo")
    error = refusal("my_model.py:build", folder)
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.details) == (str(error), error.details)


def test_the_place_of_an_error_is_the_last_line_of_the_users_own(folder: Path) -> None:
    write(folder / ".venv" / "lib" / "site-packages" / "library.py", "def call(f):\n    f()")
    write(
        folder / "my_model.py",
        """
import sys
sys.path.append(__file__.replace("my_model.py", ".venv/lib/site-packages"))
import json, library

def parse():
    json.loads("{")

def build():
    library.call(parse)
""",
    )
    build = load_object("my_model.py:build", folder)
    with pytest.raises(ValueError, match="property name") as caught:
        build()
    assert user_location(caught.value, folder) == "my_model.py, line 7"
    whole = whole_traceback(caught.value)
    assert all(each in whole for each in ("site-packages/library.py", "decoder.py", __file__))
    assert user_location(ValueError("nobody's"), folder) == ""


def test_a_traceback_that_is_too_long_keeps_its_beginning_and_its_end() -> None:
    kept = whole_traceback(ValueError(f"first {'x' * 30_000} last"))
    assert kept.startswith("ValueError: first")
    assert "\n...\n" in kept
    assert kept.endswith("last\n")
    assert len(kept) < 17_000


# HyperModels.


@pytest.mark.parametrize(
    ("name", "arguments", "units"),
    [
        ("Small", {}, 8),
        ("Small", {"units": 16, "deep": True}, 16),
        ("ready", {}, 64),
        ("build", {}, 4),
        ("build", {"units": 2}, 2),
    ],
)
def test_classes_instances_and_functions_become_hypermodels(
    folder: Path, name: str, arguments: dict[str, Any], units: int
) -> None:
    write(folder / "my_model.py", HYPERMODEL)
    hypermodel = load_hypermodel(f"my_model.py:{name}", arguments, folder)
    assert isinstance(hypermodel, keras_tuner.HyperModel)
    assert hypermodel.build(keras_tuner.HyperParameters()) == units
    model = SimpleNamespace(fit=lambda **kwargs: kwargs)
    assert hypermodel.fit(keras_tuner.HyperParameters(), model, epochs=2) == {"epochs": 2}


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        (
            "Small",
            {"unit": 4},
            "it has no argument 'unit'; did you mean 'units'?",
        ),
        (
            "Small",
            {"units": 0},
            "cannot make a 'my_model.py:Small': ValueError: units must be positive (my_model.py",
        ),
        ("Wide", {}, "is a class, but not a HyperModel: derive it from keras_tuner.HyperModel"),
        ("ready", {"units": 4}, "is a HyperModel already made: it takes no arguments"),
        ("build", {"width": 4}, "it has no argument 'width'; its arguments are: units"),
        ("build", {"hp": 4}, "it has no argument 'hp'; its arguments are: units"),
        ("figure", {}, "is of type int: name a keras_tuner.HyperModel or a function build(hp)"),
    ],
)
def test_what_is_no_hypermodel_or_takes_other_arguments_is_refused(
    folder: Path, name: str, arguments: dict[str, Any], complaint: str
) -> None:
    write(folder / "my_model.py", HYPERMODEL)
    with pytest.raises(UserCodeError) as caught:
        load_hypermodel(f"my_model.py:{name}", arguments, folder)
    assert complaint in str(caught.value)
    assert f"'my_model.py:{name}'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_our_own_hypermodel_refuses_its_arguments_in_its_own_words(folder: Path) -> None:
    with pytest.raises(UserCodeError, match=r"^'studyhall.models:SeparationHyperModel': .*mix") as caught:
        load_hypermodel("studyhall.models:SeparationHyperModel", {"mix": "product"}, folder)
    assert "ConfigurationError" not in str(caught.value)
