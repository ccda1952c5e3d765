"""Models as people keep them, saved by Keras, found, loaded and scored."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from studyhall.data.sources import load_source
from studyhall.search.scoring.evaluation import evaluate_model
from studyhall.search.scoring.model_files import find_model, load_separator
from studyhall.search.scoring.separator import Layout
from studyhall.search.user.code import load_object
from studyhall.studies.bundle.manifest import FileEntry, Loading, Manifest, utc_now
from studyhall.studies.definition import DataSpec, Definition
from studyhall.studies.errors import BundleError, ModelFileError
from studyhall.studies.files import sha256_of

SMALL: dict[str, Any] = {"source": "synthetic", "rounds": 2, "samples": 60}


def identity() -> Any:
    mixture = keras.Input((32, 32, 1))
    return keras.Model(mixture, layers.Concatenate()([mixture, mixture]))


def network(arrange: Any) -> Any:
    """A small network with the layers of the published ones; equal weights, whatever the layout."""
    keras.utils.set_random_seed(3)
    mixture = keras.Input((32, 32, 1))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(mixture))
    x = layers.BatchNormalization()(x)
    x = layers.Conv2DTranspose(4, 2, strides=2, padding="same")(x)
    x = layers.DepthwiseConv2D(3, padding="same")(layers.Concatenate()([x, mixture]))
    digit, item = (layers.Conv2D(1, 1, activation="sigmoid")(x) for _ in range(2))
    return keras.Model(mixture, arrange(digit, item))


ARRANGEMENTS = {
    Layout.CHANNELS: lambda digit, item: layers.Concatenate()([digit, item]),
    Layout.PAIR: lambda digit, item: [digit, item],
    Layout.SIDE_BY_SIDE: lambda digit, item: layers.Concatenate(axis=2)([digit, item]),
}


def bundle(home: Path, model: Any, loading: Loading | None = None, folder: str = "", **data: str) -> Path:
    home.mkdir()
    model.save(home / "model.keras")
    (home / "history.json").write_text("{}")
    files = {
        name: FileEntry(
            sha256=sha256_of(home / name), size=(home / name).stat().st_size, artifact_id="some-id"
        )
        for name in ("model.keras", "history.json")
    }
    definition = Definition(name="tiny", data=DataSpec(source="synthetic")).model_dump(mode="json")
    definition["data"] |= data
    definition["origin"]["folder"] = folder
    manifest = Manifest(
        study="tiny",
        definition=definition,
        signature="0" * 64,
        hyperparameters={},
        source="trial",
        why="a test",
        trial=0,
        seeds={},
        data_fingerprint="sha256:0",
        versions={},
        parameters=0,
        revision=None,
        backend="tensorflow",
        device="cpu",
        metrics={},
        created=utc_now(),
        files=files,
        loading=loading,
    )
    (home / "manifest.json").write_text(manifest.to_json())
    return home


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        load_separator(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600
    return message


def test_identity_scores_as_published_on_the_real_test_images(
    real_keras_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keras reads KERAS_HOME when it is imported, and passes over a cache that it cannot write to: link to it.
    (tmp_path / "datasets").symlink_to((real_keras_home / "datasets").resolve())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    identity().save(tmp_path / "identity.keras")
    found = evaluate_model(tmp_path / "identity.keras")
    assert found.joint.mean == pytest.approx(0.0363, abs=0.0002)
    assert found.identity.mean == pytest.approx(found.joint.mean, abs=1e-9)
    assert (found.source, len(found.rounds), found.samples) == ("mnist-fashion", 10, 5000)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_every_layout_and_format_of_a_network_scores_the_same(tmp_path: Path, ending: str) -> None:
    scores = set()
    for layout, arrange in ARRANGEMENTS.items():
        path = tmp_path / f"{layout.name}.{ending}"
        network(arrange).save(path)
        found = evaluate_model(path, **SMALL)
        assert found.layout is layout
        assert found.parameters == network(arrange).count_params()
        scores.add((round(found.digit.mean, 9), round(found.item.mean, 9)))
    assert len(scores) == 1
    assert scores != {(found.identity.mean,) * 2}


def test_two_outputs_of_a_dictionary_are_told_apart_by_name(tmp_path: Path) -> None:
    mixture = keras.Input((32, 32, 1))
    item, digit = layers.Rescaling(0.25, name="a")(mixture), layers.Rescaling(0.75, name="b")(mixture)
    keras.Model(mixture, {"item": item, "digit": digit}).save(tmp_path / "m.keras")
    separated = load_separator(tmp_path / "m.keras").separate(np.ones((1, 32, 32, 1), np.float32))
    np.testing.assert_allclose(separated[0, 0, 0], [0.75, 0.25])


def test_model_for_images_without_a_channel_is_taken(tmp_path: Path) -> None:
    mixture = keras.Input((32, 32))
    keras.Model(mixture, layers.Concatenate()([mixture, mixture])).save(tmp_path / "m.keras")
    assert load_separator(tmp_path / "m.keras").layout is Layout.SIDE_BY_SIDE


def as_keras_2_wrote_it(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a functional model, in the words of Keras 2.15."""
    written = []
    for layer in config["config"]["layers"]:
        inner = {
            key: {"class_name": value["class_name"], "config": value["config"]}
            if isinstance(value, dict) and "registered_name" in value
            else value
            for key, value in layer["config"].items()
        }
        inner["dtype"] = "float32"
        if layer["class_name"] == "InputLayer":
            inner = {"batch_input_shape": inner["batch_shape"], "dtype": "float32", "sparse": False}
            inner |= {"ragged": False, "name": layer["name"]}
        if "Conv2D" in layer["class_name"]:
            inner["groups"] = 1
        if layer["class_name"] == "BatchNormalization":
            inner["axis"] = [3]
        calls = []
        for node in layer["inbound_nodes"]:
            argument = node["args"][0]
            tensors = argument if isinstance(argument, list) else [argument]
            calls.append([[*tensor["config"]["keras_history"], {}] for tensor in tensors])
        written.append(
            {
                "class_name": layer["class_name"],
                "config": inner,
                "name": layer["name"],
                "inbound_nodes": calls,
            }
        )
    top = config["config"]
    ends = {
        key: [top[key]] if isinstance(top[key][0], str) else top[key]
        for key in ("input_layers", "output_layers")
    }
    return {"class_name": "Functional", "config": {"name": top["name"], "layers": written, **ends}}


