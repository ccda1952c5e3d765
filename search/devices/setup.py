"""What a training process first does to its device: memory limits, precision and compilation."""

import os
import sys
from dataclasses import dataclass
from typing import Any

import keras

from studyhall.search.devices.slots import MEMORY_VARIABLE

TENSOR_CORES = (7, 0)  # CUDA's capability from which float16 is fast
BFLOAT16_CORES = (8, 0)  # and bfloat16, which needs no loss scaling


@dataclass(frozen=True)
class Numerics:
    """How a device computes: Keras's dtype policy, and whether XLA compiles what leaves that open."""

    dtype_policy: str
    xla: bool


@dataclass(frozen=True)
class Feeding:
    """Where built-in mixtures are composed: on the device, which then holds the images, or by the host.

    On the device one execution takes several batches, of `most_mixtures` together at most: few enough that a
    worker which is told to stop does so within seconds on a slow GPU too.
    """

    resident: bool
    most_mixtures: int = 1024


def prepare_device() -> None:
    """Hold TensorFlow to the slot's share of its GPU, or let it take memory as it needs it.

    Call it before anything runs on the device. JAX reads variables of the environment instead; where it
    trains, TensorFlow, which KerasTuner imports too, gets no GPU at all. Without a GPU nothing happens.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    if keras.backend.backend() != "tensorflow":
        tensorflow.config.set_visible_devices([], "GPU")
        return
    gpus = tensorflow.config.list_physical_devices("GPU")
    limit = os.environ.get(MEMORY_VARIABLE)
    for gpu in gpus:
        if limit is None:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
        else:
            share = tensorflow.config.LogicalDeviceConfiguration(memory_limit=int(limit))
            tensorflow.config.set_logical_device_configuration(gpu, [share])


def capability() -> tuple[int, int] | None:
    """Return CUDA's capability of the GPU that Keras trains on, as in (9, 0); None without one."""
    # Not list_devices("gpu"): where there is none, JAX raises.
    if all(name.lower().startswith("cpu") for name in keras.distribution.list_devices()):
        return None
    if keras.backend.backend() == "jax":
        import jax

        major, _, minor = str(getattr(jax.devices()[0], "compute_capability", "")).partition(".")
        return (int(major), int(minor)) if minor.isdecimal() else None
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        details = tensorflow.config.experimental.get_device_details(
            tensorflow.config.list_physical_devices("GPU")[0]
        )
        found = details.get("compute_capability")
        return None if found is None else (int(found[0]), int(found[1]))
    return None


def numerics(precision: str, backend: str, gpu: tuple[int, int] | None) -> Numerics:
    """Choose how a device computes.

    Args:
        precision: What the definition says: "float32"; "mixed", which is half precision wherever it trains;
            or "auto", which is that on GPUs that gain from it.
        backend: Keras's backend.
        gpu: CUDA's capability of the GPU, None for CPUs.
    """
    policy = "float32"
    if precision == "mixed" or (precision == "auto" and gpu is not None and gpu >= TENSOR_CORES):
        policy = "mixed_float16" if gpu is not None and gpu < BFLOAT16_CORES else "mixed_bfloat16"
    # TensorFlow's XLA on CPUs takes twice as long for a step of a convolutional network, and seconds more for
    # the first.
    return Numerics(policy, xla=backend == "jax" or gpu is not None)


def feeding(gpu: tuple[int, int] | None) -> Feeding:
    """Choose where mixtures are composed, given CUDA's capability of the GPU, None for CPUs.

    On CPUs the host composes them while a step runs, and a step takes as long as on arrays in memory.
    """
    return Feeding(resident=gpu is not None)


def use_compilation(model: Any) -> None:
    """Turn XLA off in a compiled model where the device is slower with it.

    Keras does not tell whether somebody asked for XLA or its default is on, so that either is turned off.
    """
    if not numerics("float32", keras.backend.backend(), capability()).xla and getattr(
        model, "jit_compile", False
    ):
        model.jit_compile = False


def facts(model: Any) -> dict[str, Any]:
    """Return how a model computes here, for its trial's record."""
    return {"precision": model.dtype_policy.name, "xla": bool(getattr(model, "jit_compile", False))}
