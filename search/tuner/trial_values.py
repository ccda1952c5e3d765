"""The values of a trial's hyperparameters, as scripts may look at them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class TrialValues(dict[str, Any]):
    """A trial's values by their names, which a look at all of them draws if the model has asked for none yet.

    Args:
        values: Those that there are.
        draw: Draws all that is known of the search space.
    """

    def __init__(self, values: Mapping[str, Any], draw: Callable[[], object]) -> None:
        super().__init__(values)
        self._draw: Callable[[], object] | None = draw

    def settle(self) -> None:
        """Draw nothing any more at a look."""
        self._draw = None

    def _look(self) -> None:
        draw, self._draw = self._draw, None
        if draw is not None:
            draw()

    def __iter__(self) -> Iterator[str]:
        self._look()
        return super().__iter__()

    def __len__(self) -> int:
        self._look()
        return super().__len__()

    def __repr__(self) -> str:
        self._look()
        return super().__repr__()

    def __eq__(self, other: object) -> bool:
        self._look()
        return super().__eq__(other)

    __hash__ = None

    def keys(self) -> Any:
        """Return the names of all values."""
        self._look()
        return super().keys()

    def values(self) -> Any:
        """Return all values."""
        self._look()
        return super().values()

    def items(self) -> Any:
        """Return all names with their values."""
        self._look()
        return super().items()

    def copy(self) -> dict[str, Any]:
        """Return a plain dictionary of all values."""
        return dict(self.items())
