"""Optuna's own classes, found by name."""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studyhall.did_you_mean import did_you_mean
from studyhall.studies.errors import DefinitionError

# Names that people and papers use, where they are not simply the class's name without its ending.
_ALIASES = {"asha": "successivehalving", "none": "nop", "nsga2": "nsgaii", "nsga3": "nsgaiii"}


@dataclass(frozen=True)
class Family:
    """One kind of Optuna's classes: where they are and what they derive from."""

    kind: str
    module: str
    base: str

    def classes(self) -> dict[str, Callable[..., Any]]:
        """Return the classes that can be constructed, by name; imports Optuna."""
        module = importlib.import_module(self.module)
        base = getattr(module, self.base)
        found = {name: getattr(module, name) for name in sorted(module.__all__)}
        return {
            name: each
            for name, each in found.items()
            if inspect.isclass(each) and issubclass(each, base) and not inspect.isabstract(each)
        }

    def find(self, name: str, where: str) -> Callable[..., Any]:
        """Return the class of a name: the class's own, or that without its ending, in any case.

        Args:
            name: As in "TPESampler", "tpe", "successive-halving".
            where: The dotted key that holds the name, for the error.

        Raises:
            DefinitionError: There is no such class.
        """
        classes = self.classes()
        short = {self._short(each): each for each in classes}
        wanted = self._short(name)
        found = short.get(_ALIASES.get(wanted, wanted))
        if found is not None:
            return classes[found]
        known = short | {alias: short[each] for alias, each in _ALIASES.items() if each in short}
        raise DefinitionError(
            f"{where}: Optuna has no {self.kind} {name!r}; {did_you_mean(wanted, known, shown=known)}"
        )

    def _short(self, name: str) -> str:
        return re.sub(r"[-_\s]", "", name).lower().removesuffix(self.kind)


SAMPLERS = Family("sampler", "optuna.samplers", "BaseSampler")
PRUNERS = Family("pruner", "optuna.pruners", "BasePruner")
CROSSOVERS = Family("crossover", "optuna.samplers.nsgaii", "BaseCrossover")
MUTATIONS = Family("mutation", "optuna.samplers.nsgaii", "BaseMutation")
FAMILIES = (SAMPLERS, PRUNERS, CROSSOVERS, MUTATIONS)


def parameters(cls: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return what a class is constructed with, in its order."""
    return dict(inspect.signature(cls).parameters)
