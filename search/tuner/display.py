"""What a Tuner shows of its trials."""

import contextlib
import io
import sys

from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine.oracle import Display

from studyhall.search.tuner.trials import PRUNED


class SearchDisplay(Display):  # type: ignore[misc]
    """KerasTuner's display, which here shows a trial's values once they are drawn."""

    def show_hyperparameter_table(self, trial: Trial) -> None:
        """Show the values beside the best trial's."""
        if trial.hyperparameters.values:
            super().show_hyperparameter_table(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Show how a trial ended, its failure included."""
        if self.verbose and trial.message:
            sys.stdout.write(f"\nTrial {trial.trial_id} failed.\n{trial.message}\n")
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            super().on_trial_end(trial)
        # KerasTuner calls every trial that has ended complete.
        word = {PRUNED: "Pruned", TrialStatus.FAILED: "Failed"}.get(trial.status, "Complete")
        sys.stdout.write(shown.getvalue().replace(" Complete [", f" {word} [", 1))


def waiting_for(running: int, lease_seconds: float) -> str:
    """Return what to say while other processes have the last trials."""
    trials, belongs = (
        ("1 trial", "its process is") if running == 1 else (f"{running} trials", "their processes are")
    )
    return (
        f"\nWaiting for {trials} that another process has; if {belongs} gone, that shows within {lease_seconds:.0f} s, and "
        "it is run here.\n"
    )
