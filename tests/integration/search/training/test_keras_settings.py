"""What a person sets in Keras for good holds in every check, trial, retraining and evaluation, and under the
Tuner.

Run as a script, it observes the same on another backend: `python test_keras_settings.py FOLDER DISTRIBUTED`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from studyhall.search.core.outcome import Completed, Retrained
from studyhall.search.processes.channel import AppraiseTask, Job
from studyhall.search.processes.trainer import Trainer
from studyhall.search.training.check import run_check
from studyhall.search.training.retrain import run_retraining
from studyhall.search.training.trial import run_trial
from studyhall.search.training.warm_start import DryHandle
from studyhall.search.user.keras_settings import KerasSettings, clear_session
from studyhall.search.user.workload import load_workload
from studyhall.studies.definition.signature import signature
from studyhall.studies.errors import UserCodeError
from studyhall.studies.study_file.loading import define

MODEL = """
import keras
import keras_tuner
import numpy as np
from keras import layers

SEEN = []
SETTINGS


def look():
    from keras.src.saving.serialization_lib import in_safe_mode

    SEEN.append({
        "policy": keras.config.dtype_policy().name,
        "unsafe": in_safe_mode() is False,
        "distributed": keras.distribution.distribution() is not None,
        "lasting": [keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()],
    })


class Net(keras_tuner.HyperModel):
    def build(self, hp):
        look()
        model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="hidden"), layers.Dense(1, dtype="float32")])
        SEEN[-1] |= {"dense": model.layers[0].compute_dtype, "name": layers.Dropout(0.5).name}
        model.compile("sgd", "mse", run_eagerly=True)
        return model


def load():
    x = np.linspace(0, 1, 48).reshape(16, 3)
    return (x[:8], x[:8, :1]), (x[8:], x[8:, :1])
"""

PERSONS = """
keras.mixed_precision.set_global_policy("mixed_bfloat16")
keras.config.enable_unsafe_deserialization()
"""
DISTRIBUTED = "keras.distribution.set_distribution(keras.distribution.DataParallel(devices=['cpu:0']))\n"

WANTED = {"policy": "mixed_bfloat16", "dense": "bfloat16"}


def write(folder: Path, settings: str, name: str) -> str:
    """Write a module of a name that this process has not imported; return what it is called."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(MODEL.replace("SETTINGS", settings))
    return name


def study(folder: Path, module: str, **training: Any) -> Any:
    tables = {
        "name": "settings",
        "hypermodel": f"{module}.py:Net",
        "data": f"{module}.py:load",
        "training": {"epochs": 1, **training},
        "retraining": {"epochs": 1},
    }
    return define(tables, folder)


class Handle(DryHandle):
    """A trial that has the defaults, and keeps its model and its facts."""

    def __init__(self) -> None:
        from studyhall.search.core.handle import Start

        super().__init__(3, Start(defaults=True))
        self.facts: dict[str, Any] = {}

    def keeps(self, value: float) -> bool:
        return True

    def record(self, facts: Mapping[str, Any]) -> None:
        self.facts.update(facts)


def observe(folder: Path, definition: Any) -> dict[str, Any]:
    """Do everything that builds a model, and tell what each build saw."""
    workload = load_workload(definition)
    module = sys.modules[type(workload.hypermodel).__module__]
    seen = module.SEEN
    seen.clear()
    handle = Handle()
    run_check(definition, workload, [{}])  # builds the default model, and the configuration
    after_check = len(seen)
    trial = run_trial(handle, definition, workload, folder)
    assert isinstance(trial, Completed), trial
    layer = keras.models.load_model(trial.model).layers[0].compute_dtype
    retrained = run_retraining(Handle(), definition, workload, {}, folder)
    assert isinstance(retrained, Retrained), retrained
    bundle = folder / "bundle"
    bundle.mkdir(exist_ok=True)
    retrained.model.replace(bundle / "model.keras")
    (bundle / "history.json").write_text(json.dumps(retrained.history))
    keras.config.set_dtype_policy("float32")  # whatever was trained before
    trainer = Trainer(None)  # type: ignore[arg-type]  # an appraisal reports nothing
    trainer.run(AppraiseTask(Job(definition, folder), bundle))
    module.look()
    published = keras.models.load_model(bundle / "model.keras", compile=False)
    return {
        "builds": list(seen[:-1]),
        "checked": after_check,
        "appraised": seen[-1],
        "recorded": handle.facts["precision"],
        "kept_layer": layer,
        "published_layer": published.layers[0].compute_dtype,
        "error": float(np.mean((published.predict(_x(8), verbose=0) - _x(8)[:, :1]) ** 2)),
        "value": retrained.value,
    }


