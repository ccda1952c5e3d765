"""What a Tuner shows of its trials."""

import contextlib
import io
import sys

from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine.oracle import Display

from studyhall.search.core.machine import without_again
from studyhall.search.tuner.lenient import LenientHyperParameters
from studyhall.search.tuner.trials import PRUNED


class SearchDisplay(Display):  # type: ignore[misc]
    """KerasTuner's display, which here shows a trial's values once they are drawn."""

    _shown: str | None = None  # the trial whose values were shown last

    def show_hyperparameter_table(self, trial: Trial) -> None:
        """Show the values beside the best trial's."""
        hp = trial.hyperparameters
        if hp.drawn() if isinstance(hp, LenientHyperParameters) else hp.values:
            self._shown = trial.trial_id
            super().show_hyperparameter_table(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Show how a trial ended, its failure included."""
        if self.verbose and self._shown != trial.trial_id:  # `run_trial` of the user's own drew them
            self.on_values(trial)
        if self.verbose and trial.message:
            sys.stdout.write(f"\nTrial {trial.trial_id} failed.\n{trial.message}\n")
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            super().on_trial_end(trial)
        # KerasTuner calls every trial that has ended complete.
        word = {PRUNED: "Pruned", TrialStatus.FAILED: "Failed"}.get(trial.status, "Complete")
        sys.stdout.write(shown.getvalue().replace(" Complete [", f" {word} [", 1))

    def on_search_begin(self, trials: int, withdrawn: int, keep_models: int) -> None:
        """Say how many trials were withdrawn, and of how many the weights are kept, if not of all."""
        if self.verbose and withdrawn:
            sys.stdout.write(f"max_trials is {trials} now: {withdrawn} waiting trials are withdrawn.\n")
        if self.verbose and keep_models < trials:
            sys.stdout.write(
                f"The weights of the best {keep_models} of {trials} trials are kept: keep_models says how many.\n"
            )

    def on_values(self, trial: Trial) -> None:
        """Show a trial's values, which are drawn while its model is built."""
        if self.verbose:
            self.show_hyperparameter_table(trial)
            sys.stdout.write("\n")

    def on_wait(self, running: int, lease_seconds: float) -> None:
        """Say that other processes have the last trials, and when that of one that is gone comes back."""
        if not self.verbose:
            return
        trials, belongs = (
            ("1 trial", "its process is") if running == 1 else (f"{running} trials", "their processes are")
        )
        sys.stdout.write(
            f"\nWaiting for {trials} that another process has; if {belongs} gone, that shows within "
            f"{lease_seconds:.0f} s, and it is run here.\n"
        )
        sys.stdout.flush()

    def on_unfit(self, reason: str) -> None:
        """Say why this machine can train no trial at the moment, whatever the search is to show."""
        sys.stdout.write(f"\nWaiting, for no trial can be trained here: {without_again(reason)}\n")
