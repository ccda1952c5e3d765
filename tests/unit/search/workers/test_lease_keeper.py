"""The keeper of a lease notices that its process was frozen, before it renews the lease."""

import threading

from studyhall.search.workers.lease_keeper import LeaseKeeper


def test_a_process_that_was_frozen_hears_of_it_before_its_lease_is_renewed() -> None:
    done, happened = threading.Event(), []
    times = iter([0.0, 0.1, 0.1, 3600.0])

    def renew() -> None:
        happened.append("renewed")
        if len(happened) == 3:
            done.set()
            raise ValueError("the test is over")

    def clock() -> float:
        return next(times, 3600.0)

    keeper = LeaseKeeper(renew, 0.04, lambda: happened.append("overslept"), clock)
    quiet = threading.excepthook
    threading.excepthook = lambda arguments: None
    try:
        with keeper:
            assert done.wait(30)
    finally:
        threading.excepthook = quiet
    assert happened == ["renewed", "overslept", "renewed"]
