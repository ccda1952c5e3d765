"""The figures as files, from the command line's own functions: of presets, of searches and of published
models.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import optuna
import pytest
from click.testing import CliRunner
from PIL import Image

from studyhall.models.architecture import Architecture
from studyhall.models.network import build_network
from studyhall.models.presets import PRESETS
from studyhall.search.actions.figures import draw_and_show
from studyhall.search.commands.group import cli
from studyhall.search.figures.for_bundle import draw_bundle_figures
from studyhall.search.figures.history import history_figure
from studyhall.search.figures.network.listing import draw_preset
from studyhall.search.figures.style import save, save_as
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.bundle.fetching import Facts, fetch, publish, published
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactError, BundleError, StudyNotFoundError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study

LISTING = """
import sys
from click.testing import CliRunner
from studyhall.search.commands.group import cli
answer = CliRunner().invoke(cli, ["models"])
assert answer.exit_code == 0, answer.output
sys.stdout.reconfigure(encoding="utf-8")
print(answer.output)
heavy = {"keras", "keras_tuner", "tensorflow", "jax", "matplotlib", "optuna"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
HISTORY = {"loss": [0.05, 0.02], "val_loss": [0.06, 0.03], "learning_rate": [1e-3, 1e-4]}
OF_A_MODEL = {"history", "separations"}
OF_A_SEARCH = {"optimisation", "importances", "parallel-coordinates", "learning-curves"}


def definition_in(folder: Path, source: str = "synthetic") -> Definition:
    return Definition.model_validate(
        {
            "name": "bss",
            "data": {"source": source},
            "search": {"trials": 8},
            "storage": {"url": f"sqlite:///{folder}/studies.db"},
        }
    )


def searched(folder: Path) -> Study:
    """A study that has tried seven configurations, without training any; the eighth waits."""
    definition = definition_in(folder)
    study = Study.create_or_join(open_storage(definition.storage.url, create=True), definition)
    for number in range(7):
        trial = study.trials.claim(
            lambda number: optuna.samplers.RandomSampler(seed=number), optuna.pruners.NopPruner()
        )
        assert trial is not None
        rate = trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
        trial.suggest_categorical("head", ["consistent", "independent"])
        trial.report(rate * 2, 1)
        trial.set_user_attr("history", HISTORY)
        if number == 3:
            study.results.prune(trial)
        else:
            study.results.complete(trial, rate)
    return study


def write_model(folder: Path) -> Path:
    """The files of a bundle that has not been published yet."""
    folder.mkdir(exist_ok=True)
    keras.utils.set_random_seed(0)
    build_network(Architecture(filters=1, pools=1, convolutions=1)).save(folder / "model.keras")
    (folder / "history.json").write_text(json.dumps(HISTORY))
    return folder


def publish_model(study: Study, folder: Path) -> None:
    (folder / "artifacts").mkdir()
    facts = Facts(
        study=study.name,
        definition=study.definition.record(),
        signature=study.signature,
        hyperparameters={"filters": 1},
        source="retrained",
        why="it is better",
        trial=2,
        parameters=100,
        seeds={"study": 0},
        data_fingerprint="f00",
        versions={},
        revision=None,
        backend="tensorflow",
        device="cpu",
        metrics={"validation": 0.03},
    )
    store = FileArtifactStore(folder / "artifacts")
    publish(write_model(folder / "files"), facts, store, study.storage, study.id)


def names(files: Sequence[Path]) -> set[str]:
    """The figures that there is a PNG and an SVG of."""
    stems = {file.stem for file in files}
    assert sorted(file.name for file in files) == sorted(
        f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")
    )
    for file in files:
        if file.suffix == ".png":
            with Image.open(file) as image:
                assert min(image.size) > 300
                assert np.asarray(image.convert("L")).std() > 5  # not blank
        else:
            assert "<svg" in file.read_text()
    return stems


def test_figure_is_written_as_png_and_svg_in_a_new_folder(tmp_path: Path) -> None:
    files = save_as(history_figure(HISTORY, title="a $ title of 数字"), tmp_path / "new" / "it's", "history")
    assert names(files) == {"history"}
    assert sorted(path.name for path in files[0].parent.iterdir()) == ["history.png", "history.svg"]


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for kind in ("png", "svg"):
        first, second = (save(history_figure(HISTORY), tmp_path / f"{name}.{kind}") for name in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_figures_may_be_drawn_in_a_thread_without_a_window(tmp_path: Path) -> None:
    worker = threading.Thread(target=lambda: save(history_figure(HISTORY), tmp_path / "a.png"))
    worker.start()
    worker.join()
    assert (tmp_path / "a.png").is_file()


def test_preset_is_drawn_as_png_and_svg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = draw_preset("seed-004", tmp_path / "new")
    assert names(files) == {"seed-004"}
    assert capsys.readouterr().out.split() == [str(file) for file in files]


def test_table_lists_every_preset_without_keras_or_matplotlib() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING], check=False, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    for name, preset in PRESETS.items():
        assert name in done.stdout
        assert f"{preset.parameters:,}" in done.stdout
    assert "3.881e-4 ± 8e-6" in done.stdout
    assert "32×64×1" in done.stdout


def test_study_without_a_published_model_shows_its_search_and_its_best_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = searched(tmp_path).definition.storage.url
    assert names(draw_and_show("bss", tmp_path / "to", url, None)) == OF_A_SEARCH | {"history"}
    assert "separations is left out: 'bss' has published nothing yet" in capsys.readouterr().out


def test_study_with_a_published_model_shows_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = searched(tmp_path)
    publish_model(study, tmp_path)
    monkeypatch.chdir(tmp_path)
    files = draw_and_show("bss", None, study.definition.storage.url, None, pairs=20)
    assert names(files) == OF_A_SEARCH | OF_A_MODEL
    assert {file.parent for file in files} == {Path("figures/bss")}
    assert capsys.readouterr().out.split() == [str(file) for file in files]


def test_model_that_is_gone_from_the_store_costs_its_own_figures_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = searched(tmp_path)
    publish_model(study, tmp_path)
    for file in (tmp_path / "artifacts").iterdir():
        file.unlink()
    assert names(draw_and_show("bss", tmp_path / "to", study.definition.storage.url, None)) == OF_A_SEARCH
    assert "history and separations are left out: manifest.json" in capsys.readouterr().out


def test_bundle_shows_its_model_and_stays_as_it_was_published(tmp_path: Path) -> None:
    study = searched(tmp_path)
    publish_model(study, tmp_path)
    record = published(study.storage, study.id)
    assert record is not None
    bundle = fetch(record, FileArtifactStore(tmp_path / "artifacts"), tmp_path / "best")
    answer = CliRunner().invoke(cli, ["figures", str(bundle), "--to", str(tmp_path / "to"), "--pairs", "20"])
    assert answer.exit_code == 0, answer.output
    assert names(list((tmp_path / "to").iterdir())) == OF_A_MODEL
    with pytest.raises(ArtifactError, match="is a bundle, whose files stay as published"):
        draw_and_show(str(bundle), bundle, None, None)
    assert {path.name for path in bundle.iterdir()} == {"model.keras", "history.json", "manifest.json"}


def test_folder_that_is_no_bundle_and_unknown_study_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        draw_and_show(str(tmp_path), tmp_path / "to", None, None)
    url = searched(tmp_path).definition.storage.url
    with pytest.raises(StudyNotFoundError, match="No study 'other'"):
        draw_and_show("other", tmp_path / "to", url, None)
    assert not (tmp_path / "to").exists()


def test_model_of_a_persons_own_data_has_a_history_only(tmp_path: Path) -> None:
    skipped: list[str] = []
    files = draw_bundle_figures(
        write_model(tmp_path / "files"),
        definition_in(tmp_path, "own.py:load"),
        tmp_path / "to",
        on_skip=skipped.append,
    )
    assert names(files) == {"history"}
    assert skipped == ["separations is left out: 'own.py:load' has no test images"]


def test_model_that_is_no_separator_has_a_history_only(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "files")
    mixture = keras.Input((8,))
    keras.Model(mixture, keras.layers.Dense(1)(mixture)).save(folder / "model.keras")
    skipped: list[str] = []
    files = draw_bundle_figures(folder, definition_in(tmp_path), formats=["png"], on_skip=skipped.append)
    assert files == [folder / "history.png"]
    assert "a separator takes mixtures of (None, 32, 32, 1)" in skipped[0]


def test_history_that_is_no_history_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "files")
    for text in ("{", "[1]", '{"loss": 1}', '{"loss": ["x"]}'):
        (folder / "history.json").write_text(text)
        with pytest.raises(BundleError, match="is not a training history"):
            draw_bundle_figures(folder, definition_in(tmp_path))
