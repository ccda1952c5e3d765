"""The GPU's benchmark runs where there is nothing but what it says it needs: on JAX alone, and on
TensorFlow.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from studyhall.data.sources import load_source
from studyhall.models.architecture import Architecture
from studyhall.models.network import build_network
from studyhall.search.scoring.evaluation import evaluate
from studyhall.search.scoring.separator import separator_of
from tests.support.measures import round_errors, training_flops

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "tests" / "benchmarks" / "gpu.py"
ALONE = """
import runpy, sys
for name in ("tensorflow", "keras_tuner", "optuna", "sqlalchemy", "pydantic"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*arguments: str, backend: str = "jax") -> subprocess.CompletedProcess[str]:
    alone = ALONE if backend == "jax" else ALONE.replace('"tensorflow", ', "")
    return subprocess.run(
        [sys.executable, "-c", alone, str(SCRIPT), *arguments],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_without_tensorflow_kerastuner_and_a_database() -> None:
    result = run("--smoke", "--parts", "throughput", "together", "quality", "--no-slots")
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["part"] for line in lines} == {"throughput", "together", "quality"}
    assert all(line["backend"] == "jax" and "load" in line for line in lines)
    score = lines[-1]["score"]
    assert 0 < score["mean"] < 1
    assert score["std"] > 0


def test_it_runs_on_tensorflow_too() -> None:
    result = run("--smoke", "--parts", "throughput", "quality", backend="tensorflow")
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["part"] for line in lines} == {"throughput", "quality"}
    assert all(line["backend"] == "tensorflow" for line in lines)
    assert 0 < lines[-1]["score"]["mean"] < 1


def test_its_score_is_that_of_studyhall_evaluate() -> None:
    images = load_source("synthetic").test
    model = build_network(Architecture(filters=2, pools=1, convolutions=1))
    errors = round_errors(model, images, "mean", rounds=2, samples=300)
    expected = evaluate(separator_of(model, Path("model.keras")), images, rounds=2, samples=300)
    assert errors == pytest.approx([each.joint for each in expected.rounds], rel=1e-9)


def test_counted_operations_are_those_of_the_convolutions() -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)  # 8 * 8 * 9 * 3 * 4 = 6912 multiplications
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Conv2DTranspose(5, 2, strides=2)(x)  # 4 * 4 * 4 * 4 * 5 = 1280
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)  # 8 * 8 * 9 * 5 = 2880
    assert training_flops(keras.Model(inputs, x)) == 3 * 2 * (6912 + 1280 + 2880)


def test_a_folder_without_data_is_refused_in_one_line(tmp_path: Path) -> None:
    result = run("--data", str(tmp_path))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "datasets/mnist.npz: give a folder laid out as KERAS_HOME" in result.stderr
