"""Every snippet of the documentation works."""

import re
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from studyhall.studies.definition_file import load_definition
from studyhall.studies.training_sections import BUILT_IN_HYPERMODEL


def snippets(page: Path, language: str) -> list[str]:
    """The code blocks of a page that are in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """KerasTuner imports tensorboard for every trial, which TensorFlow does not bring any more."""
    monkeypatch.setattr(keras_tuner.Tuner, "_configure_tensorboard_dir", lambda *arguments, **options: None)


@pytest.mark.usefixtures("without_tensorboard")
@pytest.mark.filterwarnings(
    "ignore:Skipping variable loading for optimizer:UserWarning"
)  # KerasTuner's loading
def test_the_scripts_of_coming_from_kerastuner_do_what_they_say(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    page = repository / "docs" / "coming-from-kerastuner.md"
    old, new, *rest = snippets(page, "python")
    exec(compile(old, "old", "exec"), names)
    theirs, their_best = names["tuner"], names["best"]
    exec(compile(new, "new", "exec"), names)
    ours, our_best = names["tuner"], names["best"]
    assert type(our_best) is type(their_best)
    assert [each.shape[1:] for each in our_best.outputs] == [each.shape[1:] for each in their_best.outputs]
    assert len(ours.oracle.trials) == len(theirs.oracle.trials) == 2
    assert set(ours.get_best_hyperparameters()[0].values) <= {"units", "dropout", "rate", "learning_rate"}
    for snippet in rest:
        exec(compile(snippet, "rest", "exec"), names)
    asked = names["tuner"].oracle.study.optuna().get_trials()[1].system_attrs["studyhall:start"]
    best = ours.get_best_hyperparameters(2)
    assert asked["values"] in [hp.values for hp in best]


@pytest.mark.parametrize("page", ["README.md", "docs/coming-from-kerastuner.md"])
def test_study_files_in_the_documentation_are_study_files(
    repository: Path, tmp_path: Path, page: str
) -> None:
    found = snippets(repository / page, "toml")
    assert found
    for name in ("my_model.py", "my_data.py"):
        (tmp_path / name).write_text("")
    for number, snippet in enumerate(found):
        path = tmp_path / f"study{number}.toml"
        path.write_text(snippet)
        # A page that has named a study's model and data goes on with the sections that it writes of.
        named = {} if "hypermodel" in snippet else {"hypermodel.path": BUILT_IN_HYPERMODEL}
        load_definition(path, named)
