"""Scripts that people write for KerasTuner, run with it and, by the import alone, with Studyhall.

python -m tests.acceptance.kerastuner_runs            # the table of docs/kerastuner-scripts.md
python -m tests.acceptance.kerastuner_runs hyperband  # what one script finds, both times
"""

import contextlib
import io
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

SCRIPTS = Path(__file__).with_name("kerastuner_scripts")

NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py"))

# Where a script's import names KerasTuner, ours names this.
OURS = "studyhall.search"


def source(name: str) -> str:
    """The script as it was written."""
    return (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")


def by_our_import(text: str) -> str:
    """The script with its imports of KerasTuner replaced by ours, and nothing else."""
    text = re.sub(r"^import keras_tuner$", f"import {OURS} as keras_tuner", text, flags=re.MULTILINE)
    text = re.sub(r"^import keras_tuner as", f"import {OURS} as", text, flags=re.MULTILINE)
    return re.sub(r"^from keras_tuner(\.tuners)? import", f"from {OURS} import", text, flags=re.MULTILINE)


def changed_lines(name: str) -> list[tuple[str, str]]:
    """The lines that differ between the two, as (KerasTuner's, ours)."""
    text = source(name)
    return [
        (before, after)
        for before, after in zip(text.splitlines(), by_our_import(text).splitlines(), strict=True)
        if before != after
    ]


@contextlib.contextmanager
def _in_a_folder() -> Iterator[None]:
    """Work in a folder of its own, which is removed."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield


def run(name: str, *, ours: bool) -> Any:
    """What a script leaves in its variable `results`.

    Compiling costs TensorFlow more than training does with such models, and so does the collection of
    garbage before each of Keras's models. Neither is done here.
    """
    import keras
    import tensorflow as tf

    text = source(name)
    eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with (
            _in_a_folder(),
            mock.patch("gc.collect"),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            keras.utils.set_random_seed(1)
            names: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(by_our_import(text) if ours else text, f"{name}.py", "exec"), names)
            return form(names["results"])
    finally:
        tf.config.run_functions_eagerly(eagerly)
        keras.backend.clear_session(free_memory=False)


def form(found: Any, *, depth: int = 0) -> Any:
    """What results are like: keys, numbers of items, their types, shapes and order; no values.

    But for sets, which hold names, for what is called "number of ...", and for what is said to be true.
    """
    import keras

    if isinstance(found, Mapping):
        return {
            key: value if str(key).startswith("number of ") else form(value, depth=depth + 1)
            for key, value in sorted(found.items())
        }
    if isinstance(found, set):
        return sorted(found)
    if isinstance(found, bool | np.bool_) and depth == 1:
        return bool(found)
    if isinstance(found, keras.Model):
        # The first dimension is the batch's: KerasTuner leaves the last one's size there, we leave it open.
        taken, given = ([each.shape[1:] for each in ends] for ends in (found.inputs, found.outputs))
        return f"{taken} -> {given}"
    if isinstance(found, float):
        return "float"  # numpy's is one
    if hasattr(found, "shape") and found.shape:
        return f"{found.dtype} {tuple(found.shape)}"
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [form(value, depth=depth) for value in found]
    return type(found).__name__


@dataclass(frozen=True)
class Comparison:
    """How a script went with both."""

    name: str
    theirs: Any
    ours: Any

    @property
    def same(self) -> bool:
        """Whether the results have the same form."""
        return bool(self.theirs == self.ours)

    @property
    def row(self) -> str:
        """Its line of the table."""
        what = source(self.name).split('"""')[1].splitlines()[0].replace("|", "\\|")
        lines = "; ".join(f"`{after}`" for _, after in changed_lines(self.name))
        path = f"../tests/acceptance/kerastuner_scripts/{self.name}.py"
        return f"| [{self.name}]({path}) | {what} | {lines} | {'the same' if self.same else 'another'} |"


def compare(name: str) -> Comparison:
    """Run a script with KerasTuner and with Studyhall."""
    return Comparison(name, run(name, ours=False), run(name, ours=True))


HEAD = ["| script | what it does | the line that is changed | form of the results |", "|---|---|---|---|"]


def main(names: Sequence[str]) -> None:
    """Print the table; or, of scripts that are named, the form of what they find."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not names:
        print("\n".join([*HEAD, *(compare(name).row for name in NAMES)]))  # noqa: T201
    for name in names:
        began = time.process_time()
        theirs = run(name, ours=False)
        print(f"{name}\n  KerasTuner: {theirs}  {time.process_time() - began:.1f} s")  # noqa: T201
        began = time.process_time()
        print(f"  Studyhall:  {run(name, ours=True)}  {time.process_time() - began:.1f} s")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
