"""The NVIDIA GPUs of this machine, as NVML tells them: asked here alone, and replaced by tests."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from studyhall.studies.errors import StudyhallError

MIB = 2**20  # bytes


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    `index` is nvidia-smi's number, `uuid` begins with "GPU-", `memory_mib` is all of its memory in MiB, and
    `capability` is CUDA's (major, minor).
    """

    index: int
    uuid: str
    name: str
    memory_mib: int
    capability: tuple[int, int]


class NvmlUnavailableError(StudyhallError):
    """NVML cannot be asked: its Python package or the driver is missing, or does not answer."""


def all_gpus() -> tuple[Gpu, ...]:
    """Return every GPU of this machine, or of the container we are in, in the order of nvidia-smi.

    Raises:
        NvmlUnavailableError: Nobody can tell.
    """
    try:
        nvml = import_module("pynvml")
    except ModuleNotFoundError:
        raise NvmlUnavailableError(
            "GPUs cannot be found without the package nvidia-ml-py: pip install 'studyhall[gpu]'"
        ) from None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise NvmlUnavailableError(
            f"No NVIDIA driver answers here ({error}): install it, or use --gpus none"
        ) from error
    try:
        return tuple(_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError as error:
        raise NvmlUnavailableError(
            f"The NVIDIA driver does not list its GPUs ({error}): see what nvidia-smi says"
        ) from error
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Gpu(
        index=index,
        uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
        name=_text(nvml.nvmlDeviceGetName(handle)),
        memory_mib=int(nvml.nvmlDeviceGetMemoryInfo(handle).total) // MIB,
        capability=tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle)),
    )


def _text(answer: str | bytes) -> str:
    return answer.decode() if isinstance(answer, bytes) else answer  # bytes before nvidia-ml-py 11.515
