"""What is common to the handles of tests that ask for hyperparameters and train nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class UntrainedHandle:
    """The part of a trial's handle that nothing should call while a model is only built."""

    number = 0
    seed = 0

    def report(self, step: int, value: float, *others: float) -> bool:
        raise NotImplementedError

    def record(self, facts: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def attach(self, filename: str, content: bytes) -> None:
        pass

    def progress(self, epoch: int, step: int, steps: int) -> None:
        raise NotImplementedError

    def checkpoint(self, epochs: int, path: Path) -> None:
        raise NotImplementedError

    def keeps(self, value: float) -> bool:
        raise NotImplementedError

    def begin_epoch(self, epoch: int) -> bool:
        return True

    def stop_requested(self) -> bool:
        raise NotImplementedError
