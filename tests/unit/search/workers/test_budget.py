"""When a study is over before its trials are."""

from typing import Any

import pytest

from studyhall.search.workers.budget import Budget, EpochGate
from studyhall.studies.definition.signature import signature
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.queue.lease import Lease
from studyhall.studies.status.summary import Spent
from studyhall.studies.study_file.loading import define

STUDY: dict[str, Any] = {"name": "study", "hypermodel": BUILT_IN_HYPERMODEL}


def lease(number: int = 0) -> Lease:
    return Lease(number, 1, number, "token", "worker", 0, None)


class FakeStudy:
    """Counts epochs as the database does, each of a trial once."""

    def __init__(self) -> None:
        self.begun: dict[int, int] = {}
        self.best: float | None = None
        self.seconds = 0.0
        self.stop = False
        self.looks = 0

    def spent(self) -> Spent:
        self.looks += 1
        return Spent(self.seconds, sum(self.begun.values()), self.best)

    def stop_requested(self) -> bool:
        return self.stop

    def begin_epoch(self, lease: Lease, epoch: int, limit: int) -> bool:
        before = self.begun.get(lease.number, 0)
        if sum(self.begun.values()) + max(0, epoch - before) > limit:
            return False
        self.begun[lease.number] = max(before, epoch)
        return True


@pytest.mark.parametrize(
    ("budget", "spent", "reason"),
    [
        (Budget(), Spent(1e9, 10**9, 0.0), None),
        (Budget(seconds=86400), Spent(86399, 0, None), None),
        (Budget(seconds=86400), Spent(86400, 0, None), "24 hours are over"),
        (Budget(seconds=1800), Spent(1801, 0, None), "0.5 hour is over"),
        (Budget(epochs=1000), Spent(0, 999, None), None),
        (Budget(epochs=1000), Spent(0, 1000, None), "the budget of 1,000 epochs is used up"),
        (Budget(target=3e-4), Spent(0, 0, None), None),
        (Budget(target=3e-4), Spent(0, 0, 3.1e-4), None),
        (Budget(target=3e-4), Spent(0, 0, 3e-4), "the target 0.0003 is reached with 0.0003"),
        (Budget(target=0.9, direction="maximize"), Spent(0, 0, 0.89), None),
        (Budget(target=0.9, direction="maximize"), Spent(0, 0, 0.95), "the target 0.9 is reached with 0.95"),
        (Budget(seconds=60, epochs=9, target=1.0), Spent(0, 9, 2.0), "the budget of 9 epochs is used up"),
    ],
)
def test_whichever_limit_comes_first_ends_the_study(budget: Budget, spent: Spent, reason: str | None) -> None:
    assert budget.reached(spent) == reason


def test_a_definition_sets_the_budget_and_its_signature_does_not_know(tmp_path: Any) -> None:
    plain = define(STUDY, tmp_path)
    limited = define(STUDY | {"search": {"hours": 24, "epochs": 1000, "target": 3e-4}}, tmp_path)
    assert Budget.of(limited) == Budget(86400.0, 1000, 3e-4, "minimize")
    assert not Budget.of(plain).is_limited
    assert signature(plain) == signature(limited)
    for nothing in ({"hours": 0}, {"epochs": 0}, {"hours": -1.0}):
        with pytest.raises(DefinitionError, match="search"):
            define(STUDY | {"search": nothing}, tmp_path)


def test_two_workers_train_exactly_the_epochs_of_the_budget() -> None:
    study = FakeStudy()
    gates = [EpochGate(study, Budget(epochs=7), clock=lambda: 0.0) for _ in range(2)]
    trained = [0, 0]
    for _ in range(10):
        for number, gate in enumerate(gates):
            if gate.admits(lease(number), trained[number] + 1):
                trained[number] += 1
    assert sum(trained) == 7
    assert {gate.over for gate in gates} == {"the budget of 7 epochs is used up"}


def test_an_epoch_that_is_trained_again_counts_once() -> None:
    study = FakeStudy()
    gate = EpochGate(study, Budget(epochs=2), clock=lambda: 0.0)
    assert [gate.admits(lease(), epoch) for epoch in (1, 1, 2, 3)] == [True, True, True, False]


def test_a_study_without_limits_asks_the_database_for_nothing_but_a_stop() -> None:
    study = FakeStudy()
    gate = EpochGate(study, Budget())
    assert gate.look() is None
    assert all(gate.admits(lease(), epoch) for epoch in range(1, 100))
    assert (study.looks, study.begun) == (0, {})


def test_another_worker_s_success_is_heard_of_within_a_second() -> None:
    now = 0.0
    study = FakeStudy()
    gate = EpochGate(study, Budget(target=1.0), clock=lambda: now)
    assert gate.look() is None
    study.best = 0.5
    assert gate.admits(lease(), 1)
    now = 1.0
    assert not gate.admits(lease(), 2)
    assert gate.look() == "the target 1 is reached with 0.5"


def test_a_stop_request_ends_the_work_at_the_next_epoch() -> None:
    study = FakeStudy()
    gate = EpochGate(study, Budget(), clock=lambda: 0.0)
    study.stop = True
    assert not gate.admits(lease(), 1)
    assert gate.over == "it was stopped with: studyhall stop"
