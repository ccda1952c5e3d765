"""How a training process ended: what killed it, and which kind of failure that is."""

import signal
from dataclasses import dataclass
from pathlib import Path

from studyhall.search.processes.signals import ENDING
from studyhall.studies.queue.failure_kind import FailureKind

_KILL_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))  # lines `oom_kill N`


def host_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory, in this container or machine."""
    for path in _KILL_COUNTERS:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


@dataclass(frozen=True)
class Death:
    """How a training process ended in the middle of a task.

    `status` is as `subprocess` counts: -9 for signal 9. `killed_for` says that we killed it, and why;
    `host_killed` that the kernel did, for lack of memory.
    """

    status: int
    killed_for: FailureKind | None
    host_killed: bool

    @property
    def kind(self) -> FailureKind | None:
        """The kind of failure; None for a signal from outside, after which the trial deserves another try."""
        if self.killed_for is not None:
            return self.killed_for
        if self.host_killed:
            return FailureKind.OOM
        if -self.status in (signal.SIGKILL, *ENDING):
            return None
        return FailureKind.CRASHED

    @property
    def is_explained(self) -> bool:
        """Whether it is known why, so that nothing that was printed before can be the cause."""
        return self.killed_for is not None or self.host_killed or self.kind is None

    def __str__(self) -> str:
        if self.killed_for is FailureKind.OOM:
            return "the training process grew past its memory limit"
        if self.killed_for is FailureKind.STALLED:
            return "the training process trained no batch for longer than the limit"
        if self.host_killed:
            return "the kernel killed the training process for lack of memory"
        if self.status < 0:
            return f"the training process died of {signal.Signals(-self.status).name}"
        return f"the training process ended with status {self.status}"
