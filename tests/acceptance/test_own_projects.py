"""Projects of people's own through `check`, `search` and `fetch`, compared with plain Keras."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studyhall.search.actions import check
from studyhall.search.processes.limits import Limits
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.session import session
from tests.acceptance.by_hand import Work
from tests.acceptance.own_projects import PROJECTS, ROUNDING, Own
from tests.support.command_line import run_command

Command = Callable[..., tuple[int, str]]


class Shared(TrainerProcess):
    """A training process that stays after the command that used it: to start one takes longer than
    a search.
    """

    def __exit__(self, *_: object) -> None:
        """Leave it to the next command."""


@pytest.fixture(scope="module")
def trainer() -> Iterator[Shared]:
    trainer = Shared({"CUDA_VISIBLE_DEVICES": ""}, Limits(tasks=1000))
    yield trainer
    trainer.close()


@pytest.fixture
def command(
    trainer: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command line in the project's folder; return its exit status and all that it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "TrainerProcess", lambda *_: trainer)
    monkeypatch.setattr(session, "TrainerProcess", lambda *_: trainer)

    def run(*arguments: str) -> tuple[int, str]:
        status = run_command(arguments, monkeypatch)
        output, errors = capsys.readouterr()
        return status, output + errors

    return run


@pytest.mark.parametrize("own", PROJECTS, ids=lambda own: own.name)
def test_a_project_is_published_with_the_numbers_of_plain_keras(
    own: Own, command: Command, train_by_hand: Callable[[Work], dict[str, Any]], tmp_path: Path
) -> None:
    own.write(tmp_path)
    commands = [("search", f"{own.name}.toml"), ("fetch", own.name, "--to", "best")]
    # A search begins with the same check; it is run by itself where the data are no arrays.
    if own.load in ("load_py_dataset", "load_filtered", "load_endless"):
        commands.insert(0, ("check", f"{own.name}.toml"))
    for arguments in commands:
        status, output = command(*arguments)
        assert status == 0, output
    bundle = tmp_path / "best"
    manifest, history = (
        json.loads((bundle / name).read_text()) for name in ("manifest.json", "history.json")
    )
    found = train_by_hand(
        Work(
            folder=str(tmp_path),
            module=own.module,
            build=own.build,
            load=own.load,
            metric=own.metric,
            model=str(bundle / "model.keras"),
            loading=manifest.get("loading"),
            values=manifest["hyperparameters"],
            seed=manifest["seeds"]["weights"],
            epochs=own.again if manifest["source"] == "retrained" else own.epochs,
        )
    )
    curve = [found["returned"]["aic"]] if own.metric == "aic" else found["history"][own.metric]
    if own.metric != "aic":
        assert history[own.metric] == pytest.approx(curve, rel=ROUNDING)
    assert manifest["metrics"]["validation"] == pytest.approx(own.best_of(curve), rel=ROUNDING)
    assert found["value"] == pytest.approx(manifest["metrics"]["validation"], rel=ROUNDING)
    needs = (manifest.get("loading") or {"modules": []})["modules"]
    assert needs == ([own.module] if own.name == "subclassed" else [])
    policy = "mixed_bfloat16" if own.first else "float32"
    assert found["policies"][0] == policy
    if own.name == "f1":
        by_class = np.array(history["val_f1"])
        assert by_class.shape == (len(curve), 3)
        np.testing.assert_allclose(by_class, found["history"]["val_f1"], rtol=ROUNDING)
    if own.name == "schedule":
        first, steps = manifest["hyperparameters"]["rate"], range(4, 4 * len(curve) + 1, 4)
        assert history["learning_rate"] == pytest.approx([first * 0.9**step for step in steps], rel=ROUNDING)
    if own.name.startswith("peak"):
        assert manifest["hyperparameters"] == {"course": "peak"}
        assert manifest["source"] == ("retrained" if own.again == 4 else "trial")
        assert found["value"] == pytest.approx(0.99 if own.direction == "maximize" else 0.01, rel=ROUNDING)


def test_a_model_that_cannot_be_built_from_its_config_is_refused_with_what_to_do(
    command: Command, tmp_path: Path
) -> None:
    Own("bare", "bare").write(tmp_path)
    status, output = command("check", "bare.toml")
    assert status == 2
    assert "'Bare' cannot be built from its config" in output
    assert "see that its __init__() takes **kwargs" in output
