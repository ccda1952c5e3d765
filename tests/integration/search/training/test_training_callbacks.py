"""What the callbacks of a trial do at which of Keras's hooks, also where a loop of the user's own calls few
of them.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from studyhall.search.training.account import Account
from studyhall.search.training.callbacks import (
    Admission,
    EpochData,
    LearningRate,
    Report,
    StopRequestedError,
    Throughput,
    TrialPrunedError,
    Watch,
)
from tests.support.handles import UntrainedHandle


class Handle(UntrainedHandle):
    """Notes what it is told; stops when it is to."""

    stops = False

    def __init__(self) -> None:
        self.start: Any = None
        self.told: list[tuple[int, int, int]] = []
        self.asked: list[int] = []
        self.last = 9
        self.curve: dict[int, float] = {}
        self.prunes_at = 2

    def suggest(self, name: str, distribution: Any, value: Any = None) -> Any:
        raise NotImplementedError

    def report(self, step: int, value: float, *others: float) -> bool:
        self.curve[step] = value
        return step == self.prunes_at

    def progress(self, epoch: int, step: int, steps: int) -> None:
        self.told.append((epoch, step, steps))

    def begin_epoch(self, epoch: int) -> bool:
        self.asked.append(epoch)
        return epoch <= self.last

    def stop_requested(self) -> bool:
        return self.stops


class Clock:
    """The time, which passes when a test says so."""

    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    time = SimpleNamespace(perf_counter=lambda: clock.now, monotonic=lambda: clock.now)
    monkeypatch.setattr("studyhall.search.training.callbacks.time", time)
    return clock


def account_of(epochs: int) -> Account:
    account = Account(["loss"], "minimize", lambda model: None)
    for epoch in range(epochs):
        account.on_epoch_end(epoch, {"loss": 1.0})
    return account


def test_a_trial_tells_of_its_progress_five_times_a_second_and_at_the_start_of_each_epoch(
    clock: Clock,
) -> None:
    handle = Handle()
    watch = Watch(handle, account_of(2))
    watch.set_params({"steps": 7, "epochs": 5})
    watch.on_epoch_begin(2)
    for batch in range(5):
        watch.on_train_batch_begin(batch)
        clock.now += 0.15
    watch.on_epoch_end(2)
    watch.on_epoch_begin(3)
    watch.on_test_batch_begin(0)
    assert handle.told == [(2, 0, 7), (2, 2, 7), (2, 4, 7), (2, 4, 7)]


def test_a_stop_is_obeyed_between_two_batches_and_not_before_an_epoch_is_accounted_for() -> None:
    handle = Handle()
    handle.stops = True
    watch = Watch(handle, account_of(3))
    watch.set_params({"steps": 7, "epochs": 5})
    watch.on_epoch_end(2)
    watch.on_epoch_begin(3)
    with pytest.raises(StopRequestedError, match="^stopped after 3 epochs$") as stopped:
        watch.on_train_batch_begin(0)
    assert stopped.value.epochs == 3


def test_a_loop_that_calls_nothing_but_the_end_of_its_epochs_is_stopped_there() -> None:
    handle = Handle()
    watch = Watch(handle, account_of(3))
    watch.on_epoch_end(2)
    handle.stops = True
    with pytest.raises(StopRequestedError, match="3 epochs"):
        watch.on_epoch_end(2)


def test_each_epoch_is_asked_for_once_whichever_hooks_are_called() -> None:
    handle = Handle()
    handle.last = 3
    account = account_of(0)
    admission = Admission(handle, account)
    for epoch in range(2):
        admission.on_epoch_begin(epoch)
        account.on_epoch_end(epoch, {"loss": 1.0})
        admission.on_epoch_end(epoch)
    account.on_epoch_end(2, {"loss": 1.0})
    admission.on_epoch_end(2)
    with pytest.raises(StopRequestedError) as stopped:
        admission.on_epoch_begin(3)
    assert handle.asked == [1, 2, 3, 4]
    assert stopped.value.epochs == 3


def test_throughput_is_that_of_training_after_the_first_step(clock: Clock) -> None:
    throughput = Throughput(together=2.0)
    throughput.on_epoch_begin(0)
    for seconds in (60.0, 0.5, 0.5, 0.5):  # the first one is compiled
        throughput.on_train_batch_begin(0)
        clock.now += seconds
    throughput.on_test_begin()
    clock.now += 30.0
    throughput.on_epoch_end(0)
    assert throughput.batches_per_second == 4.0
    clock.now += 5.0
    throughput.on_epoch_begin(1)
    for _ in range(3):
        throughput.on_train_batch_begin(0)
        clock.now += 1.5
    throughput.on_epoch_end(1)
    assert (throughput.batches, throughput.seconds) == (12.0, 6.0)


def test_a_training_of_one_step_has_no_throughput(clock: Clock) -> None:
    throughput = Throughput()
    throughput.on_epoch_begin(0)
    throughput.on_train_batch_begin(0)
    clock.now += 60.0
    throughput.on_epoch_end(0)
    assert throughput.batches_per_second is None


def test_data_are_told_which_epoch_of_the_whole_training_comes() -> None:
    told: list[int] = []
    data = EpochData(SimpleNamespace(set_epoch=told.append), account_of(3))
    data.on_epoch_begin(0)
    assert told == [3]
    EpochData([1, 2], account_of(0)).on_epoch_begin(0)


def test_a_learning_rate_that_is_reported_already_stays() -> None:
    rate = LearningRate()
    rate.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5)))
    own: dict[str, Any] = {"learning_rate": 0.1}
    ours: dict[str, Any] = {}
    rate.on_epoch_end(0, own)
    rate.on_epoch_end(0, ours)
    rate.on_epoch_end(0)
    assert (own, ours) == ({"learning_rate": 0.1}, {"learning_rate": 0.5})
    rate.set_model(SimpleNamespace())
    rate.on_epoch_end(0, ours := {})
    assert not ours


@pytest.mark.parametrize("params", [None, {"epochs": 3}])
def test_a_trial_is_pruned_after_the_epoch_that_was_judged(params: Any) -> None:
    handle, account = Handle(), account_of(0)
    report = Report(handle, account)
    if params:
        report.set_params(params)
    account.on_epoch_end(0, {"loss": 4.0})
    report.on_epoch_end(0)
    report.on_epoch_begin(1)
    account.on_epoch_end(1, {"loss": 3.0})
    with pytest.raises(TrialPrunedError, match="^pruned after epoch 2$") as pruned:
        report.on_epoch_end(1)
    assert (pruned.value.epoch, handle.curve) == (2, {1: 4.0, 2: 3.0})


def test_the_last_epoch_of_a_fit_is_pruned_only_where_another_fit_follows() -> None:
    handle, account = Handle(), account_of(0)
    report = Report(handle, account)
    report.set_params({"epochs": 2})
    for epoch in range(2):
        report.on_epoch_begin(epoch)
        account.on_epoch_end(epoch, {"loss": 4.0})
        report.on_epoch_end(epoch)
    with pytest.raises(TrialPrunedError) as pruned:
        report.on_epoch_begin(0)
    assert pruned.value.epoch == 2


def test_an_epoch_without_the_objective_is_not_judged() -> None:
    handle, account = Handle(), account_of(0)
    report = Report(handle, account)
    without: list[dict[str, Any]] = [{"accuracy": 1.0}, {"loss": [1.0, 2.0]}]
    for epoch, logs in enumerate(without):
        account.on_epoch_end(epoch, logs)
        report.on_epoch_end(epoch)
    assert not handle.curve
