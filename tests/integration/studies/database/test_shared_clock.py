"""Leases on SQLite end by a clock that all processes of the machine share, and that nobody can move."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from studyhall.studies.database import shared_clock
from studyhall.studies.queue.lease import LEASE_SECONDS
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from tests.support.studies import claim, define


class Machine:
    """A machine whose clocks a test moves, and what its processes hold of a database.

    Attributes:
        clock: The seconds since 1970, as people or a time server set them.
        awake: The seconds since the machine was started, without those that it was suspended.
        start: Which start of the machine that was.
    """

    def __init__(self, patch: pytest.MonkeyPatch, url: str, closing_all: ExitStack) -> None:
        self.clock, self.awake, self.start = time.time(), 1000.0, "the first"
        self._url = url
        self._closing_all = closing_all
        patch.setattr(shared_clock, "boot", lambda: self.start)
        patch.setattr(shared_clock, "wall_clock", lambda: self.clock)
        patch.setattr(shared_clock, "since_start", lambda: self.awake)

    def study(self) -> Study:
        """The study, as one more process of the machine has it."""
        storage = open_storage(self._url, create=True)
        self._closing_all.callback(storage.close)
        return Study.create_or_join(storage, define(trials=1))

    def passes(self, seconds: float) -> None:
        """Have time pass."""
        self.clock += seconds
        self.awake += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    with ExitStack() as closing_all:
        yield Machine(monkeypatch, f"sqlite:///{tmp_path}/studies.db", closing_all)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 30 * 86400.0])
def test_a_clock_that_is_set_ends_no_lease_and_keeps_none_whoever_looks(
    machine: Machine, step: float
) -> None:
    holder, other = machine.study(), machine.study()
    claim(holder)
    machine.clock += step
    late = machine.study()
    for each in (holder, other, late):
        assert each.trials.reclaim_expired() == []
        seconds = each.trials.outlook().seconds
        assert seconds is not None
        assert 0 < seconds <= LEASE_SECONDS
    machine.passes(LEASE_SECONDS + 1)
    (released,) = late.trials.reclaim_expired()
    assert (released.number, released.state) == (0, "waiting")


def test_a_machine_that_was_suspended_finds_its_leases_as_they_were(machine: Machine) -> None:
    study = machine.study()
    claim(study)
    machine.passes(LEASE_SECONDS - 1)
    machine.clock += 8 * 3600.0
    assert study.trials.reclaim_expired() == []
    machine.passes(2.0)
    assert [each.number for each in study.trials.reclaim_expired()] == [0]


@pytest.mark.parametrize(
    "clock", [946684800.0, time.time(), time.time() + 3600.0], ids=["2000", "now", "ahead"]
)
def test_a_lease_of_a_machine_that_was_started_again_ends_in_its_time_whatever_the_clock_says(
    machine: Machine, clock: float
) -> None:
    claim(machine.study())
    machine.start, machine.awake, machine.clock = "the second", 7.0, clock
    study = machine.study()
    machine.passes(LEASE_SECONDS + 1)
    assert [each.number for each in study.trials.reclaim_expired()] == [0]


def test_workers_are_seen_by_the_same_clock(machine: Machine) -> None:
    study = machine.study()
    study.workers.register("one", host="here", pid=1, device="CPU")
    machine.clock += 86400.0
    (seen,) = machine.study().workers.alive()
    assert seen.silent_seconds == pytest.approx(0.0, abs=1e-3)


def test_a_database_without_the_clock_is_read_as_it_is_and_gets_one_when_it_is_worked_on(
    machine: Machine, tmp_path: Path
) -> None:
    claim(machine.study())
    with closing(sqlite3.connect(tmp_path / "studies.db")) as database:
        database.execute("DROP TABLE studyhall_clocks")
    with Catalogue(f"sqlite:///{tmp_path}/studies.db") as catalogue:
        assert catalogue.summary("bss").counts.running == 1
    assert machine.study().trials.reclaim_expired() == []
    with closing(sqlite3.connect(tmp_path / "studies.db")) as database:
        assert database.execute("SELECT boot FROM studyhall_clocks").fetchall() == [("the first",)]


def test_where_starts_of_the_machine_cannot_be_told_apart_the_clock_is_the_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shared_clock, "_BOOT", tmp_path / "nothing")
    with ExitStack() as closing_all:
        storage = open_storage(f"sqlite:///{tmp_path}/studies.db", create=True)
        closing_all.callback(storage.close)
        study = Study.create_or_join(storage, define(trials=1))
        claim(study)
        seconds = study.trials.outlook().seconds
        assert seconds == pytest.approx(LEASE_SECONDS, abs=30.0)
