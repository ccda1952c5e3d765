"""What a fit is given, as errors name it: "my_data.py:load gives float32 (200, 4)"."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from studyhall.search.user.examples import described

Shape = tuple[int | None, ...]
TO_TRAIN, TO_VALIDATE = "to train on", "to validate on"  # purposes


@dataclass(frozen=True)
class Part:
    """One array, or the batches of one input or target.

    Args:
        name: "x" or "y".
        purpose: TO_TRAIN or TO_VALIDATE.
        leaf: The array, or what describes a batch; both have a shape and a dtype.
        whole: What it is a part of.
    """

    name: str
    purpose: str
    leaf: Any
    whole: Any

    @property
    def shape(self) -> Shape:
        """Its shape, None where a size varies."""
        return tuple(self.leaf.shape)


@dataclass(frozen=True)
class Given:
    """The data of a fit.

    Args:
        source: Who gives them, as "my_data.py:load".
        x: What `fit` takes as `x`.
        y: The targets beside it; None where the data hold their own, or none.
        validation: What `fit` takes as `validation_data`.
    """

    source: str
    x: Any
    y: Any = None
    validation: Any = None

    def parts(self, name: str) -> list[Part]:
        """Return its parts called "x" or "y"."""
        return [each for each in self._parts() if each.name == name]

    def _parts(self) -> Iterator[Part]:
        for purpose, data in ((TO_TRAIN, self._train()), (TO_VALIDATE, self.validation)):
            for name, whole in zip("xy", _halves(data), strict=False):
                for leaf in keras.tree.flatten(whole):
                    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
                        yield Part(name, purpose, leaf, whole)

    def _train(self) -> Any:
        return self.x if self.y is None and _makes_batches(self.x) else (self.x, self.y)

    def of_shape(self, name: str, received: Shape) -> str | None:
        """Say what is given as the `x` or `y` of a shape that a layer or a loss received.

        It returns None where nothing of that shape is given, so that something between the data and who
        received it has made it so.
        """
        for part in self.parts(name):
            batches = _makes_batches(self.x if part.purpose == TO_TRAIN else self.validation)
            alike = part.shape[1:] == received[1:] and len(part.shape) == len(received)
            if alike or (batches and part.shape == received):
                return self._gives(part)
        return None

    def gives(self, name: str) -> str | None:
        """Say what is given as `x` or as `y`; None where nothing is."""
        parts = self.parts(name)
        return self._gives(parts[0]) if parts else None

    def _gives(self, part: Part) -> str:
        targets = "targets " if part.name == "y" else ""
        train = part.purpose == TO_TRAIN
        batches = " in batches" if _makes_batches(self.x if train else self.validation) else ""
        aim = "" if train else f" {part.purpose}"
        return f"{self.source} gives {targets}{described(part.whole)}{batches}{aim}"

    def first(self, which: Callable[[Part], bool]) -> Part | None:
        """Return the first part that is so."""
        return next(filter(which, self._parts()), None)


def _makes_batches(data: Any) -> bool:
    return hasattr(data, "element_spec") or isinstance(data, keras.utils.PyDataset)


def _halves(data: Any) -> Sequence[Any]:
    if hasattr(data, "element_spec"):
        data = data.element_spec
    elif isinstance(data, keras.utils.PyDataset):
        try:
            data = data[0]
        except Exception:  # noqa: BLE001 - its batches are what fails
            return ()
    return data[:2] if isinstance(data, tuple) else (data,)