@pytest.mark.parametrize("layout", ARRANGEMENTS)
def test_file_that_keras_2_wrote_is_read(tmp_path: Path, layout: Layout) -> None:
    h5py = pytest.importorskip("h5py")
    network(ARRANGEMENTS[layout]).save(tmp_path / "new.h5")
    (tmp_path / "old.h5").write_bytes((tmp_path / "new.h5").read_bytes())
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        config = as_keras_2_wrote_it(json.loads(file.attrs["model_config"]))
        assert '"groups": 1' in json.dumps(config)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    old, new = (evaluate_model(tmp_path / name, **SMALL) for name in ("old.h5", "new.h5"))
    assert old.layout is layout
    assert old.rounds == new.rounds


def test_bundle_brings_its_mix_and_its_source(tmp_path: Path) -> None:
    found = evaluate_model(bundle(tmp_path / "best", identity(), mix="sum"), rounds=1, samples=10)
    assert (found.mix, found.source) == ("sum", "synthetic")
    assert found.fingerprint == load_source("synthetic").fingerprint


def test_bundle_of_somebody_s_own_data_asks_for_a_source(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "best", identity(), source="mine.py:load")
    with pytest.raises(ModelFileError, match=r"mine\.py:load.*--source mnist-fashion"):
        evaluate_model(folder)
    assert evaluate_model(folder, **SMALL).source == "synthetic"


