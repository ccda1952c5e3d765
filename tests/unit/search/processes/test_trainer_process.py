"""When a worker keeps its training process, and when it replaces it between two tasks."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studyhall.search.devices.host_memory import resident_memory
from studyhall.search.processes.channel import CheckTask, Job, RetrainTask
from studyhall.search.processes.limits import Limits
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.studies import awake_clock
from studyhall.studies.definition import Definition

TASK = CheckTask(Job(Definition.model_validate({"name": "bss"}), Path()))


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    """Start a process that answers each task with its own number, instead of one that imports Keras."""
    start = subprocess.Popen

    def popen(command: list[str], env: dict[str, str], **options: Any) -> Any:
        assert command[:3] == [sys.executable, "-P", "-m"]
        path = f"{repository}:{env.get('PYTHONPATH', '')}"
        command = [*command[:3], "tests.support.answering_trainer", *command[4:]]
        return start(command, env=env | {"PYTHONPATH": path}, **options)

    monkeypatch.setattr(subprocess, "Popen", popen)


def processes(trainer: TrainerProcess, tasks: int) -> list[int]:
    """The number of the process that did each of so many tasks."""
    return [trainer.run(TASK, object(), lambda: False) for _ in range(tasks)]


def test_training_process_is_replaced_after_so_many_tasks() -> None:
    with TrainerProcess(limits=Limits(tasks=2)) as trainer:
        first, second, third = processes(trainer, 3)
        assert trainer.pid == third
    assert first == second != third


def test_training_process_is_kept_while_it_is_small_and_replaced_when_it_has_grown() -> None:
    with TrainerProcess() as trainer:
        one, other = processes(trainer, 2)
        assert one == other
        size = resident_memory(one)
    # It has more than half of this, and not all.
    with TrainerProcess(limits=Limits(memory=size * 3 // 2)) as trainer:
        one, other = processes(trainer, 2)
    assert one != other


def test_a_worker_that_was_frozen_does_not_take_its_training_process_for_stalled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    days = iter(range(10**6))
    monkeypatch.setattr(awake_clock, "time", SimpleNamespace(monotonic=lambda: 86400.0 * next(days)))
    task = RetrainTask(TASK.job, 0, 1, {})
    with TrainerProcess(limits=Limits(stall_seconds=1.0)) as trainer:
        assert trainer.run(task, object(), lambda: False) == trainer.pid
