"""The ways of feeding one network that the benchmarks compare, and the clock they are timed with.

- `array`: Keras's `fit` on mixtures that lie in memory as float32, the ceiling of `fit`;
- `generator`: the seeds' way, a Python generator over float32 images that draws the indices of one batch at a
time;
- `host`: Studyhall's batches, composed from uint8 by the host;
- `device`: Studyhall's batches, composed from uint8 by the device in the compiled step, several of them at
once (`device-4`: 4).
"""

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from studyhall.data.batches import MixtureBatches
from studyhall.data.mixtures import Mix, compose, draw_pairs, generator
from studyhall.data.sources import Images
from studyhall.models.architecture import Architecture
from studyhall.models.network import build_network
from studyhall.models.presets import find_preset
from studyhall.search.devices.setup import Feeding, use_compilation
from studyhall.search.training.resident import resident

MIX: Mix = "mean"
NETWORKS = {  # else a preset's name
    "quickstart": Architecture(filters=8, upsampling="nearest"),
    "tiny": Architecture(filters=2, pools=1, convolutions=1, normalisation="none"),
}

Epoch = Callable[[], tuple[float, float]]
"""Trains one epoch and returns its seconds: on the wall, and of CPU in all threads."""


def architecture_of(network: str) -> Architecture:
    """Return the quickstart's architecture or a preset's, with the sources as channels whatever the preset's
    layout.
    """
    if network in NETWORKS:
        return NETWORKS[network]
    return Architecture(**find_preset(network).architecture.hyperparameters())  # type: ignore[arg-type]


def compiled(architecture: Architecture, learning_rate: float = 1e-3) -> Any:
    """Return a network, compiled as Studyhall compiles its own."""
    model = build_network(architecture)
    model.compile(keras.optimizers.Adam(learning_rate), "mse")
    use_compilation(model)
    return model


def ways(
    names: list[str], images: Images, architecture: Architecture, batch_size: int, samples: int
) -> tuple[dict[str, Epoch], contextlib.ExitStack]:
    """Return an epoch of each way, all of the same network, and what is to be closed after the last
    of them.
    """
    open_ways = contextlib.ExitStack()
    model = compiled(architecture)
    batches = MixtureBatches(images, mix=MIX, batch_size=batch_size, samples=samples, seed=0, stream="train")
    found: dict[str, Epoch] = {}
    for name in names:
        if name == "array":
            x, y = _array(images, samples)
            found[name] = timed(model, x=x, y=y, batch_size=batch_size)
        elif name == "generator":
            drawn = one_batch_at_a_time(images, batch_size)
            found[name] = timed(model, x=drawn, steps_per_epoch=samples // batch_size, shuffle=False)
        elif name == "host":
            found[name] = timed(model, x=batches, shuffle=False)
        else:
            own = compiled(architecture)  # a network that is fed on the device is compiled for nothing else
            usual = Feeding(resident=True).most_mixtures // batch_size
            together = max(1, min(int(name.partition("-")[2] or usual), samples // batch_size))
            train, _ = open_ways.enter_context(resident(own, batches, batches, together))
            found[name] = timed(own, x=train, shuffle=False)
    return found, open_ways


def timed(model: Any, **arguments: Any) -> Epoch:
    """Return an epoch of `fit`, timed from the epoch's begin to its end: without what `fit` sets up
    before.
    """

    class Clocks(keras.callbacks.Callback):  # type: ignore[misc]
        wall = cpu = 0.0

        def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.wall, self.cpu = -time.perf_counter(), -time.process_time()

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.wall += time.perf_counter()
            self.cpu += time.process_time()

    def epoch() -> tuple[float, float]:
        clocks = Clocks()
        model.fit(**arguments, epochs=1, verbose=0, callbacks=[clocks])
        return clocks.wall, clocks.cpu

    return epoch


def one_batch_at_a_time(images: Images, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """Yield mixtures as the seeds' generators make them: from padded float32 images, with NumPy's global
    state.
    """
    digits, items = (
        np.pad(array.astype(np.float32) / 255, ((0, 0), (2, 2), (2, 2)))
        for array in (images.digits, images.items)
    )
    while True:
        digit = digits[np.random.randint(0, len(digits), batch_size)]
        item = items[np.random.randint(0, len(items), batch_size)]
        yield ((digit + item) / 2)[..., None], np.stack([digit, item], axis=-1)


def _array(images: Images, samples: int) -> tuple[Any, Any]:
    digits, items = draw_pairs(generator(0, "train", 0), images, samples)
    return compose(images.digits[digits], images.items[items], MIX)


def interleaved(epochs: Mapping[str, Epoch], repetitions: int) -> dict[str, list[tuple[float, float]]]:
    """Time each way so many times, in turns that begin with another one each; a first turn compiles and is
    dropped.
    """
    names = list(epochs)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for turn in range(repetitions + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            taken = epochs[name]()
            if turn > 0:
                seconds[name].append(taken)
    return seconds


def spread(values: list[float], digits: int = 1) -> dict[str, float]:
    """Return median and range."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def machine() -> dict[str, Any]:
    """Return what a figure depends on beside the code: backend, device, versions, load."""
    backend = keras.backend.backend()
    return {
        "backend": backend,
        "device": device(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "numpy": np.__version__,
            backend: __import__(backend).__version__,
        },
        "load": round(os.getloadavg()[0], 2),
    }


def device() -> str:
    """Return the name of the device that Keras trains on."""
    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    return str(keras.distribution.list_devices()[0])
