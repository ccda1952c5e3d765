"""How a machine is divided among workers, and what keeps each of them in its share."""

import pytest

from studyhall.search.devices import slots
from studyhall.search.devices.gpus import DeviceError
from studyhall.search.devices.nvml import Gpu
from studyhall.search.devices.slots import (
    Slot,
    Wish,
    describe,
    environment_of,
    hand_over,
    handed_over,
    plan_slots,
)

SMALL = 8192  # MiB


@pytest.fixture(autouse=True)
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[Gpu]:
    """A machine with two GPUs; a test may change the list."""
    found = [Gpu(index, f"GPU-{index}", "NVIDIA T4", 15360, (7, 5)) for index in range(2)]
    monkeypatch.setattr(slots, "usable_gpus", lambda environment: tuple(found))
    monkeypatch.setattr(slots, "choose", lambda text, environment: () if text == "none" else tuple(found))
    monkeypatch.setattr(slots, "may_have_other_devices", lambda environment: False)
    return found


def placed(planned: tuple[Slot, ...]) -> list[int | None]:
    return [slot.gpu.index if slot.gpu else None for slot in planned]


def test_one_worker_takes_the_first_gpu_all_its_memory_and_all_cpus() -> None:
    (slot,) = plan_slots(Wish(), {}, cpus=8)
    assert (slot.visible, slot.sharing, slot.memory_mib, slot.threads) == ("GPU-0", 1, None, None)


def test_one_worker_without_a_gpu_leaves_the_environment_to_cuda(gpus: list[Gpu]) -> None:
    gpus.clear()
    (slot,) = plan_slots(Wish(), {}, cpus=8)
    assert (slot.gpu, slot.visible) == (None, None)
    assert "CUDA_VISIBLE_DEVICES" not in environment_of(slot, {})
    assert describe(slot, cpus=8) == "runs on CPU, 8 CPU threads"


def test_no_gpus_hides_them_all() -> None:
    (slot,) = plan_slots(Wish(gpus="none"), {}, cpus=8)
    assert environment_of(slot, {})["CUDA_VISIBLE_DEVICES"] == ""
    assert environment_of(slot, {})["JAX_PLATFORMS"] == "cpu"


def test_each_gpu_gets_a_worker_and_the_cpus_are_divided() -> None:
    planned = plan_slots(Wish(gpus="all"), {}, cpus=8)
    assert placed(planned) == [0, 1]
    assert [slot.threads for slot in planned] == [4, 4]
    assert [slot.memory_mib for slot in planned] == [None, None]


def test_slots_share_their_gpu_s_memory() -> None:
    planned = plan_slots(Wish(gpus="all", slots_per_gpu=3), {}, cpus=4)
    assert placed(planned) == [0, 1, 0, 1, 0, 1]
    assert {slot.memory_mib for slot in planned} == {15360 // 3 - slots.CONTEXT_MIB}
    assert {slot.threads for slot in planned} == {1}


def test_workers_are_dealt_out_to_the_gpus_in_turn() -> None:
    planned = plan_slots(Wish(workers=3), {}, cpus=6)
    assert placed(planned) == [0, 1, 0]
    assert [slot.sharing for slot in planned] == [2, 1, 2]
    assert planned[1].memory_mib is None


def test_workers_on_cpus_share_the_cpus() -> None:
    planned = plan_slots(Wish(workers=3, gpus="none"), {}, cpus=8)
    assert placed(planned) == [None] * 3
    assert environment_of(planned[0], {})["TF_NUM_INTRAOP_THREADS"] == "2"
    assert environment_of(planned[0], {})["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(workers=2, slots_per_gpu=2), "give one of them"),
        (Wish(gpus="none", slots_per_gpu=2), "needs a GPU"),
        (
            Wish(gpus="all", slots_per_gpu=13),
            r"GPU 0 \(NVIDIA T4, 15,360 MiB\) is too small for 13 workers: use 12 or",
        ),
    ],
)
def test_what_cannot_be_divided_is_refused(wish: Wish, said: str) -> None:
    with pytest.raises(DeviceError, match=said):
        plan_slots(wish, {}, cpus=8)


def test_as_many_workers_as_the_refusal_names_do_fit() -> None:
    assert len(plan_slots(Wish(gpus="all", slots_per_gpu=12), {}, cpus=8)) == 24


def test_a_slot_pins_its_gpu_and_limits_both_frameworks() -> None:
    first = plan_slots(Wish(gpus="all", slots_per_gpu=2), {}, cpus=8)[0]
    environment = environment_of(first, {"CUDA_VISIBLE_DEVICES": "0,1"})
    assert environment["CUDA_VISIBLE_DEVICES"] == "GPU-0"
    assert environment["STUDYHALL_GPU_MEMORY_MIB"] == "6912"
    assert environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.4500"
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert environment["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_threads_that_somebody_set_are_left_alone() -> None:
    slot = plan_slots(Wish(workers=2), {}, cpus=8)[0]
    environment = environment_of(slot, {"TF_NUM_INTRAOP_THREADS": "1"})
    assert "TF_NUM_INTRAOP_THREADS" not in environment
    assert environment["TF_NUM_INTEROP_THREADS"] == "4"


def test_a_launched_worker_hears_which_slot_it_is_for() -> None:
    for slot in (*plan_slots(Wish(gpus="all", slots_per_gpu=2), {}, cpus=8), Slot(threads=1)):
        assert handed_over(hand_over(slot)) == slot
    assert handed_over({}) is None


def test_a_worker_says_what_it_runs_on() -> None:
    slot = plan_slots(Wish(gpus="all", slots_per_gpu=2), {}, cpus=8)[2]
    assert describe(slot) == (
        "worker 3 of 4 runs on GPU 0 NVIDIA T4 (GPU-0, 15,360 MiB), shared by 2 workers, 6,912 MiB for this one, "
        "2 CPU threads"
    )


def test_a_device_that_nobody_can_tell_is_not_called_a_cpu(
    gpus: list[Gpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus.clear()
    monkeypatch.setattr(slots, "may_have_other_devices", lambda environment: True)
    (slot,) = plan_slots(Wish(), {}, cpus=1)
    assert describe(slot, cpus=1) == "runs on the device that Keras finds, 1 CPU thread"
