"""The live view of a search, for a terminal."""

import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from studyhall.search.core.events import (
    BatchDone,
    Checking,
    DatabaseAway,
    EpochDone,
    Evaluating,
    Event,
    Lowered,
    MachineUnfit,
    NameMade,
    OtherVersions,
    Published,
    RetrainingStarted,
    StudyOpened,
    StudyProgress,
    TrialEnded,
    TrialStarted,
    Waiting,
    WarmStart,
    WorkerFailed,
)
from studyhall.search.core.tracebacks import tracebacks_asked_for
from studyhall.search.views.narration import (
    counts_in_words,
    in_words,
    objectives_in_words,
    values_in_words,
    waiting_for,
    worker_in_words,
)
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.summary import BestTrial, Counts

BAR_WIDTH = 36  # columns


class LiveView:
    """Redraws a few lines in place: the study, the best trial, the epoch in hand, the time left.

    Lines that should stay, one for each trial that ended, scroll by above.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._study = ""
        self._counts = Counts()
        self._best: BestTrial | None = None
        self._doing = "starting"
        self._epochs = 0
        self._epoch = 0
        self._share = 0.0  # of the epoch in hand
        self._last = ""  # what the last epoch has reached
        self._seconds_of_trials: list[float] = []
        self._followed_from: int | None = None  # trials that were finished when other processes took over
        self._started = time.monotonic()
        # Last, because it draws at once.
        self._live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print some lines above the view, where they stay."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def observe(self, event: Event) -> None:
        """Take an event into the view."""
        match event:
            case Checking():
                self._doing = "checking the study: its default model, two batches"
            case StudyOpened(name, storage, _, counts):
                self._study, self._counts = f"{name} in {storage}", counts
                self._doing = "taking a trial"
            case TrialStarted(number, epochs, done):
                self._begin(f"trial {number}", epochs)
                self._epoch = done
                self._counts = replace(
                    self._counts, waiting=max(0, self._counts.waiting - 1), running=self._counts.running + 1
                )
            case RetrainingStarted(number, epochs):
                self._begin(f"retraining trial {number}", epochs)
            case BatchDone(_, epoch, step, steps):
                self._epoch, self._share = epoch, step / steps if steps else 0.0
            case EpochDone(_, epoch, value, others):
                self._epoch, self._share, self._last = epoch, 0.0, objectives_in_words(value, *others)
            case TrialEnded(_, _, best, counts):
                self._best, self._counts = best, counts
                self._seconds_of_trials.append(time.monotonic() - self._started)
                self._begin("taking a trial", 0)
            case StudyProgress(counts, best, workers):
                self._follow(counts, best, workers)
            case Waiting(running):
                self._begin(waiting_for(running), 0)
            case Evaluating():
                self._begin("evaluating on the test split", 0)
            case Published():
                self._begin("published", 0)
        if isinstance(
            event,
            TrialEnded
            | Published
            | StudyOpened
            | NameMade
            | WarmStart
            | Lowered
            | OtherVersions
            | DatabaseAway
            | MachineUnfit
            | WorkerFailed,
        ):
            line = in_words(event, tracebacks=tracebacks_asked_for())
            if line is not None:
                self.say(line)

    def _follow(self, counts: Counts, best: BestTrial | None, workers: tuple[WorkerSeen, ...]) -> None:
        """Show what other processes do, and count what they finish from now on."""
        if self._followed_from is None:
            self._begin("", 0)
            self._followed_from = counts.finished
        self._counts, self._best = counts, best
        self._doing = "\n".join(map(worker_in_words, workers)) or "workers are starting"

    def _begin(self, doing: str, epochs: int) -> None:
        self._doing, self._epochs, self._epoch, self._share, self._last = doing, epochs, 0, 0.0, ""
        self._started = time.monotonic()
        self._followed_from = None

    def _draw(self) -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold cyan", no_wrap=True)
        grid.add_column()
        grid.add_row("study", self._study or "...")
        if self._counts.total:
            grid.add_row("trials", counts_in_words(self._counts))
        if self._best is not None:
            best = Text(f"{self._best.value:.6g}", style="bold green")
            best.append(f"  trial {self._best.number}", style="default")
            grid.add_row("best", best)
            grid.add_row("", values_in_words(self._best.hyperparameters))
        grid.add_row("now", self._doing)
        if self._epochs:
            grid.add_row("", self._epoch_line())
        if (left := self.seconds_left()) is not None:
            grid.add_row("left", f"about {_duration(left)}")
        return Group(Text(), grid)

    def _epoch_line(self) -> Table:
        line = Table.grid(padding=(0, 1))
        done = min(self._epoch, self._epochs)
        text = f"epoch {min(done + 1, self._epochs)}/{self._epochs}"
        if self._last:
            text += f"  last {self._last}"
        line.add_row(ProgressBar(total=1.0, completed=self._share, width=BAR_WIDTH), text)
        return line

    @property
    def _fresh(self) -> int:
        """How many trials wait that are not paused, as those may never be trained on."""
        return self._counts.waiting - self._counts.paused

    def seconds_left(self) -> float | None:
        """An estimate of the seconds until the queue is empty or the retraining ends.

        It is None before there is one.
        """
        elapsed = time.monotonic() - self._started
        done = (self._epoch + self._share) / self._epochs if self._epochs else 0.0
        if self._doing.startswith("retraining"):
            return elapsed / done - elapsed if done > 0.02 else None
        if self._followed_from is not None:
            finished = self._counts.finished - self._followed_from
            return elapsed / finished * (self._fresh + self._counts.running) if finished else None
        if not self._seconds_of_trials:
            return None
        each = sum(self._seconds_of_trials) / len(self._seconds_of_trials)
        running = 1 if self._epochs else 0
        return each * self._fresh + running * max(0.0, each - elapsed)


def _duration(seconds: float) -> str:
    """Return a time in words, as short as it may be for a person who waits."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