def test_bundle_that_was_changed_or_is_not_whole_is_refused(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "best", identity())
    network(ARRANGEMENTS[Layout.PAIR]).save(folder / "model.keras")
    with pytest.raises(BundleError):
        load_separator(folder)
    (folder / "model.keras").unlink()
    with pytest.raises(BundleError):
        load_separator(folder)
    (folder / "manifest.json").unlink()
    assert "holds no manifest.json" in refusal(folder)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_truncated_model_is_refused(tmp_path: Path, ending: str) -> None:
    network(ARRANGEMENTS[Layout.PAIR]).save(tmp_path / f"whole.{ending}")
    whole = (tmp_path / f"whole.{ending}").read_bytes()
    for part in (0, 10, len(whole) // 2, len(whole) - 30):
        (tmp_path / f"cut.{ending}").write_bytes(whole[:part])
        assert f"cut.{ending}" in refusal(tmp_path / f"cut.{ending}")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    network(ARRANGEMENTS[Layout.PAIR]).save(tmp_path / "m.keras")
    whole = bytearray((tmp_path / "m.keras").read_bytes())
    place = whole.index(b"\x89HDF")
    whole[place : place + 400] = bytes(400)
    (tmp_path / "m.keras").write_bytes(whole)
    assert "cannot be loaded" in refusal(tmp_path / "m.keras")


def test_weights_alone_are_refused_with_how_to_save_a_model(tmp_path: Path) -> None:
    network(ARRANGEMENTS[Layout.PAIR]).save_weights(tmp_path / "m.weights.h5")
    assert "weights only; save the whole model" in refusal(tmp_path / "m.weights.h5")


def test_misnamed_format_is_told(tmp_path: Path) -> None:
    for ending, other in (("h5", "keras"), ("keras", "h5")):
        identity().save(tmp_path / f"m.{ending}")
        (tmp_path / f"m.{ending}").rename(tmp_path / f"n.{other}")
        assert f"rename it to end in .{ending}" in refusal(tmp_path / f"n.{other}")


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.filterwarnings("ignore:.*Lambda")
def test_python_code_in_a_model_is_not_run(tmp_path: Path, ending: str) -> None:
    mixture = keras.Input((32, 32, 1))
    doubled = layers.Lambda(lambda x: x * 2)(mixture)
    keras.Model(mixture, layers.Concatenate()([doubled, doubled])).save(tmp_path / f"m.{ending}")
    assert "Lambda" in refusal(tmp_path / f"m.{ending}")


class Doubling(layers.Layer):  # type: ignore[misc]
    """A layer of somebody's own."""

    def call(self, x: Any) -> Any:
        return 2 * x


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_layer_of_somebody_s_own_is_refused_by_name(tmp_path: Path, ending: str) -> None:
    mixture = keras.Input((32, 32, 1))
    doubled = Doubling()(mixture)
    keras.Model(mixture, layers.Concatenate()([doubled, doubled])).save(tmp_path / f"m.{ending}")
    message = refusal(tmp_path / f"m.{ending}")
    assert "Doubling" in message
    assert "Keras's own layers" in message


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (1024,)])
def test_model_for_other_images_is_refused_with_its_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    mixture = keras.Input(shape)
    keras.Model(mixture, layers.Concatenate()([mixture, mixture])).save(tmp_path / "m.keras")
    assert ", ".join(map(str, shape)) in refusal(tmp_path / "m.keras")


def test_model_of_two_inputs_and_classifier_are_refused(tmp_path: Path) -> None:
    one, two = keras.Input((32, 32, 1)), keras.Input((32, 32, 1))
    keras.Model([one, two], layers.Concatenate()([one, two])).save(tmp_path / "two.keras")
    refusal(tmp_path / "two.keras")
    keras.Sequential([keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(10)]).save(
        tmp_path / "c.keras"
    )
    assert "returns 10; a separator returns" in refusal(tmp_path / "c.keras")


