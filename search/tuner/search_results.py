"""What a Tuner's search came to: the best trials, their hyperparameters and their models."""

import sys
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from studyhall.search.processes.scratch import scratch_folder
from studyhall.search.tuner.callbacks import WEIGHTS
from studyhall.search.tuner.trial_training import TrialTraining
from studyhall.search.tuner.trials import ranked
from studyhall.search.user.keras_settings import kept
from studyhall.studies.database.attributes import BUILT
from studyhall.studies.errors import (
    UserCodeError,
)


class SearchResults(TrialTraining):
    """The part of a Tuner that shows and loads what was found."""

    @kept()
    def load_model(self, trial: Trial) -> Any:
        """Return a trial's model, rebuilt by its HyperModel, with the weights of its best epoch.

        Raises:
            UserCodeError: The trial's weights were not kept.
        """
        model = self._try_build(trial.hyperparameters)
        attributes = self.oracle.study.optuna().get_trials(deepcopy=False)[int(trial.trial_id)].user_attrs
        built = attributes.get(BUILT, {})
        if not model.built and built:
            model.build_from_config(built["config"])
        if built.get("optimizer"):  # its state is in the file, and must have a place
            model.optimizer.build(model.trainable_variables)
        with scratch_folder() as folder:
            path = folder / WEIGHTS
            if not self.oracle.models.copy_to(int(trial.trial_id), path):
                raise UserCodeError(
                    f"the weights of trial {trial.trial_id} were not kept: run_trial must pass its callbacks on, or call save_model"
                )
            model.load_weights(path)
        return model

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Return the best trials' models, each with the weights of its best epoch, the best first.

        Raises:
            UserCodeError: Fewer were kept.
        """
        kept = self.oracle.models.all()
        wanted = min(num_models, len(ranked(self.oracle.trials.values(), self.oracle.objective)))
        if wanted > len(kept):
            raise UserCodeError(
                f"the weights of {len(kept)} trials are kept, not of {wanted}: search with Tuner(keep_models={wanted}), or "
                f"train anew: tuner.hypermodel.build(tuner.get_best_hyperparameters({wanted})[{wanted - 1}])"
            )
        return [self.load_model(trial) for trial in self.oracle.get_best_trials(wanted)]

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
