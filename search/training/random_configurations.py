"""A few random configurations of a HyperModel, built to see whether its other branches work."""

import time
from typing import Any

import keras_tuner
import optuna
from optuna.distributions import BaseDistribution

from studyhall.models.errors import ConfigurationError
from studyhall.search.bridge.hyperparameters import TrialHyperParameters
from studyhall.search.core.handle import Start
from studyhall.search.training.warm_start import DryHandle
from studyhall.search.user.keras_settings import clear_session, kept
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.values import Value

CONFIGURATIONS = 5
SECONDS = 10.0  # after which no other one is begun


class RandomHandle(DryHandle):
    """A handle without a study, of a trial whose hyperparameters are drawn at random."""

    def __init__(self, seed: int, trial: optuna.Trial) -> None:
        super().__init__(seed, Start())
        self._trial = trial

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        """Draw a value."""
        return suggest_value(self._trial, name, distribution, value)


def unbuildable(hypermodel: keras_tuner.HyperModel, seed: int) -> list[str]:
    """Build a few random configurations, and return one line for each that fails by an error of the code.

    One that the HyperModel refuses, as with FailedTrialError, is no error.
    """
    optuna_study = _study(seed)
    until = time.monotonic() + SECONDS
    failures = []
    for _ in range(CONFIGURATIONS):
        if time.monotonic() > until:
            break
        clear_session()
        hp = TrialHyperParameters(RandomHandle(seed, optuna_study.ask()))
        try:
            with kept():
                hypermodel.build(hp)
        except (keras_tuner.errors.FailedTrialError, ConfigurationError):
            continue
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises, it cannot build this
            values = ", ".join(f"{name}={_shown(value)}" for name, value in hp.values.items())
            failures.append(
                f"{values or 'a configuration'}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
            )
        if not hp.space:
            break
    return failures


def _study(seed: int) -> optuna.Study:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    finally:
        optuna.logging.set_verbosity(before)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"
