"""What is said of a name that there is not: the closest of those that there are, or all of them."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

_CLOSE = 0.54  # of 1: "min" is close to "minimize"
_LISTED = 20  # names that fit into a message


def did_you_mean(
    name: str, names: Iterable[str], *, most: int = 1, shown: Mapping[str, str] | None = None
) -> str:
    """Return "did you mean 'x'?", or "there is a, b, c" where no name is close; "" where there is none.

    Args:
        name: The name that there is not.
        names: Those that there are.
        most: How many close names are shown.
        shown: What stands for each of them in the text; by default the name itself.
    """
    names = list(names)
    shown = shown or dict(zip(names, names, strict=True))
    near = closest(name, names, most=most)
    if near:
        return suggested([shown[each] for each in near])
    every = list(dict.fromkeys(shown[each] for each in names))
    others = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return f"there is {', '.join(every[:_LISTED])}{others}" if every else ""


def closest(name: str, names: Iterable[str], *, most: int = 1, cutoff: float = _CLOSE) -> list[str]:
    """Return the names that are like a name, the closest first; `cutoff` is 1 for its equals, 0 for all."""
    return difflib.get_close_matches(name, list(names), n=most, cutoff=cutoff)


def suggested(names: Sequence[str]) -> str:
    """Return the question whether these were meant."""
    return f"did you mean {' or '.join(map(repr, names))}?"
