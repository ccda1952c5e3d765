"""A trial's hyperparameters as scripts may ask for them, before the model does."""

from contextlib import suppress
from typing import Any

import keras_tuner

from studyhall.search.bridge.hyperparameters import TrialHyperParameters
from studyhall.search.tuner.trial_values import TrialValues
from studyhall.studies.errors import StudyhallError


class LenientHyperParameters(TrialHyperParameters):
    """A trial's hyperparameters that can be asked for before the model declares them.

    KerasTuner fills in all that it knows before a trial begins; here each is drawn when it is asked for, so
    that what a model does not use is not searched.
    """

    known: keras_tuner.HyperParameters

    def know(self, known: keras_tuner.HyperParameters) -> None:
        """Take what is known of the search space: a look at `values` before the model has begun draws it."""
        self.known = known
        self.values: dict[str, Any] = TrialValues(self.values, self._draw_known)

    def drawn(self) -> frozenset[str]:
        """Return the names of what has a value by now; unlike `values`, this draws nothing."""
        return frozenset(dict.keys(self.values))

    def _draw_known(self) -> None:
        for hp in self.known.space:
            # The model is told what cannot be drawn, if it asks for that.
            with suppress(StudyhallError):
                if self.is_active(hp):
                    self._retrieve(hp)

    def settle(self) -> None:
        """Draw nothing any more for who looks at `values`: the model has begun, or the trial is over."""
        if isinstance(self.values, TrialValues):
            self.values.settle()

    def _retrieve(self, hyperparameter: Any) -> Any:
        self.settle()
        return super()._retrieve(hyperparameter)

    def get(self, name: str) -> Any:
        """Return a hyperparameter's value."""
        if name not in self._hps:
            for hp in self.known.space:
                if hp.name == name and self.is_active(hp):
                    return super()._retrieve(hp)
        return super().get(name)
