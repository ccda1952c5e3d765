"""What a Tuner's search came to: the best trials, their hyperparameters and their models."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial
from keras_tuner.engine.tuner import maybe_distribute

from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.tuner.errors import RELOADED, NoWeightsError
from studyhall.search.tuner.rebuilt_model import build_as_before, load_weights
from studyhall.search.tuner.trial_training import TrialTraining
from studyhall.search.tuner.trials import ranked
from studyhall.search.user.keras_settings import kept
from studyhall.studies.database.attributes import BUILT, METRICS
from studyhall.studies.errors import ArtifactError, UserCodeError
from studyhall.studies.one_line import reason


class SearchResults(TrialTraining):
    """The part of a Tuner that shows and loads what was found."""

    @kept()
    def load_model(self, trial: Trial) -> Any:
        """Return a trial's model, rebuilt by its HyperModel, with the weights of its best epoch.

        Raises:
            NoWeightsError: The trial's weights were not kept, are gone, or are another model's.
            UserCodeError: There is no HyperModel.
        """
        if self.hypermodel is None:
            raise UserCodeError(
                "the weights of a trial need the model that they are of: give Tuner the HyperModel or build(hp) of the search"
            )
        with scratch_folder() as folder:
            path = folder / self.model_file
            facts = self.copy_kept(trial, path)
            model = self._try_build(trial.hyperparameters)
            with maybe_distribute(self.distribution_strategy):
                build_as_before(model, facts)
                load_weights(model, path, facts, trial.trial_id)
        return model

    def copy_kept(self, trial: Trial, path: Path) -> Mapping[str, Any]:
        """Copy what was kept of a trial into a file, and return the trial's attributes.

        Raises:
            NoWeightsError: Nothing was kept, or it is gone.
        """
        study, number = self.oracle.study, int(trial.trial_id)
        facts: Mapping[str, Any] = study.optuna().get_trials(deepcopy=False)[number].user_attrs
        anew = f"train anew: tuner.hypermodel.build(tuner.oracle.trials['{number}'].hyperparameters)"
        try:
            if self.oracle.models.copy_to(number, path):
                return facts
        except ArtifactError as error:
            raise NoWeightsError(
                f"the weights of trial {number} are gone: {reason(error)}. Bring the files back, or {anew}. {RELOADED}"
            ) from None
        if METRICS not in facts:
            raise NoWeightsError(f"trial {number} came to no result, and so has no weights; {anew}")
        if BUILT not in facts and self._runs_otherwise():
            raise NoWeightsError(
                f"the weights of trial {number} were not kept: run_trial must pass its callbacks on to fit, or call "
                "self.save_model(trial.trial_id, model)"
            )
        kept = len(self.oracle.models.all())
        raise NoWeightsError(
            f"the weights of {kept} trials are kept, and trial {number} is not among them: search with a larger "
            f"Tuner(keep_models=...), or {anew}"
        )

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Return the best trials' models, each with the weights of its best epoch, the best first.

        Raises:
            NoWeightsError: The weights of one of them were not kept, are gone, or are another model's.
            UserCodeError: There is no HyperModel.
        """
        found = ranked(self.oracle.trials.values(), self.oracle.objective)
        return [self.load_model(trial) for trial in found[:num_models]]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[keras_tuner.HyperParameters]:
        """Return the hyperparameters of the best trials, the best first; fewer where fewer have a score."""
        best = ranked(self.oracle.trials.values(), self.oracle.objective)
        return [trial.hyperparameters for trial in best[:num_trials]]

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials, with their hyperparameters and scores."""
        study = self.oracle.study
        lines = [
            "Results summary",
            f"Results in study {study.name} of {study.storage.address.shown}",
            f"Showing {num_trials} best trials",
            str(self.oracle.objective),
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        for trial in self.oracle.get_best_trials(num_trials):
            sys.stdout.write("\n")
            trial.summary()

    def save(self) -> None:
        """Do nothing: all is in the study."""

    def reload(self) -> None:
        """Do nothing: all is in the study."""
