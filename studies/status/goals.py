"""A study's goals, from the definition in its record; parsed leniently, as others write records too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goals:
    """The part of a definition that people watch a study by; what is not said is None or empty."""

    description: str = ""
    metrics: tuple[str, ...] = ()  # of the objectives, in their order
    epochs: int | None = None  # that a trial trains at most
    hours: float | None = None  # after which the search ends
    target: float | None = None  # that ends the search

    @property
    def metric(self) -> str | None:
        """The first objective."""
        return self.metrics[0] if self.metrics else None


def goals_of(definition: Any) -> Goals:
    """Read a goals from the record of a definition; from anything else, an empty one."""
    objective, search = _table(definition, "objective"), _table(definition, "search")
    also = objective.get("also")
    further = also if isinstance(also, list) else []
    metrics = [each.get("metric") for each in (objective, *further) if isinstance(each, Mapping)]
    description = definition.get("description") if isinstance(definition, Mapping) else None
    epochs = _number(_table(definition, "training").get("epochs"))
    hours = _number(search.get("hours"))
    return Goals(
        description=description if isinstance(description, str) else "",
        metrics=tuple(metric for metric in metrics if isinstance(metric, str)),
        epochs=int(epochs) if epochs is not None and epochs >= 1 else None,
        hours=hours if hours is not None and hours > 0 else None,
        target=_number(search.get("target")),
    )


def schedule_of(definition: Any) -> tuple[int, int] | None:
    """Return the epochs of the first rung and the factor between rungs; None where trials do not pause."""
    scheduler = _table(definition, "scheduler")
    first, factor = _number(scheduler.get("min_epochs")), _number(scheduler.get("reduction_factor"))
    if scheduler.get("name", "none") == "none" or first is None or factor is None:
        return None
    return int(first), int(factor)


def _table(definition: Any, section: str) -> Mapping[str, Any]:
    table = definition.get(section) if isinstance(definition, Mapping) else None
    return table if isinstance(table, Mapping) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
