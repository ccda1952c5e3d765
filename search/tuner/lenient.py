"""A trial's hyperparameters as scripts may ask for them, before the model does."""

from typing import Any

import keras_tuner

from studyhall.search.bridge.hyperparameters import TrialHyperParameters


class LenientHyperParameters(TrialHyperParameters):
    """A trial's hyperparameters that can be asked for by name before the model declares them.

    KerasTuner fills in all that it knows before a trial begins; here each is drawn when it is asked for, so
    that what a model does not use is not searched.
    """

    known: keras_tuner.HyperParameters

    def get(self, name: str) -> Any:
        """Return a hyperparameter's value."""
        if name not in self._hps:
            for hp in self.known.space:
                if hp.name == name and self.is_active(hp):
                    return self._retrieve(hp)
        return super().get(name)
