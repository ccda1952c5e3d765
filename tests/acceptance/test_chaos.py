"""Whatever happens to workers and to their PostgreSQL, a study ends with exactly its trials, each trained
once.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.chaos import invariants, project, schedule
from tests.acceptance.chaos.storm import Storm, Weather
from tests.support.postgres import PostgresServer, running_server

OUTAGE_SECONDS = 30.0


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own, which nobody else misses."""
    with running_server() as server:
        yield server


@pytest.mark.parametrize("factor", [None, 2], ids=["whole", "paused"])
def test_workers_that_are_killed_stopped_and_frozen_lose_nothing_and_repeat_nothing(
    server: PostgresServer, tmp_path: Path, factor: int | None
) -> None:
    seconds = 18.0 if factor is None else 10.0
    weather = Weather(seed=4, seconds=seconds, workers=3, mean_gap=3.0, lease=4.0, epochs=4, factor=factor)
    storm = Storm(weather, server, server.url(server.create_database()), tmp_path)
    study = storm.run()
    found = invariants.violations(storm, study)
    study.storage.close()
    assert found == [], f"seed {weather.seed}\n{schedule.in_words(weather.blows)}"
    assert storm.happened


def test_a_database_that_is_away_for_half_a_minute_and_the_end_of_all_workers_at_once_cost_nothing(
    server: PostgresServer, tmp_path: Path
) -> None:
    weather = Weather(seed=0, seconds=0.0, workers=2, lease=4.0, epochs=10)
    storm = Storm(weather, server, server.url(server.create_database()), tmp_path)
    study = storm.prepare(trials=5)
    with storm.crew() as crew:
        crew.replace()
        storm.await_trials(study, 2)
        before, began = list(crew.alive), time.time()
        server.stop("fast")
        late = crew.start()  # a worker that begins while the database is away waits for it, too
        time.sleep(OUTAGE_SECONDS)
        meanwhile = [(trial, epoch) for trial, epoch, when in project.notes_of(tmp_path) if when > began]
        assert crew.alive == [*before, late]
        server.start()
        storm.outages.append((began, time.time()))
        assert len({trial for trial, _ in meanwhile}) == 2, "training did not go on without the database"
        assert all("waiting for the database" in hand.output for hand in before)

        storm.await_trials(study, 3)  # all three have found their way back
        held = storm.held(study)
        for hand in crew.alive:
            storm.note_hit(study, hand, held)
            hand.kill()
        storm.drain(study, crew)
        storm.complaints += crew.complaints()
    assert invariants.violations(storm, study) == []
    study.storage.close()
