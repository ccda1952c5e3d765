"""Slots: the shares of this machine that train one trial at a time each."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from studyhall.search.devices.gpus import VISIBLE, DeviceError, choose, may_have_other_devices, usable_gpus
from studyhall.search.devices.nvml import Gpu
from studyhall.studies.json_text import to_json

CONTEXT_MIB = 768  # of a GPU's memory that each process takes beside what it allocates: CUDA, cuDNN, code
LEAST_MIB = 512  # no network of any use trains in less
GPU_SHARE = 0.9  # of a GPU's memory, for the one process that has it

MEMORY_VARIABLE = "STUDYHALL_GPU_MEMORY_MIB"  # read by device_setup
# Tells a process that another one of Studyhall launched it, and for which slot.
_SLOT_VARIABLE = "STUDYHALL_SLOT"
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # JAX's CPU client
)
_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Slot:
    """A share of this machine.

    `index` counts from 0 among the `total` slots that were planned together. `gpu` is None for CPUs, or where
    nobody can tell; `visible` is what CUDA is to see, None for whatever the environment says. `sharing` slots
    share the GPU, and then each has `memory_mib` MiB of it. `threads` is a share of the CPUs, None for all.
    """

    index: int = 0
    total: int = 1
    gpu: Gpu | None = None
    visible: str | None = None
    sharing: int = 1
    memory_mib: int | None = None
    threads: int | None = None

    @property
    def device(self) -> str:
        """What the slot trains on, in a few words."""
        if self.gpu is not None:
            return f"GPU {self.gpu.index} {self.gpu.name}"
        if self.visible is None and may_have_other_devices(os.environ):
            return "the device that Keras finds"
        return "CPU"


@dataclass(frozen=True)
class Wish:
    """What somebody asks for on the command line; None leaves it to us."""

    workers: int | None = None
    gpus: str | None = None
    slots_per_gpu: int | None = None


def plan_slots(
    wish: Wish, environment: Mapping[str, str] = os.environ, cpus: int | None = None
) -> tuple[Slot, ...]:
    """Divide this machine among workers.

    Without a wish that is one slot, on the first GPU if there is one. A number of workers is dealt out to the
    GPUs in turn, and a number of slots for each GPU makes as many workers.

    Args:
        wish: What is asked for.
        environment: The environment, of which CUDA_VISIBLE_DEVICES counts.
        cpus: The CPUs to divide, if not those that this process may use.

    Raises:
        StudyhallError: The wish cannot be had here.
    """
    if wish.workers is not None and wish.slots_per_gpu is not None:
        raise DeviceError(
            "--workers and --slots-per-gpu both say how many workers there are: give one of them"
        )
    gpus = usable_gpus(environment) if wish.gpus is None else choose(wish.gpus, environment)
    if wish.gpus is None and wish.workers is None and wish.slots_per_gpu is None:
        gpus = gpus[:1]
    if wish.slots_per_gpu is not None and not gpus:
        raise DeviceError("--slots-per-gpu needs a GPU, and there is none to use: use --workers N")
    number = wish.workers or max(1, len(gpus) * (wish.slots_per_gpu or 1))
    dealt = [gpus[index % len(gpus)] if gpus else None for index in range(number)]
    # Only on request: CUDA may know devices that NVML does not.
    hidden = "" if wish.gpus is not None else None
    shares = Counter(dealt)
    threads = None if number == 1 else max(1, (cpus or usable_cpus()) // number)
    return tuple(
        Slot(
            index=index,
            total=number,
            gpu=gpu,
            visible=hidden if gpu is None else gpu.uuid,
            sharing=1 if gpu is None else shares[gpu],
            memory_mib=None if gpu is None else memory_share(gpu, shares[gpu]),
            threads=threads,
        )
        for index, gpu in enumerate(dealt)
    )


def alone(slot: Slot) -> Slot:
    """Return the slot of a process that has the device of another slot, and all CPUs, to itself."""
    return replace(slot, index=0, total=1, sharing=1, memory_mib=None, threads=None)


def memory_share(gpu: Gpu, sharing: int) -> int | None:
    """Return the MiB of a GPU that each of several processes may allocate; None for one that has it alone.

    Raises:
        DeviceError: That is too little to train in.
    """
    if sharing == 1:
        return None
    share = gpu.memory_mib // sharing - CONTEXT_MIB
    if share < LEAST_MIB:
        most = max(1, gpu.memory_mib // (CONTEXT_MIB + LEAST_MIB))
        raise DeviceError(
            f"GPU {gpu.index} ({gpu.name}, {gpu.memory_mib:,} MiB) is too small for {sharing} workers: use {most} or fewer"
        )
    return share


def usable_cpus() -> int:
    """Return how many CPUs this process may use: those it is bound to, within its container's quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
        return max(1, min(bound, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or one without a quota ("max")
        return bound


def environment_of(slot: Slot, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold a training process in its slot.

    They count when a framework is first imported.

    Args:
        slot: The slot.
        given: The environment that they are added to; what it says of threads and platforms is left alone.
    """
    pinned: dict[str, str] = {}
    free = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if slot.visible is not None:
        pinned[VISIBLE] = slot.visible
    if slot.visible == "":
        free["JAX_PLATFORMS"] = "cpu"  # it would warn that it finds no GPU
    if slot.gpu is not None:
        if slot.memory_mib is None:
            free["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{GPU_SHARE}"
        else:
            pinned[MEMORY_VARIABLE] = f"{slot.memory_mib}"
            pinned["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{slot.memory_mib / slot.gpu.memory_mib:.4f}"
    if slot.threads is not None:
        free |= dict.fromkeys(_THREADS, f"{slot.threads}")
    return {name: value for name, value in free.items() if name not in given} | pinned


def hand_over(slot: Slot) -> dict[str, str]:
    """Return the variable that tells a worker which slot it was launched for."""
    return {_SLOT_VARIABLE: to_json(asdict(slot))}


def handed_over(environment: Mapping[str, str]) -> Slot | None:
    """Return the slot that this process was launched for; None for one that a person started."""
    text = environment.get(_SLOT_VARIABLE)
    if not text:
        return None
    record = json.loads(text)
    gpu = record["gpu"]
    if gpu is not None:
        gpu = Gpu(**gpu | {"capability": tuple(gpu["capability"])})
    return Slot(**record | {"gpu": gpu})


def describe(slot: Slot, cpus: int | None = None) -> str:
    """Return one line that says what a slot trains on."""
    parts = [slot.device]
    if slot.gpu is not None:
        parts = [f"{slot.device} ({slot.gpu.uuid}, {slot.gpu.memory_mib:,} MiB)"]
        if slot.memory_mib is not None:
            parts.append(f"shared by {slot.sharing} workers, {slot.memory_mib:,} MiB for this one")
    threads = slot.threads or cpus or usable_cpus()
    parts.append(f"{threads} CPU thread{'' if threads == 1 else 's'}")
    which = f"worker {slot.index + 1} of {slot.total} runs on " if slot.total > 1 else "runs on "
    return which + ", ".join(parts)


def names(slots: Sequence[Slot]) -> list[str]:
    """Return a short name for each slot, for the beginning of its lines in a log."""
    width = len(f"{len(slots)}")
    return [f"worker {slot.index + 1:>{width}}" for slot in slots]
