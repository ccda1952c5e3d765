"""Keras's global state, prepared in one place for a trial, a check, a retraining and an appraisal."""

from typing import Any

import keras
import keras_tuner

from studyhall.search.devices.setup import capability, numerics
from studyhall.search.user.phases import Phase, during
from studyhall.search.user.workload import Workload
from studyhall.studies.definition import Definition
from studyhall.studies.definition.training_sections import UNCHOSEN_PRECISION
from studyhall.studies.errors import UserCodeError


def prepare(definition: Definition, workload: Workload, seed: int) -> None:
    """Clear what earlier models left, and set what the user's code and the definition ask for.

    Args:
        definition: The study's, for its `training.precision`.
        workload: Its HyperModel and data; what their modules set in Keras when they were imported holds
            again.
        seed: Of all generators of random numbers.

    Raises:
        UserCodeError: The definition and the user's code ask for different precisions.
    """
    keras.utils.clear_session(free_memory=True)
    workload.settings.apply()
    precision = definition.training.precision
    if precision != UNCHOSEN_PRECISION:
        policy = numerics(precision, keras.backend.backend(), capability()).dtype_policy
        own = workload.settings.dtype_policy
        if own is not None and own != policy:
            raise UserCodeError(
                f"training.precision is '{precision}', which is {policy} here, but the code of "
                f"{definition.hypermodel.path} and {definition.data.source} sets the dtype policy {own}: remove one of "
                "them"
            )
        keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(seed)


def built(definition: Definition, workload: Workload, hp: keras_tuner.HyperParameters) -> Any:
    """Return the model that a study's HyperModel builds of hyperparameters.

    Raises:
        UserCodeError: It returns something else.
    """
    with during(Phase.BUILD):
        model = workload.hypermodel.build(hp)
    if not isinstance(model, keras.Model):
        raise UserCodeError(
            f"{definition.hypermodel.path} must return a keras.Model from build(hp), not {type(model).__name__}"
        )
    return model
