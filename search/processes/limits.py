"""The limits of a training process."""

from dataclasses import dataclass

from studyhall.search.devices.host_memory import machine_memory

STALL_SECONDS = 900.0


@dataclass(frozen=True)
class Limits:
    """When a training process is killed, and when it is replaced between two tasks.

    `memory` is in bytes of resident memory, None for four fifths of the machine's; growing past half of it,
    or `tasks` done, replaces the process between tasks. `stall_seconds` is the longest time without a batch;
    `stop_seconds` the longest a stop may take.
    """

    memory: int | None = None
    tasks: int = 25
    stall_seconds: float = STALL_SECONDS
    stop_seconds: float = 7.0

    @property
    def memory_bytes(self) -> int:
        """The limit on resident memory, in bytes."""
        return self.memory if self.memory is not None else machine_memory() * 4 // 5
