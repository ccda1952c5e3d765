"""The search space of a Tuner's study, on record: who only reads the study need not build a model."""

import keras_tuner

from studyhall.studies.database.attributes import SPACE
from studyhall.studies.study.study import Study


def record_space(study: Study, space: keras_tuner.HyperParameters) -> None:
    """Write a search space to its study, with what other processes have recorded and this one has not met."""
    before = _recorded(study)
    whole = space.copy()
    if before is not None:
        whole.merge(before, overwrite=False)
    after = whole.get_config()["space"]
    if before is None or after != before.get_config()["space"]:
        study.optuna().set_user_attr(SPACE, after)


def recall_space(study: Study, space: keras_tuner.HyperParameters) -> None:
    """Add the space that a study has on record to what is known.

    Args:
        study: The study.
        space: What is known by now; its own entries stay as they are.
    """
    recorded = _recorded(study)
    if recorded is not None:
        space.merge(recorded, overwrite=False)


def _recorded(study: Study) -> keras_tuner.HyperParameters | None:
    found = study.attribute(SPACE)
    if found is None:
        return None
    return keras_tuner.HyperParameters.from_config({"space": found, "values": {}})
