"""Memory of processes and of the machine, where the system tells (Linux)."""

import os
from pathlib import Path

GIB = 2**30  # bytes

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def resident_memory(pid: int) -> int:
    """Return the bytes of a process that are in the machine's memory; 0 where that is not known."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def machine_memory() -> int:
    """Return the bytes of memory that this machine, or the container we are in, has."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(memory, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return memory
