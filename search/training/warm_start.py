"""Configurations from elsewhere, and whether a HyperModel can build them."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from optuna.distributions import BaseDistribution

from studyhall.did_you_mean import did_you_mean
from studyhall.search.bridge.hyperparameters import TrialHyperParameters
from studyhall.search.core.handle import Start
from studyhall.search.user.examples import ExamplesFor
from studyhall.search.user.keras_settings import clear_session, kept
from studyhall.studies.errors import DefinitionError
from studyhall.studies.values import Value


class DryHandle:
    """A handle without a study: what nobody asked for is refused, nothing is recorded, nothing stops it.

    Args:
        seed: The seed that it has.
        start: Where hyperparameters come from.
    """

    number = 0

    def __init__(self, seed: int, start: Start) -> None:
        self.seed = seed
        self.start = start

    def suggest(self, name: str, distribution: BaseDistribution, value: Value | None = None) -> Value:
        """Return the value that was asked for."""
        if value is None:
            raise DefinitionError(f"there is no value for the hyperparameter '{name}'")
        return value

    def report(self, step: int, value: float, *others: float) -> bool:
        """Never prune."""
        return False

    def record(self, facts: Mapping[str, Any]) -> None:
        """Forget the facts."""

    def attach(self, filename: str, content: bytes) -> None:
        """Show nobody the file."""

    def progress(self, epoch: int, step: int, steps: int) -> None:
        """Tell nobody."""

    def checkpoint(self, epochs: int, path: Any) -> None:
        """Keep nothing."""

    def keeps(self, value: float) -> bool:
        """Keep no model."""
        return False

    def begin_epoch(self, epoch: int) -> bool:
        """Train any."""
        return True

    def stop_requested(self) -> bool:
        """Never stop."""
        return False


def misfit(
    hypermodel: keras_tuner.HyperModel,
    values: Mapping[str, Value],
    examples: ExamplesFor | None = None,
    *,
    more: bool = False,
    **bridge: Any,
) -> str | None:
    """Return why a HyperModel cannot build a configuration, or its data be made of it; None if they can.

    Args:
        hypermodel: The HyperModel.
        values: KerasTuner's names and values; what is left out has its default.
        examples: Makes the data, where they may take hyperparameters. It is asked only for those that `build`
            does not know, because it may take long.
        more: Whether code that is not run here may declare more hyperparameters.
        bridge: What else `TrialHyperParameters` is made with.
    """
    clear_session()
    hp = TrialHyperParameters(DryHandle(0, Start(defaults=True, implied=True, values=values)), **bridge)
    try:
        with kept():
            hypermodel.build(hp)
            if examples is not None and hp.unused_start_values():
                examples(hp)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises, it cannot build this
        return " ".join(f"{error}".split()) or type(error).__name__
    unknown = () if more else unknown_values(hp, hypermodel)
    if not unknown:
        return None
    where = "the HyperModel has no" if examples is None else "neither the HyperModel nor its data has"
    known = [each.name for each in hp.space if each.name not in values]
    hint = did_you_mean(unknown[0], known)
    return f"{where} {', '.join(unknown)}" + (f"; {hint}" if hint else "")


def unknown_values(hp: TrialHyperParameters, hypermodel: keras_tuner.HyperModel) -> tuple[str, ...]:
    """Return the names that a configuration has and a model that was built does not.

    `fit` of its own may have them.
    """
    has_own_fit = type(hypermodel).fit is not keras_tuner.HyperModel.fit
    return () if has_own_fit else hp.unused_start_values()


def refused(unknown: Sequence[str]) -> str:
    """Return the reason of a trial that was queued with values that nothing in it asks for."""
    return f"it was queued with {', '.join(unknown)}, unknown to the HyperModel"


def misfits(
    hypermodel: keras_tuner.HyperModel,
    configurations: Sequence[Mapping[str, Value]],
    examples: ExamplesFor | None = None,
    **options: Any,
) -> list[str | None]:
    """Return `misfit` for each of some configurations."""
    return [misfit(hypermodel, each, examples, **options) for each in configurations]
