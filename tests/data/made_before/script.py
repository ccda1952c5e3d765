"""A script of a person who searches with the Tuner; run again with more trials, it goes on."""

import sys
from pathlib import Path

import my_model

from studyhall.search import Tuner


def search(folder, trials):
    tuner = Tuner(
        my_model.Line(),
        "val_loss",
        max_trials=trials,
        seed=7,
        directory=folder,
        study_name="script",
        keep_models=1,
        enqueue=[{"units": 3, "rate": 0.01}],
    )
    train, validation = my_model.load(32)
    tuner.search(*train, validation_data=validation, epochs=2, batch_size=8, verbose=0)
    return tuner


if __name__ == "__main__":
    search(Path(), int(sys.argv[1]))