def test_model_with_broken_weights_is_refused(tmp_path: Path) -> None:
    model = network(ARRANGEMENTS[Layout.CHANNELS])
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    model.save(tmp_path / "m.keras")
    assert "not finite" in refusal(tmp_path / "m.keras")


NO_MODELS: dict[str, bytes | None] = {
    "text.keras": b"hello",
    "text.h5": b"hello",
    "empty.keras": b"",
    "picture.png": b"\x89PNG\r\n\x1a\n",
    "model.pt": b"PK\x03\x04",
    "noending": b"",
    "missing.keras": None,
    "two\nlines.keras": b"",
}


@pytest.mark.parametrize("name", NO_MODELS)
def test_what_is_no_model_is_refused(tmp_path: Path, name: str) -> None:
    content = NO_MODELS[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert "give a bundle's folder, a .keras file or a legacy .h5 file" in refusal(tmp_path / name)


def test_archives_and_folders_that_are_no_models_are_refused(tmp_path: Path) -> None:
    import zipfile

    for name, member, content in (
        ("other.keras", "readme.txt", "hello"),
        ("list.keras", "config.json", "[]"),
        ("text.keras", "config.json", "hello"),
        ("object.keras", "config.json", '{"class_name": "Functional", "config": {}}'),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, content)
        assert name in refusal(tmp_path / name)
    assert "is not a bundle" in refusal(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    assert "SavedModel" in refusal(tmp_path)


def test_model_is_looked_at_without_importing_keras(tmp_path: Path) -> None:
    identity().save(tmp_path / "m.keras")
    code = (
        "import sys; from pathlib import Path\n"
        "import studyhall.search.scoring.evaluation, studyhall.search.scoring.prediction\n"
        "from studyhall.search.scoring.model_files import find_model\n"
        "find_model(Path(sys.argv[1]))\n"
        "print(sorted({'keras', 'tensorflow', 'keras_tuner', 'jax'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.keras")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_bare_file_counts_as_trained_on_the_mean_of_real_images(tmp_path: Path) -> None:
    identity().save(tmp_path / "m.keras")
    found = find_model(tmp_path / "m.keras")
    assert (found.mix, found.source) == ("mean", "mnist-fashion")


def test_a_bundle_that_needs_code_is_loaded_only_where_that_is_allowed(tmp_path: Path) -> None:
    mixture = keras.Input((32, 32, 1))
    both = layers.Concatenate()([mixture, layers.Lambda(lambda x: x)(mixture)])
    folder = bundle(tmp_path / "best", keras.Model(mixture, both), loading=Loading(safe_mode=False))
    assert "--allow-code" in refusal(folder)
    x = np.ones((1, 32, 32, 1), np.float32)
    np.testing.assert_array_equal(
        load_separator(folder, allow_code=True).separate(x), np.ones((1, 32, 32, 2))
    )


def test_a_bundle_that_needs_its_authors_module_finds_it_in_the_authors_folder(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "persons_layers.py").write_text(
        "import keras\nclass Twice(keras.layers.Layer):\n    def call(self, x):\n        return 2 * x\n"
    )
    twice = load_object("persons_layers.py:Twice", project)
    mixture = keras.Input((32, 32, 1))
    model = keras.Model(mixture, layers.Concatenate()([mixture, twice()(mixture)]))
    needs = Loading(modules=("persons_layers",), custom_objects=("Twice",))
    folder = bundle(tmp_path / "best", model, loading=needs, folder=str(project))
    for module in ("persons_layers", "persons_layers.py"):
        sys.modules.pop(module, None)
    assert "import persons_layers" in refusal(folder)
    separated = load_separator(folder, allow_code=True).separate(np.ones((1, 32, 32, 1), np.float32))
    np.testing.assert_array_equal(separated[..., 1], np.full((1, 32, 32), 2.0))
