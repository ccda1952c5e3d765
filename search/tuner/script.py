"""What stands in a study's definition for a model and data that live in a running script.

The studies of `studyhall.search.Tuner` name the two functions below. Only the script that made such a study
can train its trials: a worker that is started on one says so.
"""

from typing import Any, NoReturn

from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import SCRIPTS_HYPERMODEL
from studyhall.studies.errors import UserCodeError

HYPERMODEL = SCRIPTS_HYPERMODEL
DATA = "studyhall.search.tuner.script:data"


def is_script(definition: Definition) -> bool:
    """Whether a study belongs to a script."""
    return definition.hypermodel.path == HYPERMODEL


def hypermodel(hp: Any, **facts: Any) -> NoReturn:
    """Stand for the script's HyperModel.

    Raises:
        UserCodeError: Always.
    """
    raise _elsewhere()


def data(**facts: Any) -> NoReturn:
    """Stand for what the script gives to `Tuner.search`.

    Raises:
        UserCodeError: Always.
    """
    raise _elsewhere()


def _elsewhere() -> UserCodeError:
    return UserCodeError(
        "this study's model and data are in a script that uses studyhall.search.Tuner: start that script again, "
        "as often as there are devices"
    )
