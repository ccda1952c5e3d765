"""What a search shows: a live view on a terminal, one line per event elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO, cast

from rich.console import Console

from studyhall.search.core.events import Event
from studyhall.search.core.tracebacks import tracebacks_asked_for
from studyhall.search.views.live_view import LiveView
from studyhall.search.views.narration import in_words
from studyhall.search.views.output import Output


class Progress(Protocol):
    """Whatever shows the events of a search."""

    def observe(self, event: Event) -> None:
        """Show one event."""

    def say(self, text: str) -> None:
        """Show some lines that stay."""


class Lines:
    """Shows one line per event, for logs; batches are too many for that."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def say(self, text: str) -> None:
        """Print some lines."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def observe(self, event: Event) -> None:
        """Print the event's line, if it has one that is new."""
        line = in_words(event, tracebacks=tracebacks_asked_for())
        if line is not None and line != self._last:
            self._last = line
            self.say(line)


@contextmanager
def show_progress(*, plain: bool, stopped: Callable[[], bool] = lambda: False) -> Iterator[Progress]:
    """Show a search: live on a terminal, unless `plain`, and as lines anywhere else.

    Args:
        plain: Show lines on a terminal, too.
        stopped: Says whether the search was told to stop; then it does not end for want of a reader.
    """
    console = Console(file=cast("TextIO", Output(sys.stdout, stopped)))
    if plain or not console.is_terminal:
        yield Lines(console)
        return
    with LiveView(console) as view:
        yield view
