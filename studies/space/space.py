"""What is left of a search space: a tree of what models ask for, known from the trials that asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Self

from optuna.distributions import BaseDistribution

from studyhall.studies.space.configurations import Configuration, Key, key_of, size_of, values_of
from studyhall.studies.values import Value

Grid = Mapping[str, Sequence[Any]]
"""The values that a sampler proposes for each parameter, where it proposes no others."""


@dataclass(frozen=True)
class Limits:
    """What is known of a space beside what its trials asked for.

    `grid` holds the only values that are proposed, if they are limited; `asked` what the present model draws
    a parameter from, where that may be another distribution than earlier trials had; `model` stands for the
    names that it asks for, where those may be others.
    """

    grid: Grid = field(default_factory=dict)
    asked: Mapping[str, BaseDistribution] = field(default_factory=dict)
    model: str | None = None


class Reach(IntEnum):
    """What is left below a node of the tree."""

    FREE = 0  # something that nobody tries, or nobody knows what
    PENDING = 1  # nothing but what other trials try at the moment, as far as they have drawn it
    TRIED = 2  # nothing


class Space:
    """One node of the tree, and what lies below it.

    A model asks for its parameters one by one, and what it asks for next follows from the values that it has.
    So trials with the same values so far ask for the same next parameter, or for none. Nobody knows what a
    value that was never drawn leads to.

    Args:
        configurations: Those of the trials that came this way.
        limits: What is known beside them.
        names: The parameters whose values lead here.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        limits: Limits = Limits(),
        names: frozenset[str] = frozenset(),
    ) -> None:
        self._configurations = configurations
        self._limits = limits
        self._names = names
        # A trial asks at each of its parameters, and with thousands of trials each look through them counts.
        self._grouped: dict[str, dict[Key, list[Configuration]]] = {}
        self._below: dict[tuple[str, Key], Space] = {}

    @classmethod
    def of(cls, configurations: Iterable[Configuration], limits: Limits) -> Self:
        """Return the root of the tree; what another model asked for says nothing of the present one."""
        models = (None, limits.model)
        return cls([each for each in configurations if limits.model is None or each.model in models], limits)

    def at(self, points: Mapping[str, Key]) -> "Space":
        """Return the node that further values lead to."""
        node: Space = self
        for name, key in points.items():
            node = node._next(name, key)
        return node

    @property
    def goes_on(self) -> bool:
        """Whether it is known that the model asks for more here."""
        return any(len(each.points) > len(self._names) for each in self._configurations)

    @property
    def is_unknown(self) -> bool:
        """Whether no trial came this way."""
        return not self._configurations

    @property
    def is_endless(self) -> bool:
        """Whether the next parameter is known to be continuous, so that there is always something left."""
        longer = self._longer
        return bool(longer) and self._size(*self._asked(longer)) is None

    @property
    def tried(self) -> int:
        """How many configurations were tried to their end below this node."""
        return len({frozenset(each.points.items()) for each in self._configurations if each.ended})

    def reach(self) -> Reach:
        """Say what is left below this node."""
        return self._reach

    @cached_property
    def _reach(self) -> Reach:
        longer = self._longer
        if not longer:
            if any(each.ended for each in self._configurations):
                return Reach.TRIED
            return Reach.PENDING if self._configurations else Reach.FREE
        name, distribution = self._asked(longer)
        size, below = self._size(name, distribution), self._by_value(name)
        # A grid may have no value that the model takes, which is to be said.
        if not size or size > len(below):
            return Reach.FREE
        reach = Reach.TRIED
        for value in self.values(name, distribution):
            key = key_of(distribution, value)
            if key not in below:
                return Reach.FREE
            reach = min(reach, self._next(name, key).reach())
            if reach is Reach.FREE:
                break
        return reach

    def taken(self, name: str) -> dict[Key, Reach]:
        """Return the values of the parameter that is asked for here below which nothing is free."""
        below = {key: self._next(name, key).reach() for key in self._by_value(name)}
        return {key: reach for key, reach in below.items() if reach is not Reach.FREE}

    def values(self, name: str, distribution: BaseDistribution) -> Sequence[Value]:
        """Return the values that may be proposed for a parameter that has finitely many."""
        if name not in self._limits.grid:
            return values_of(distribution)
        return [each for each in self._limits.grid[name] if _is_in(distribution, each)]

    def is_finite(self, name: str, distribution: BaseDistribution) -> bool:
        """Whether `values` can tell all values of a parameter."""
        return self._size(name, distribution) is not None

    def _size(self, name: str, distribution: BaseDistribution) -> int | None:
        if name in self._limits.grid:
            return len(self.values(name, distribution))
        return size_of(distribution)

    @cached_property
    def _longer(self) -> list[Configuration]:
        return [each for each in self._configurations if len(each.points) > len(self._names)]

    def _asked(self, longer: Sequence[Configuration]) -> tuple[str, BaseDistribution]:
        latest = max(longer, key=lambda each: each.number)
        name = next(each for each in latest.points if each not in self._names)
        return name, self._limits.asked.get(name, latest.distributions[name])

    def _by_value(self, name: str) -> Mapping[Key, list[Configuration]]:
        if name not in self._grouped:
            found = self._grouped[name] = defaultdict(list)
            for each in self._configurations:
                if name in each.points:
                    found[each.points[name]].append(each)
        return self._grouped[name]

    def _next(self, name: str, key: Key) -> "Space":
        """Return the node that a parameter's value leads to."""
        if (name, key) not in self._below:
            here = self._by_value(name).get(key, ())
            self._below[name, key] = Space(here, self._limits, self._names | {name})
        return self._below[name, key]


def _is_in(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except ValueError:
        return False
