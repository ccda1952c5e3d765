"""The GPUs that this process may use, and those of them that somebody names on the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from studyhall.search.devices.nvml import Gpu, NvmlUnavailableError, all_gpus
from studyhall.studies.errors import StudyhallError

VISIBLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/dev/nvidiactl")  # there where the driver is loaded, in containers too


class DeviceError(StudyhallError):
    """A device was asked for that this machine does not have, or cannot share out."""


def usable_gpus(environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA would show to a program with this environment; none where nobody can tell."""
    try:
        return visible(all_gpus(), environment.get(VISIBLE))
    except NvmlUnavailableError:
        return ()


def may_have_other_devices(environment: Mapping[str, str]) -> bool:
    """Whether CUDA may find what `usable_gpus` does not: a MIG instance, or any GPU without nvidia-ml-py."""
    return _DRIVER.exists() and environment.get(VISIBLE, "all").strip() not in ("", "-1", "none")


def visible(gpus: Sequence[Gpu], names: str | None) -> tuple[Gpu, ...]:
    """Return those of all GPUs that a value of CUDA_VISIBLE_DEVICES leaves, in its order; all for None.

    As CUDA reads it: numbers, or UUIDs or their beginnings; the first name that means no GPU ends the list.
    So does a MIG instance, which is a part of a GPU and nothing that is shared out here. CUDA's numbers are
    NVML's where all GPUs are of one kind.
    """
    if names is None:
        return tuple(gpus)
    found: list[Gpu] = []
    for name in (each.strip() for each in names.split(",")):
        gpu = _named(gpus, name)
        if gpu is None:
            break
        found.append(gpu)
    return tuple(dict.fromkeys(found))


def choose(text: str, environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Return the GPUs that `--gpus` asks for: "none", "all" that are visible, or a list of numbers or UUIDs.

    Raises:
        DeviceError: One of them is not here.
        NvmlUnavailableError: Nobody can tell which are here.
    """
    if text.strip().lower() == "none":
        return ()
    names = environment.get(VISIBLE)
    if names is not None and names.strip().startswith("MIG-"):
        raise DeviceError(
            f"{VISIBLE} names MIG instances, which --gpus cannot share out: leave out --gpus, and start a worker for each"
        )
    here = visible(all_gpus(), names)
    restriction = f" that {VISIBLE}={names} leaves" if names is not None else ""
    if not here:
        raise DeviceError(f"There is no GPU here{restriction}: use --gpus none")
    if text.strip().lower() == "all":
        return here
    wanted = [each.strip() for each in text.split(",")]
    found = [_named(here, each) for each in wanted]
    if None in found:
        listed = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in here)
        raise DeviceError(
            f"There is no GPU {wanted[found.index(None)]!r} among those here{restriction}: {listed}; "
            "use --gpus all, --gpus none, or some of these numbers, as in --gpus 0,2"
        )
    return tuple(dict.fromkeys(gpu for gpu in found if gpu is not None))


def _named(gpus: Sequence[Gpu], name: str) -> Gpu | None:
    if name.isdecimal():
        return next((gpu for gpu in gpus if gpu.index == int(name)), None)
    found = [gpu for gpu in gpus if name.startswith("GPU-") and gpu.uuid.startswith(name)]
    return found[0] if len(found) == 1 else None
