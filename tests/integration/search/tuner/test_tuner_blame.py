"""What a script's author reads where the Tuner fails: one line, and no lines but the script's own."""

import threading
import traceback
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from studyhall.search import Tuner
from studyhall.search.tuner.errors import SearchFailedError

X = np.zeros((16, 4), "float32")
LIBRARIES = ("/keras/", "/keras_tuner/", "/search/training/", "/search/workers/", "/search/bridge/")


class Locked(keras.callbacks.Callback):  # type: ignore[misc]
    """Cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def build(hp: Any, features: int = 4) -> Any:
    model = keras.Sequential([keras.layers.Input((features,)), keras.layers.Dense(hp.Int("units", 1, 9))])
    model.add(keras.layers.Dense(1, name="last"))
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def search(folder: Path, build: Any, trials: int = 3, **fit: Any) -> Any:
    tuner = Tuner(build, objective="loss", max_trials=trials, directory=folder, sampler="random")
    tuner.search(X, X[:, :1], verbose=0, **fit)
    return tuner


def shown(caught: pytest.ExceptionInfo[Any]) -> str:
    """What Python would print of the error."""
    return "".join(traceback.format_exception(caught.value))


def test_wrong_data_are_blamed_on_search_in_one_line_without_librarys_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SearchFailedError) as caught:
        search(tmp_path, lambda hp: build(hp, 5))
    line = (
        "training fails: layer 'dense' expects 5 features, search() gives float32 (16, 4); fix it and start again: "
        "the queue is kept"
    )
    assert f"{caught.value}".endswith(line)
    text = shown(caught)
    assert text.count("Traceback (most recent call last)") == 1
    assert not [each for each in LIBRARIES if each in text]
    assert "expected axis -1 of input shape" in caught.value.details
    monkeypatch.setenv("STUDYHALL_TRACEBACK", "1")
    with pytest.raises(SearchFailedError) as caught:
        search(tmp_path / "again", lambda hp: build(hp, 5))
    assert "expected axis -1 of input shape" in shown(caught)


def test_an_error_of_build_itself_is_shown_at_the_scripts_own_line(tmp_path: Path) -> None:
    def broken(hp: Any) -> Any:
        return {"units": 3}["nothing of that name"]

    with pytest.raises(KeyError) as caught:
        search(tmp_path, broken)
    assert 'return {"units": 3}["nothing of that name"]' in shown(caught)
    assert not [each for each in LIBRARIES if each in shown(caught)]


def test_choices_that_cannot_be_kept_are_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(
        TypeError, match=r"write hp.Choice\('rate', \['none', '0.5'\]\), and look up"
    ) as caught:
        search(tmp_path, lambda hp: hp.Choice("rate", [None, 0.5]))
    assert not [each for each in LIBRARIES if each in shown(caught)]


def test_callbacks_that_cannot_be_copied_are_made_by_a_function(tmp_path: Path) -> None:
    why = "^Locked cannot be copied for each trial .*: give search.. a function that makes the callbacks"
    with pytest.raises(keras_tuner.errors.FatalValueError, match=why):
        search(tmp_path, build, 1, callbacks=[keras.callbacks.TerminateOnNaN(), Locked()])
    made: list[Locked] = []

    def callbacks() -> list[Locked]:
        made.append(Locked())
        return made[-1:]

    tuner = search(tmp_path, build, 2, callbacks=callbacks)
    assert len(made) == 2
    assert all(trial.status == "COMPLETED" for trial in tuner.oracle.trials.values())
