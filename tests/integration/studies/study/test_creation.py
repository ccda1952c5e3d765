"""Many processes, and processes that die, create one storage and one study in it."""

from tests.support.races import run_processes


def test_sixteen_processes_that_start_at_once_create_one_study(storage_url: str) -> None:
    assert run_processes("start", storage_url, processes=16, trials=12) == [12] * 16


def test_creation_that_is_killed_anywhere_is_completed_by_the_next_start(storage_url: str) -> None:
    found = run_processes("interrupted", storage_url, processes=1, trials=5)
    assert len(found) > 10  # so many of its writes were its last
    assert set(found) == {5}