def _x(first: int) -> Any:
    return np.linspace(0, 1, 48).reshape(16, 3)[first:]


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    """Leave Keras's settings as they were."""
    before = KerasSettings.current()
    yield
    before.apply()


def test_what_a_module_sets_at_import_holds_wherever_its_model_is_built(tmp_path: Path) -> None:
    found = observe(tmp_path, study(tmp_path, write(tmp_path, PERSONS, "persons_net")))
    # The check, its configuration, the trial, the retraining and the clean model that is published.
    assert [{key: build[key] for key in ("policy", "dense", "unsafe")} for build in found["builds"]] == [
        {**WANTED, "unsafe": True}
    ] * 5
    assert found["appraised"]["policy"] == found["recorded"] == "mixed_bfloat16"
    assert found["appraised"]["unsafe"]
    assert found["kept_layer"] == found["published_layer"] == "bfloat16"
    assert found["error"] == pytest.approx(found["value"], rel=1e-2)


def test_every_build_begins_with_an_empty_session(tmp_path: Path) -> None:
    found = observe(tmp_path, study(tmp_path, write(tmp_path, "", "plain_net")))
    names = [build["name"] for build in found["builds"]]
    assert names == ["dropout"] * 5


@pytest.mark.parametrize(
    ("precision", "policy"), [("mixed", "mixed_bfloat16"), ("float32", "float32"), ("auto", "float32")]
)
def test_the_precision_of_a_definition_holds(tmp_path: Path, precision: str, policy: str) -> None:
    module = write(tmp_path, "", f"precise_{precision}")
    found = observe(tmp_path, study(tmp_path, module, precision=precision))
    assert {build["policy"] for build in found["builds"]} == {policy}
    assert found["recorded"] == policy
    assert found["published_layer"] == policy.removeprefix("mixed_")


def test_a_study_is_not_computed_in_the_precision_of_the_one_before(tmp_path: Path) -> None:
    observe(tmp_path, study(tmp_path, write(tmp_path, PERSONS, "first_net")))
    found = observe(tmp_path, study(tmp_path, write(tmp_path, "", "second_net")))
    assert {build["policy"] for build in found["builds"]} == {"float32"}
    again = observe(tmp_path, study(tmp_path, "first_net"))  # imported already
    assert {build["policy"] for build in again["builds"]} == {"mixed_bfloat16"}


def test_a_definition_and_a_module_that_disagree_are_refused(tmp_path: Path) -> None:
    module = write(tmp_path, PERSONS, "agreeing_net")
    same = study(tmp_path, module, precision="mixed")
    assert observe(tmp_path, same)["recorded"] == "mixed_bfloat16"
    other = study(tmp_path, module, precision="float32")
    with pytest.raises(
        UserCodeError, match="training.precision is 'float32'.* sets the dtype policy mixed_bfloat16"
    ):
        run_trial(Handle(), other, load_workload(other), tmp_path)


def test_a_definition_that_says_nothing_of_precision_has_the_signature_it_had(tmp_path: Path) -> None:
    module = write(tmp_path, "", "signed_net")
    assert signature(study(tmp_path, module)) == signature(study(tmp_path, module, precision="float32"))
    assert signature(study(tmp_path, module)) != signature(study(tmp_path, module, precision="mixed"))


