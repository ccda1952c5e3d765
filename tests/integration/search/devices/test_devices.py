"""Which GPUs are here, which of them CUDA shows, and which somebody asks for."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from studyhall.search.devices.gpus import DeviceError, choose, usable_gpus, visible
from studyhall.search.devices.nvml import NvmlUnavailableError, all_gpus
from studyhall.search.devices.setup import Numerics, numerics, prepare_device
from studyhall.search.devices.slots import MEMORY_VARIABLE


class FakeNvml(SimpleNamespace):
    """What is used of the module pynvml, for a machine with some H200s."""

    class NVMLError(Exception):
        """What NVML raises."""

    def __init__(self, count: int, driver: bool = True) -> None:
        super().__init__(open=0)
        self.count, self.driver = count, driver

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("NVML Shared Library Not Found")
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}aaaaaaa-0000"

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return b"NVIDIA H200"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=143771 * 2**20)

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return (9, 0)


Machine = Callable[..., FakeNvml]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes this a machine with so many GPUs."""

    def machine(count: int, driver: bool = True) -> FakeNvml:
        fake = FakeNvml(count, driver)
        monkeypatch.setitem(sys.modules, "pynvml", fake)
        return fake

    return machine


def indices(gpus: Any) -> list[int]:
    return [gpu.index for gpu in gpus]


def test_gpus_are_found_by_their_uuid_and_nvml_is_closed_again(machine: Machine) -> None:
    nvml = machine(2)
    first, second = all_gpus()
    assert (first.uuid, second.uuid) == ("GPU-0aaaaaaa-0000", "GPU-1aaaaaaa-0000")
    assert (second.index, second.name, second.memory_mib, second.capability) == (
        1,
        "NVIDIA H200",
        143771,
        (9, 0),
    )
    assert nvml.open == 0


def test_without_a_driver_there_is_nothing_to_use_and_asking_for_a_gpu_says_why(machine: Machine) -> None:
    machine(0, driver=False)
    assert usable_gpus({}) == ()
    with pytest.raises(NvmlUnavailableError, match=r"No NVIDIA driver .*Not Found.*--gpus none"):
        choose("all", {})
    assert choose("none", {}) == ()


def test_without_the_package_asking_for_a_gpu_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert usable_gpus({}) == ()
    with pytest.raises(NvmlUnavailableError, match=r"pip install 'studyhall\[gpu\]'"):
        choose("0", {})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (None, list(range(8))),
        ("", []),
        ("-1", []),
        ("5,2", [5, 2]),
        ("2, 2", [2]),
        ("1,99,3", [1]),  # as CUDA does: the first name that means nothing ends the list
        ("GPU-3aa,GPU-1aaaaaaa-0000", [3, 1]),
        ("GPU-", []),  # means several
        ("MIG-3aa,1", []),
    ],
)
def test_only_gpus_that_cuda_would_show_are_used(
    machine: Machine, names: str | None, expected: list[int]
) -> None:
    machine(8)
    assert indices(visible(all_gpus(), names)) == expected


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("all", None, [0, 1]),
        ("ALL", "1", [1]),
        ("1,0", None, [1, 0]),
        (" 1 , GPU-1aa ", None, [1]),
        ("none", None, []),
        ("none", "MIG-1", []),
    ],
)
def test_gpus_are_chosen_by_number_or_uuid(
    machine: Machine, text: str, names: str | None, expected: list[int]
) -> None:
    machine(2)
    environment = {} if names is None else {"CUDA_VISIBLE_DEVICES": names}
    assert indices(choose(text, environment)) == expected


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("0,2", None, r"no GPU '2' .*: 0 \(NVIDIA H200\), 1 \(NVIDIA H200\); use --gpus all"),
        ("0", "1", r"no GPU '0' .*CUDA_VISIBLE_DEVICES=1 leaves: 1 \(NVIDIA H200\)"),
        ("some", None, "no GPU 'some'"),
        ("", None, "no GPU ''"),
        ("all", "", "no GPU here that CUDA_VISIBLE_DEVICES= leaves: use --gpus none"),
        ("all", "MIG-1,MIG-2", "names MIG instances, which --gpus cannot share out: leave out --gpus"),
    ],
)
def test_a_gpu_that_is_not_here_is_refused_with_those_that_are(
    machine: Machine, text: str, names: str | None, said: str
) -> None:
    machine(2)
    with pytest.raises(DeviceError, match=said):
        choose(text, {} if names is None else {"CUDA_VISIBLE_DEVICES": names})


@pytest.mark.parametrize(
    ("precision", "backend", "gpu", "expected"),
    [
        ("float32", "tensorflow", None, Numerics("float32", xla=False)),
        ("float32", "tensorflow", (9, 0), Numerics("float32", xla=True)),
        ("float32", "jax", None, Numerics("float32", xla=True)),
        ("auto", "tensorflow", None, Numerics("float32", xla=False)),
        ("auto", "tensorflow", (6, 1), Numerics("float32", xla=True)),
        ("auto", "tensorflow", (7, 5), Numerics("mixed_float16", xla=True)),
        ("auto", "jax", (8, 0), Numerics("mixed_bfloat16", xla=True)),
        ("mixed", "tensorflow", (7, 0), Numerics("mixed_float16", xla=True)),
        ("mixed", "tensorflow", None, Numerics("mixed_bfloat16", xla=False)),
    ],
)
def test_precision_and_compilation_suit_the_device(
    precision: str, backend: str, gpu: tuple[int, int] | None, expected: Numerics
) -> None:
    assert numerics(precision, backend, gpu) == expected


class FakeTensorFlow:
    """What is used of TensorFlow's configuration, for a machine with two GPUs; remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.config = SimpleNamespace(
            list_physical_devices=lambda kind: [f"{kind}:0", f"{kind}:1"],
            set_visible_devices=lambda devices, kind: self.told.append(("visible", devices, kind)),
            LogicalDeviceConfiguration=lambda memory_limit: memory_limit,
            set_logical_device_configuration=lambda gpu, shares: self.told.append(("share", gpu, shares)),
            experimental=SimpleNamespace(
                set_memory_growth=lambda gpu, grows: self.told.append(("growth", gpu, grows))
            ),
        )


@pytest.mark.parametrize(
    ("backend", "limit", "told"),
    [
        ("tensorflow", None, [("growth", "GPU:0", True), ("growth", "GPU:1", True)]),
        ("tensorflow", "4096", [("share", "GPU:0", [4096]), ("share", "GPU:1", [4096])]),
        ("jax", "4096", [("visible", [], "GPU")]),
    ],
)
def test_tensorflow_is_held_to_its_share_of_the_gpus(
    monkeypatch: pytest.MonkeyPatch, backend: str, limit: str | None, told: list[tuple[Any, ...]]
) -> None:
    fake = FakeTensorFlow()
    monkeypatch.setitem(sys.modules, "tensorflow", fake)
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    if limit is None:
        monkeypatch.delenv(MEMORY_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(MEMORY_VARIABLE, limit)
    prepare_device()
    assert fake.told == told
