"""The queue as a state machine: what three workers, the people who steer them and death may do, in any order.

Hypothesis composes histories of claims, renewals, hand-backs, pauses, promotions, endings, expiries, requests
and publications on a real database, and kills the process of a step before one of its commits, after it, or
loses the commit's answer. After each step the database is compared with what the living know:

- no trial is lost: there are as many as were asked for, numbered without gaps;
- a trial that has ended stays as it is, and ends once;
- nobody trains a trial whose lease another holds, and whoever's lease is over changes nothing;
- a worker whose lease has not run out keeps it;
- the budget of epochs is exact;
- one process at a time has the turn to publish.

At the end one worker alone must be able to finish the study.

What it does not explore: statements of two processes that overlap (test_leases_races.py does, with real
processes), deaths between two statements of one transaction (which the database undoes as it does before the
commit), the sampler, checkpoints' files, and clocks that jump. `HYPOTHESIS_PROFILE=nightly` tries twenty
times as many histories, and other ones each night.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from optuna.pruners import NopPruner
from optuna.trial import Trial, TrialState
from sqlalchemy import select, update

from studyhall.studies.bundle.turn import PublicationTurn
from studyhall.studies.database.optuna_tables import trial_values, trials
from studyhall.studies.database.retrying import Patience
from studyhall.studies.database.studyhall_tables import leases, publications
from studyhall.studies.errors import LeaseLostError
from studyhall.studies.queue import epoch_budget, leasing
from studyhall.studies.queue.lease import Lease
from studyhall.studies.storage.claimed_trial import storage_of
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study.study import Study
from tests.support.dying import Blow, DiedError, struck
from tests.support.examples import share_of_examples
from tests.support.studies import define, random_sampler

TRIALS = 3
EPOCHS = 5  # the study's budget
WORKERS = st.integers(0, 2)
ENDINGS = "complete", "prune", "fail", "interrupted"
_BLOW = st.builds(
    Blow,
    st.sampled_from(["before the commit", "after the commit", "without an answer"]),
    st.sampled_from([0, 0, 0, 1, 2]),
)
BLOWS = st.integers(0, 2).flatmap(lambda luck: st.none() if luck else _BLOW)  # most steps go well
PAUSING = {"scheduler": {"name": "asha", "reduction_factor": 2}, "training": {"epochs": 4}}
SHARE = 0.15  # of the examples that other properties are tried on
PHASES = Phase.explicit, Phase.generate, Phase.shrink
OVER = {"renewed_at": 0.0, "ttl_seconds": 0.0}  # a lease or a turn
FINISHED = "COMPLETE", "PRUNED", "FAIL"


class Impatient(Patience):
    """One that tries again at once, and gives nobody time to be heard of after an outage."""

    def sleep(self, seconds: float) -> None:
        """Do not wait: nothing else runs meanwhile."""

    def note_silence(self) -> None:
        """Forget it: here nobody is late for an outage."""


class Worker:
    """One process; `trial` is what it believes to hold, and `expired` whether the lease may be over."""

    def __init__(self, storage: StudyStorage, name: str) -> None:
        self.study = Study.open(storage, name)
        self.turn = PublicationTurn(storage, self.study.id, name, "a worker")
        self.trial: Trial | None = None
        self.expired = False
        self.publishes = False

    @property
    def lease(self) -> Lease:
        assert self.trial is not None
        return self.study.trials.lease_of(self.trial)


class QueueMachine(RuleBasedStateMachine):
    """All that may happen to a study."""

    storages: list[StudyStorage]
    names: Iterator[int]
    pauses: bool

    @initialize()
    def create(self) -> None:
        """A study of a few trials, and the workers."""
        self.name = f"study-{next(self.names)}"
        Study.create_or_join(self.storages[0], define(TRIALS, self.name, **(PAUSING if self.pauses else {})))
        self.workers = [Worker(storage, self.name) for storage in self.storages]
        self.asked = TRIALS
        self.ended: dict[int, tuple[Any, ...]] = {}
        self.completed: list[int] = []
        self.begun: set[tuple[int, int]] = set()

    # What happens.

    @precondition(lambda self: self.idle)
    @rule(who=WORKERS, epoch=st.integers(0, 4), blow=BLOWS)
    def claims(self, who: int, epoch: int, blow: Blow | None) -> None:
        """A worker that holds nothing asks for a trial, and may begin to train it."""
        who = self.idle[who % len(self.idle)]
        worker = self.workers[who]
        alive, trial = self.does(
            who, blow, lambda: worker.study.trials.claim(random_sampler, NopPruner(), worker=f"w{who}")
        )
        if alive and trial is not None:
            worker.trial, worker.expired = trial, False
            if epoch:
                self.trains(who, epoch, None)

    @precondition(lambda self: self.holders)
    @rule(who=WORKERS, blow=BLOWS)
    def renews(self, who: int, blow: Blow | None) -> None:
        """A worker says that it lives; one that was frozen may find that it is too late."""
        who = self.holders[who % len(self.holders)]
        worker = self.workers[who]
        lease = worker.lease
        alive, renewed = self.holds(who, blow, lambda: worker.study.trials.renew(lease, epoch=1))
        if alive and renewed is not None:
            worker.expired = False
            ample = update(leases).where(leases.c.token == lease.token).values(ttl_seconds=60.0)
            worker.study.storage.transact(lambda connection: connection.execute(ample))

    @precondition(lambda self: self.holders)
    @rule(who=WORKERS, epoch=st.integers(1, 4), blow=BLOWS)
    def begins_an_epoch(self, who: int, epoch: int, blow: Blow | None) -> None:
        """A worker goes on as far as an epoch, if the budget has room for it, and reports it."""
        self.trains(self.holders[who % len(self.holders)], epoch, blow)

    @precondition(lambda self: self.pauses and self.holders)
    @rule(who=WORKERS, epoch=st.integers(1, 2), value=st.floats(), blow=BLOWS, dies_between=st.booleans())
    def reaches_a_rung(
        self, who: int, epoch: int, value: float, blow: Blow | None, dies_between: bool
    ) -> None:
        """A worker asks at a rung whether its trial goes on, and puts it back if not, unless it dies."""
        who = self.holders[who % len(self.holders)]
        worker = self.workers[who]
        lease = worker.lease
        alive, goes_on = self.holds(who, blow, lambda: worker.study.rungs.reach(lease, epoch, value))
        if not alive or goes_on is not False:
            return
        if dies_between:
            self.bury(who)
        else:
            self.holds(who, None, lambda: worker.study.trials.hand_back(lease), lets_go=True)

    @precondition(lambda self: self.pauses)
    @rule(who=WORKERS, blow=BLOWS)
    def closes(self, who: int, blow: Blow | None) -> None:
        """A worker that finds nothing to take ends what is paused, if the study is at its end."""
        self.does(who, blow, lambda: self.workers[who].study.rungs.close(spent=False))

    @precondition(lambda self: self.holders)
    @rule(who=WORKERS, afresh=st.booleans(), blow=BLOWS)
    def hands_back(self, who: int, afresh: bool, blow: Blow | None) -> None:
        """A worker was told to stop, or may have code that is at fault."""
        who = self.holders[who % len(self.holders)]
        worker = self.workers[who]
        lease = worker.lease
        self.holds(who, blow, lambda: worker.study.trials.hand_back(lease, afresh=afresh), lets_go=True)

    @precondition(lambda self: self.holders)
    @rule(who=WORKERS, how=st.sampled_from(ENDINGS), blow=BLOWS)
    def ends(self, who: int, how: str, blow: Blow | None) -> None:
        """A worker's trial ends in one of the ways that there are."""
        who = self.holders[who % len(self.holders)]
        worker = self.workers[who]
        assert worker.trial is not None
        trial, lease, study = worker.trial, worker.lease, worker.study
        was_over = not self.is_held(lease)
        ways: dict[str, Callable[[], object]] = {
            "complete": lambda: study.results.complete(trial, 0.5),
            "prune": lambda: study.results.prune(trial, 0.75),
            "fail": lambda: study.results.fail(trial, "nan", "it was"),
            "interrupted": lambda: study.trials.interrupted(lease, "crashed", "it was"),
        }
        alive, told = self.holds(who, blow, lambda: (ways[how](),), lets_go=True)
        if alive and told is not None and how == "complete":
            assert not was_over
            self.completed.append(lease.number)

    @precondition(lambda self: self.holders)
    @rule(who=WORKERS, is_noticed=st.booleans())
    def freezes(self, who: int, is_noticed: bool) -> None:
        """A worker is not heard of for longer than its lease, which others may notice before it wakes."""
        who = self.holders[who % len(self.holders)]
        worker = self.workers[who]
        late = update(leases).where(leases.c.token == worker.lease.token).values(**OVER)
        worker.study.storage.transact(lambda connection: connection.execute(late))
        worker.expired = True
        if is_noticed:
            self.workers[(who + 1) % 3].study.trials.reclaim_expired()

    @rule(who=WORKERS)
    def dies(self, who: int) -> None:
        """A worker's process is killed between two steps, and another one takes its place."""
        self.bury(who)

    @rule(who=WORKERS, blow=BLOWS)
    def reclaims(self, who: int, blow: Blow | None) -> None:
        """A worker looks for trials whose workers are gone."""
        self.does(who, blow, self.workers[who].study.trials.reclaim_expired)

    @rule(who=WORKERS, more=st.integers(1, 2), asked_for=st.booleans(), blow=BLOWS)
    def is_extended(self, who: int, more: int, asked_for: bool, blow: Blow | None) -> None:
        """Somebody asks for more trials, or for a configuration."""
        study = self.workers[who].study
        more = 1 if asked_for else more
        alive, _ = self.does(who, blow, lambda: study.enqueue({"x": 1}) if asked_for else study.extend(more))
        if alive or len(self.rows()) > self.asked:
            self.asked += more

    @precondition(lambda self: self.holders)
    @rule(who=WORKERS)
    def is_cancelled(self, who: int) -> None:
        """Somebody ends a running trial in the dashboard."""
        worker = self.workers[self.holders[who % len(self.holders)]]
        assert worker.trial is not None
        if not self.is_held(worker.lease):
            return
        worker.study.storage.set_trial_state_values(worker.trial._trial_id, TrialState.FAIL)
        worker.expired = True

    @rule(who=WORKERS, stops=st.sampled_from([True, False, False, False]), blow=BLOWS)
    def is_stopped(self, who: int, stops: bool, blow: Blow | None) -> None:
        """Somebody asks all workers to leave, or lets them work again."""
        study = self.workers[who].study
        self.does(who, blow, study.request_stop if stops else study.clear_stop)

    @rule(who=WORKERS, what=st.sampled_from(["take", "renew", "leave"]), blow=BLOWS)
    def publishes(self, who: int, what: str, blow: Blow | None) -> None:
        """A worker takes the turn to publish, says that it lives, or has published."""
        worker = self.workers[who]
        others = [each for each in self.workers if each.publishes and each is not worker]

        def act() -> bool:
            try:
                return getattr(worker.turn, what)() is None
            except LeaseLostError:
                return False

        alive, has = self.does(who, blow, act)
        if alive:
            assert not (has and what != "leave" and others)
            assert has or not worker.publishes
            worker.publishes = has and what != "leave"

    @rule()
    def turns_run_out(self) -> None:
        """Whoever publishes is not heard of for longer than its turn."""
        late = update(publications).values(**OVER)
        self.storages[0].transact(lambda connection: connection.execute(late))
        for each in self.workers:
            each.publishes = False

    # What must be true.

    @invariant()
    def nothing_is_lost_and_nothing_ends_twice(self) -> None:
        """Every trial that was asked for is there, and what has ended is as it was."""
        rows = self.rows()
        assert [row.number for row in rows] == list(range(self.asked))
        for row in rows:
            if row.number in self.ended:
                assert self.ended[row.number] == (row.state, row.value)
            elif row.state in FINISHED:
                self.ended[row.number] = row.state, row.value
            assert row.state in FINISHED or (row.state == "RUNNING") == (row.token is not None)
        assert len(self.completed) == len(set(self.completed))

    @invariant()
    def whoever_lives_keeps_its_trial_alone(self) -> None:
        """A lease that has not run out is held, by one who knows of it, and no trial is held by two."""
        held = [each.lease for each in self.workers if each.trial is not None and self.is_held(each.lease)]
        assert len({lease.trial_id for lease in held}) == len(held)
        for each in self.workers:
            assert each.trial is None or each.expired or each.lease in held
        known = {lease.token for lease in held}
        for row in self.rows():
            assert row.state != "RUNNING" or row.token in known or row.ttl_seconds == 0

    @invariant()
    def the_budget_is_exact(self) -> None:
        """As many epochs were begun as the workers were granted, and no more than there are."""
        assert self.epochs_in_database() == len(self.begun) <= EPOCHS

    def teardown(self) -> None:
        """One worker that is left finishes the study; each trial that it claims goes on further."""
        if not hasattr(self, "workers"):
            return
        study = self.workers[0].study
        study.clear_stop()
        late = update(leases).where(leases.c.study_id == study.id).values(**OVER)
        study.storage.transact(lambda connection: connection.execute(late))
        while (trial := study.trials.claim(random_sampler, NopPruner())) is not None:
            lease, rule = study.trials.lease_of(trial), study.rungs.rule
            if rule is not None and not all(study.rungs.reach(lease, each, 0.5) for each in rule.epochs):
                study.trials.hand_back(lease)
            else:
                study.results.complete(trial, 0.25)
        study.rungs.close(spent=False)
        assert [row.state in FINISHED for row in self.rows()] == [True] * self.asked

    # How it is done and seen.

    def trains(self, who: int, epoch: int, blow: Blow | None) -> None:
        """Have the holder of a trial ask the budget for all epochs up to one, and report the last."""
        trial, lease, study = self.workers[who].trial, self.workers[who].lease, self.workers[who].study
        assert trial is not None
        asked = self.begun | {(lease.number, each) for each in range(1, epoch + 1)}
        alive, granted = self.holds(who, blow, lambda: study.begin_epoch(lease, epoch, EPOCHS))
        if granted or (not alive and self.epochs_in_database() == len(asked)):
            self.begun = asked
        elif granted is False:
            assert len(asked) > EPOCHS
        if granted and epoch > (storage_of(trial).held.last_step or 0):
            self.holds(who, None, lambda: trial.report(1.0 / epoch, epoch))

    @property
    def holders(self) -> list[int]:
        """Those who believe that they hold a trial."""
        return [who for who, each in enumerate(self.workers) if each.trial is not None]

    @property
    def idle(self) -> list[int]:
        """The others."""
        return [who for who, each in enumerate(self.workers) if each.trial is None]

    def does(self, who: int, blow: Blow | None, step: Callable[[], Any]) -> tuple[bool, Any]:
        """Have a worker do a step, and maybe die at it; return whether it lives, and what it learned."""
        try:
            with struck(self.storages[who], blow):
                return True, step()
        except DiedError:
            self.bury(who)
            return False, None

    def holds(
        self, who: int, blow: Blow | None, step: Callable[[], Any], *, lets_go: bool = False
    ) -> tuple[bool, Any]:
        """Have the holder of a trial do a step; one whose lease is over is told so, and changes nothing."""
        worker = self.workers[who]
        was_held, before = self.is_held(worker.lease), self.rows()
        try:
            alive, answer = self.does(who, blow, step)
        except LeaseLostError:
            assert not was_held
            assert self.rows() == before
            worker.trial = None
            return True, None
        assert was_held or not alive
        if alive and lets_go:
            worker.trial = None
        return alive, answer

    def bury(self, who: int) -> None:
        """Put a new process into a dead one's place; the leases of the dead run out."""
        gone = self.workers[who]
        self.workers[who] = Worker(self.storages[who], self.name)
        held = [each.lease.token for each in self.workers if each.trial is not None]
        late = update(leases).where(leases.c.study_id == gone.study.id, leases.c.token.not_in(held))
        self.storages[who].transact(lambda connection: connection.execute(late.values(**OVER)))
        if gone.publishes or not any(each.publishes for each in self.workers):
            self.turns_run_out()

    def rows(self) -> Sequence[Any]:
        """Return what the database has of each trial."""
        study = self.workers[0].study
        query = (
            select(
                trials.c.number, trials.c.state, trial_values.c.value, leases.c.token, leases.c.ttl_seconds
            )
            .select_from(
                trials.outerjoin(leases, leases.c.trial_id == trials.c.trial_id).outerjoin(
                    trial_values, trial_values.c.trial_id == trials.c.trial_id
                )
            )
            .where(trials.c.study_id == study.id)
            .order_by(trials.c.number)
        )
        found: Sequence[Any] = study.storage.read(lambda connection: connection.execute(query).all())
        return found

    def is_held(self, lease: Lease) -> bool:
        """Whether a lease is not over."""
        return self.storages[0].read(lambda connection: leasing.is_held(connection, lease))

    def epochs_in_database(self) -> int:
        """Return how many epochs the study has begun."""
        study = self.workers[0].study
        return int(study.storage.read(lambda c: c.execute(epoch_budget.begun(study.id)).scalar_one()))


@pytest.mark.parametrize("pauses", [False, True], ids=["", "pausing"])
def test_no_history_of_workers_and_deaths_loses_or_repeats_a_trial(
    empty_storage_url: str, pauses: bool
) -> None:
    storages = [open_storage(empty_storage_url, create=False, patience=Impatient(60.0)) for _ in range(3)]

    class Machine(QueueMachine):
        pass

    Machine.storages, Machine.names, Machine.pauses = storages, count(), pauses
    try:
        run_state_machine_as_test(
            Machine, settings=settings(share_of_examples(SHARE), stateful_step_count=40, phases=PHASES)
        )
    finally:
        for storage in storages:
            storage.close()