def test_what_a_script_sets_holds_in_every_trial_of_its_tuner(tmp_path: Path) -> None:
    from studyhall.search import Tuner

    keras.config.set_dtype_policy("mixed_bfloat16")
    seen: list[str] = []

    def build(hp: Any) -> Any:
        seen.append(keras.config.dtype_policy().name)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 1, 3))])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    tuner = Tuner(build, "val_loss", max_trials=2, directory=tmp_path, seed=1)
    tuner.search(_x(0), _x(0)[:, :1], epochs=1, validation_data=(_x(8), _x(8)[:, :1]), verbose=0)
    assert tuner.get_best_models()[0].layers[0].compute_dtype == "bfloat16"
    assert len(seen) >= 4
    assert set(seen) == {"mixed_bfloat16"}


def test_a_layer_made_at_import_chooses_no_precision(tmp_path: Path) -> None:
    module = write(tmp_path, "NOISE = layers.GaussianNoise(0.1)\n", "noisy_net")
    found = observe(tmp_path, study(tmp_path, module, precision="mixed"))
    assert {build["policy"] for build in found["builds"]} == {found["recorded"]} == {"mixed_bfloat16"}
    chosen = "NOISE = layers.GaussianNoise(0.1)\nkeras.config.set_dtype_policy('float32')\n"
    other = study(tmp_path, write(tmp_path, chosen, "chosen_net"), precision="mixed")
    with pytest.raises(UserCodeError, match="training.precision is 'mixed'.* sets the dtype policy float32"):
        run_trial(Handle(), other, load_workload(other), tmp_path)


LASTING = """
keras.config.set_floatx("float64")
keras.config.set_epsilon(1e-5)
keras.config.set_image_data_format("channels_first")
"""


def test_floats_and_images_of_a_module_hold_for_its_study_alone(tmp_path: Path) -> None:
    usual = [keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format()]
    keras.config.dtype_policy()  # which Keras then takes for set
    own = study(tmp_path, write(tmp_path, LASTING, "exact_net"))
    found = observe(tmp_path, own)
    for build in found["builds"]:
        assert (build["policy"], build["dense"]) == ("float64", "float64")
    for seen in (*found["builds"], found["appraised"]):
        assert seen["lasting"] == ["float64", 1e-5, "channels_first"]
    assert found["recorded"] == found["published_layer"] == "float64"
    other = observe(tmp_path, study(tmp_path, write(tmp_path, "", "usual_net")))
    assert [build["lasting"] for build in other["builds"]] == [usual] * 5
    assert other["recorded"] == "float32"


def test_what_a_build_sets_holds_in_its_own_trial_of_a_tuner_alone(tmp_path: Path) -> None:
    from studyhall.search import Tuner

    def build(hp: Any) -> Any:
        if hp.Boolean("half"):
            keras.config.set_dtype_policy("mixed_bfloat16")
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    class Noting(Tuner):
        def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            seen.append((trial.hyperparameters.get("half"), model.layers[0].compute_dtype))

    seen: list[tuple[bool, str]] = []
    halves: list[dict[str, Any]] = [{"half": half} for half in (True, False, True, False)]
    tuner = Noting(build, "val_loss", max_trials=5, directory=tmp_path, seed=1, enqueue=halves, keep_models=5)
    tuner.search(_x(0), _x(0)[:, :1], epochs=1, validation_data=(_x(8), _x(8)[:, :1]), verbose=0)
    assert keras.config.dtype_policy().name == "float32"
    assert len(seen) == 5
    assert set(seen) == {(True, "bfloat16"), (False, "float32")}
    for hp, model in zip(tuner.get_best_hyperparameters(5), tuner.get_best_models(5), strict=True):
        assert model.layers[0].compute_dtype == ("bfloat16" if hp.get("half") else "float32")


def test_clearing_the_session_by_hand_keeps_the_settings() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    clear_session()
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


def test_settings_hold_on_jax_too(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert len(found["builds"]) == 5
    for build in (*found["builds"], {**WANTED, **found["appraised"]}):
        assert WANTED.items() <= build.items()
        assert build["unsafe"]
        assert build["distributed"]
    assert found["published_layer"] == "bfloat16"
    assert found["error"] == pytest.approx(found["value"], rel=1e-2)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    print(json.dumps(observe(home, study(home, write(home, PERSONS + DISTRIBUTED, "jax_net")))))  # noqa: T201
