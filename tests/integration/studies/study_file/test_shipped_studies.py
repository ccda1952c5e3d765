"""Every study file that Studyhall ships: it loads, its networks build and train."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import optuna
import pytest
import tensorflow as tf
from optuna.distributions import BaseDistribution

from studyhall.models.presets import PRESETS, Preset
from studyhall.models.size import count_parameters
from studyhall.search.bridge.hyperparameters import TrialHyperParameters
from studyhall.search.core.handle import Start
from studyhall.search.core.outcome import Completed
from studyhall.search.training.check import DefaultsHandle, run_check
from studyhall.search.training.trial import run_trial
from studyhall.search.user.workload import load_workload
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import load_definition
from studyhall.studies.values import Value

STUDIES = Path(__file__).resolve().parents[4] / "studies"
NAMES = sorted(path.stem for path in STUDIES.glob("*.toml"))
SEEDS = [name for name in PRESETS if name.startswith("seed-")]
# The shape of a study without its weight: drawn images, and a batch of two.
LIGHT = {
    "data": {"source": "synthetic", "samples_per_epoch": 8, "validation_samples": 2},
    "training.batch_size": 2,
}


@pytest.fixture
def eager() -> Iterator[None]:
    """Two batches are trained sooner than the graph for them is drawn."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.utils.clear_session()


class StartHandle(DefaultsHandle):
    """A handle of a trial that was enqueued: its values, and the defaults of what they leave out."""

    def __init__(self, values: dict[str, bool | int | float | str]) -> None:
        super().__init__(seed=0)
        self.start = Start(values=values)


class DrawnHandle(DefaultsHandle):
    """A handle of a trial whose values are drawn by chance."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.start = Start()
        self.facts: dict[str, Any] = {}
        self._trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        drawn: Value = self._trial._suggest(name, distribution)
        return drawn

    def record(self, facts: Mapping[str, Any]) -> None:
        self.facts.update(facts)


def test_the_small_studies_every_seed_and_the_study_to_beat_them_are_shipped() -> None:
    assert [
        "half-hour",
        "quickstart",
        *("seed-000", "seed-001", "seed-002", "seed-003", "seed-004"),
        "separation",
    ] == NAMES


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config.*run_functions_eagerly`:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_shipped_study_trains_its_default_network_for_two_batches(name: str) -> None:
    definition = load_definition(STUDIES / f"{name}.toml", LIGHT)
    assert definition.name == name
    checked = run_check(definition, load_workload(definition))
    assert 0 < checked.parameters < 10_000_000


@pytest.mark.parametrize("name", ["quickstart", "half-hour", "separation"])
def test_trial_of_a_shipped_study_trains_compiled_with_values_that_are_not_its_defaults(
    name: str, tmp_path: Path
) -> None:
    definition = load_definition(STUDIES / f"{name}.toml", LIGHT | {"training.epochs": 1})
    workload, handle = load_workload(definition), DrawnHandle(seed=1)
    outcome = run_trial(handle, definition, workload, tmp_path)
    assert isinstance(outcome, Completed)
    assert 0 < outcome.value < 1
    default = TrialHyperParameters(DefaultsHandle(seed=0))
    workload.hypermodel.build(default)
    assert handle.facts["hyperparameters"] != {
        name: default.values.get(name) for name in handle.facts["hyperparameters"]
    }
    keras.utils.clear_session()


@pytest.mark.parametrize("name", NAMES)
def test_shipped_study_can_be_created_in_full_and_small(
    name: str, sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path)
    storage = open_storage(f"sqlite:///{tmp_path / sqlite_template.name}", create=False)
    for scale in (1.0, 0.001):
        definition = load_definition(STUDIES / f"{name}.toml", {"scale": scale, "name": f"{name}-{scale}"})
        study = Study.create_or_join(storage, definition)
        assert study.counts().waiting == definition.search.trials
        assert Study.open(storage, study.name).definition.scale == scale
    storage.close()


def test_enqueued_configurations_build_within_the_space() -> None:
    definition = load_definition(STUDIES / "separation.toml", LIGHT)
    hypermodel = load_workload(definition).hypermodel
    sizes = []
    for values in definition.enqueue:
        hp = TrialHyperParameters(StartHandle(values))
        sizes.append(hypermodel.build(hp).count_params())
        assert hp.unused_start_values() == ()
        assert {name: hp.values[name] for name in values} == values
        keras.utils.clear_session()
    assert len(sizes) == len(definition.enqueue) > 0
    assert max(sizes) == PRESETS["seed-002-128"].parameters


@pytest.mark.parametrize("preset", [PRESETS[name] for name in SEEDS], ids=SEEDS)
def test_seed_is_in_the_space_of_the_study_to_beat_them_and_enqueued(preset: Preset) -> None:
    definition = load_definition(STUDIES / "separation.toml", LIGHT)
    hypermodel = load_workload(definition).hypermodel
    wanted = preset.hyperparameters()
    point = hypermodel.space.draw(TrialHyperParameters(StartHandle(wanted)))
    drawn = point.architecture.hyperparameters() | {"learning_rate": point.learning_rate}
    if preset.architecture.normalisation == "none":
        assert drawn.pop("momentum") == wanted.pop("momentum")  # of no normalisation: it has its default
    assert drawn == wanted
    assert count_parameters(point.architecture) == preset.parameters
    assert drawn in definition.enqueue
