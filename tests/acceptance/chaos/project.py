"""The study of a storm: trials about as cheap as Keras has them, which note for themselves what
they train.
"""

from collections import Counter
from pathlib import Path

MODEL = '''
import os
import time

import keras
import numpy as np


class Notes(keras.callbacks.Callback):
    """Notes each epoch that is trained, before anybody else hears of it; one write of O_APPEND is whole."""

    def __init__(self, trial):
        super().__init__()
        self.trial = trial

    def on_train_batch_begin(self, batch, logs=None):
        time.sleep(PAUSE)

    def on_epoch_end(self, epoch, logs=None):
        file = os.open(os.environ["CHAOS_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{self.trial} {epoch + 1} {time.time()}\\n".encode())
        os.close(file)


def build(hp):
    trial = repr(hp.Float("rate", 1e-3, 1e-1))  # no two trials have the same one
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(float(trial), momentum=0.9), loss="mse", run_eagerly=True)
    fit = model.fit
    model.fit = lambda *args, callbacks=(), **kwargs: fit(*args, callbacks=[Notes(trial), *callbacks], **kwargs)
    return model


def load():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(64, 4)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    return (x[:48], y[:48]), (x[48:], y[48:])
'''

STUDY = """
name = "storm"
hypermodel = "storm_model.py:build"
sampler = "random"
pruner = "none"
{scheduler}
data = {{ source = "storm_model.py:load" }}
search = {{ trials = {trials}, seed = 7 }}
training = {{ epochs = {epochs}, batch_size = 16, early_stopping = false, reduce_learning_rate = false }}
"""


def write(folder: Path, *, trials: int, epochs: int, pause: float, factor: int | None = None) -> Path:
    """Write the study and its HyperModel, each batch of which takes `pause` seconds; return the
    study's file. With a `factor` its trials pause at rungs.
    """
    (folder / "storm_model.py").write_text(MODEL.replace("PAUSE", f"{pause}"), encoding="utf-8")
    study = folder / "storm.toml"
    scheduler = "" if factor is None else f'scheduler = {{ name = "asha", reduction_factor = {factor} }}'
    study.write_text(STUDY.format(trials=trials, epochs=epochs, scheduler=scheduler), encoding="utf-8")
    return study


def notes_of(folder: Path) -> list[tuple[str, int, float]]:
    """Return what was trained: trial, epoch (from 1), and when."""
    path = folder / "notes"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(trial, int(epoch), float(when)) for trial, epoch, when in map(str.split, lines)]


def times_trained(folder: Path) -> Counter[tuple[str, int]]:
    """Count how often each epoch of each trial was trained to its end."""
    return Counter((trial, epoch) for trial, epoch, _ in notes_of(folder))
