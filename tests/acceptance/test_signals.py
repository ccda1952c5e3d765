"""Every signal at every moment of a search's life, found by its own events: nothing is lost or left."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.forked_commands import Ended, ForkedCommands
from tests.support.moments import LAUNCHERS_MOMENTS, MOMENTS

STUDY = """
hypermodel = "model.py:build"
data = "model.py:load"
search = { trials = 3, seed = 7 }
training = { epochs = 3 }
retraining = { epochs = 1 }
pruner = "none"
"""
STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
UNSAID = "Traceback", "Exception ignored", "Error"


@pytest.fixture(scope="module")
def commands() -> Iterator[ForkedCommands]:
    with ForkedCommands() as commands:
        yield commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a study whose training is pretended."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "model.py").write_text("def build(hp): ...\ndef load(): ...\n")
    (folder / "study.toml").write_text(STUDY)
    return folder


def states(folder: Path) -> list[str]:
    """The states of the study's trials; none where there is no study yet."""
    if not (folder / "studies.db").is_file():
        return []
    with closing(sqlite3.connect(f"file:{folder}/studies.db?mode=ro", uri=True)) as database:
        return [state for (state,) in database.execute("SELECT state FROM trials ORDER BY number")]


def complaints(folder: Path, ended: Ended, status: int) -> list[str]:
    """What is not as it must be after a search that a signal met."""
    found = [] if ended.status == status else [f"its status is {ended.status}, not {status}"]
    found += [f"it said {each}" for each in UNSAID if each in ended.output]
    found += ["a trial is running"] if "RUNNING" in states(folder) else []
    found += [f"{each} is left" for each in os.listdir(folder.parent / "tmp")]
    parts = [
        path.name
        for path in folder.rglob("*")
        if path.name.startswith(".studyhall") or path.suffix == ".part"
    ]
    return found + [f"{each} is half-written" for each in parts]


@pytest.mark.parametrize("number", STATUSES)
def test_a_search_that_a_signal_meets_at_any_moment_loses_nothing_and_the_same_command_goes_on(
    number: signal.Signals, commands: ForkedCommands, folder: Path
) -> None:
    found = []
    for moment in MOMENTS:
        before = states(folder)
        ended = commands.run(folder, "search", "study.toml", number=number, moments=[moment])
        wrong = complaints(folder, ended, 0 if moment.done else STATUSES[number])
        if ended.sent != [moment.name]:
            wrong.append("the moment did not come")
        if not moment.done and not before and states(folder) and "created" not in moment.name:
            wrong.append("a study was made")
        found += [f"{moment.name}: {each}\n{ended.output}" for each in wrong]
    assert not found, "\n".join(found)
    last = commands.run(folder, "search", "study.toml")
    assert last.status == 0, last.output
    assert "is published" in last.output
    assert states(folder) == ["COMPLETE"] * 3


def test_sigquit_shows_the_stacks_at_every_moment_of_a_search_and_ends_nothing(
    commands: ForkedCommands, folder: Path
) -> None:
    ended = commands.run(folder, "search", "study.toml", number=signal.SIGQUIT, moments=MOMENTS, stops=False)
    assert complaints(folder, ended, 0) == [], ended.output
    assert sorted(ended.sent) == sorted(each.name for each in MOMENTS)
    assert ended.output.count("most recent call first") >= len(MOMENTS)
    assert "stacks of the training process" in ended.output
    assert ", in next_task" not in ended.output
    assert " in next_task" in ended.output or " in call" in ended.output
    assert states(folder) == ["COMPLETE"] * 3


def test_a_search_whose_terminal_is_closed_hands_its_trial_back(
    commands: ForkedCommands, folder: Path
) -> None:
    moment = [each for each in MOMENTS if each.name == "a trial reports an epoch"]
    ended = commands.run(folder, "search", "study.toml", moments=moment, on_terminal=True)
    assert complaints(folder, ended, 129) == []
    assert ended.sent == ["a trial reports an epoch"]
    assert states(folder) == ["WAITING"] * 3
    goes_on = commands.run(folder, "worker", "study.toml")
    assert "trial 0: training for up to 3 epochs, continued after epoch 1" in goes_on.output
    assert states(folder) == ["COMPLETE"] * 3


def test_a_second_ctrl_c_ends_a_search_at_once_and_it_says_when_the_trial_comes_back(
    commands: ForkedCommands, folder: Path
) -> None:
    moments = [
        each
        for each in MOMENTS
        if each.name in ("a trial reports an epoch", "a trial's end is to be written")
    ]
    ended = commands.run(
        folder, "search", "study.toml", "--lease", "7", number=signal.SIGINT, moments=moments
    )
    assert ended.status == 130
    assert "a running trial returns to the queue when its lease ends, in 7 s at most" in ended.output
    assert "studyhall search study.toml" in ended.output
    assert states(folder) == ["RUNNING", "WAITING", "WAITING"]


@pytest.mark.parametrize("number", [*STATUSES, signal.SIGKILL])
def test_the_workers_of_a_launcher_that_a_signal_meets_at_any_moment_hand_back_their_trials(
    number: signal.Signals, commands: ForkedCommands, folder: Path
) -> None:
    found = []
    for moment in LAUNCHERS_MOMENTS:
        ended = commands.run(
            folder,
            "worker",
            "study.toml",
            "--workers",
            "2",
            "--gpus",
            "none",
            number=number,
            moments=[moment],
        )
        wrong = complaints(folder, ended, STATUSES.get(number, -number))
        wrong += [] if ended.sent == [moment.name] else ["the moment did not come"]
        found += [f"{moment.name}: {each}\n{ended.output}" for each in wrong]
    assert not found, "\n".join(found)
    assert states(folder) == ["WAITING"] * 3
