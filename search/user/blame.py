"""One line for what fails in a study's code: in which phase, what was expected, what came, and where."""

import linecache
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from studyhall.search.user.errors import user_frames, user_location
from studyhall.search.user.given import Given
from studyhall.search.user.keras_words import in_short, name_missed
from studyhall.search.user.mismatch import mismatch
from studyhall.search.user.phases import Phase, phase_of


@dataclass(frozen=True)
class Blame:
    """Says whose fault an error is.

    Args:
        builds: The code that builds the model, as people know it: "my_model.py:build".
        source: The data's, as "my_data.py:load".
        folder: That of the user's code.
        built_with: What is added of a build that fails, as " with its default hyperparameters".
        trained_on: What is added of a training that fails, as " on two batches".
    """

    builds: str
    source: str
    folder: Path
    built_with: str = ""
    trained_on: str = ""

    def line(self, error: BaseException, given: Given | None = None) -> str:
        """Return the line for an error that the user's code, or Keras in its name, has raised.

        Args:
            error: What was raised, noted with its phase.
            given: The data, if they were there.
        """
        phase, message = phase_of(error) or Phase.BUILD, f"{error}"
        fits = phase is Phase.FIT
        told = mismatch(message, (given or Given(self.source, None)) if fits else None)
        told = told or name_missed(error) or (_called_wrongly(message) if fits else None) or _named(error)
        where = user_location(error, self.folder)
        return f"{self._subject(error, phase)}: {told}" + (f" ({where})" if where else "")

    def _subject(self, error: BaseException, phase: Phase) -> str:
        ends = " ends its process" if isinstance(error, SystemExit) else " fails"
        if _is_of_data(error):
            phase = Phase.DATA
        elif _compiles(error, self.folder):
            return f"model.compile() fails in {self.builds}"
        match phase:
            case Phase.DATA:
                return f"{self.source}{ends}"
            case Phase.FIT:
                return f"training{ends}{self.trained_on}"
            case Phase.SAVE:
                return "the model cannot be saved"
        return f"{self.builds}{ends}{self.built_with}"


def _named(error: BaseException) -> str:
    """Return an error's type and message; the message of what ends the process says enough."""
    text = in_short(error)
    if _is_of_data(error):
        return text  # TensorFlow's own type says nothing
    kind = type(error).__name__
    return text if isinstance(error, SystemExit) else f"{kind}: {text}" if text else kind


def _called_wrongly(message: str) -> str | None:
    """Say how a `fit` of the user's own must take or pass on what it is given."""
    if found := re.search(r"(\w+)\.fit\(\) got an unexpected keyword argument '(\w+)'", message):
        owner, name = found.groups()
        if not owner.endswith("Trainer"):
            return f"{owner}.fit() takes no '{name}': let it take **kwargs, and pass them on to model.fit()"
    if found := re.search(r"fit\(\) got multiple values for keyword argument '(\w+)'", message):
        name = found[1]
        if name == "callbacks":
            return (
                "fit() gives model.fit() callbacks of its own and, in **kwargs, those that it was given: join them, as in "
                "callbacks=[*kwargs.pop('callbacks'), mine]"
            )
        return (
            f"fit() gives model.fit() {name}= twice, by itself and in **kwargs: take it out of kwargs first"
        )
    return None


def _is_of_data(error: BaseException) -> bool:
    """Whether Python code within a tf.data.Dataset failed, as a generator does."""
    return "/tensorflow/python/ops/script_ops.py" in f"{error}"


def _compiles(error: BaseException, folder: Path) -> bool:
    """Whether `compile` of Keras was given what it cannot take.

    The last line of the user's that was running calls it; or a loss or metric is not known, which Keras finds
    out when it begins to train.
    """
    if re.search("Could not interpret (?:loss|metric) identifier", f"{error}"):
        return True
    frames = user_frames(error, folder)
    if not frames:
        return False
    every = traceback.extract_tb(error.__traceback__)
    later = every[every.index(frames[-1]) + 1 :]
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0)
    return ".compile(" in line and all("keras" in each.filename for each in later)
