"""The slot of a worker to which an engine has given a share of a node."""

from collections.abc import Mapping

from studyhall.search.devices.gpus import usable_gpus
from studyhall.search.devices.slots import Slot, memory_share


def slot_for(index: int, total: int, cpus: float, gpus: float, environment: Mapping[str, str]) -> Slot:
    """Return the slot of one worker.

    Args:
        index: Which one of them it is, from 0.
        total: How many there are, on all nodes.
        cpus: The CPUs that it has; one thread at least.
        gpus: Its share of a GPU, from 0 to 1; of two that have 0.5 each, each has half of the memory.
        environment: The environment, in which the engine names the GPU.

    Raises:
        DeviceError: The share is too small to train in.
    """
    threads = max(1, int(cpus))
    if gpus == 0:
        return Slot(index, total, visible="", threads=threads)
    here = usable_gpus(environment)
    if not here:  # nobody can tell; the engine's environment says what CUDA sees
        return Slot(index, total, threads=threads)
    gpu, sharing = here[0], int(1 / gpus + 1e-9)
    memory = memory_share(gpu, sharing)
    return Slot(index, total, gpu, gpu.uuid, sharing, memory, threads)
