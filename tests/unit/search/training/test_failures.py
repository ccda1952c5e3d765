"""Failures have kinds, and a killed training process is told apart from one that died of itself."""

import errno
import signal
from pathlib import Path

import keras_tuner
import pytest

from studyhall.search.core.outcome import Completed, Failed, HandedBack, Pruned
from studyhall.search.processes.death import Death
from studyhall.search.training.account import NoSingleNumberError, NotFiniteError, UnknownMetricError
from studyhall.search.training.callbacks import StopRequestedError
from studyhall.search.training.failures import kind_of, outcome_of
from studyhall.search.training.saving import UnsavableModelError
from studyhall.search.user.blame import Blame
from studyhall.search.workers.failures_in_a_row import FailuresInARow
from studyhall.studies.errors import ArtifactError, MachineError, StorageError, UserCodeError
from studyhall.studies.queue.failure_kind import FailureKind


def blame(folder: Path) -> Blame:
    return Blame("net.py:build", "net.py:load", folder)


class ResourceExhaustedError(Exception):
    """Named like TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ResourceExhaustedError("OOM when allocating tensor"), FailureKind.OOM),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"), FailureKind.OOM),
        (MemoryError(), FailureKind.OOM),
        (ValueError("shapes do not match"), FailureKind.ERROR),
    ],
)
def test_an_exception_of_training_is_out_of_memory_or_the_codes_own(
    error: Exception, kind: FailureKind
) -> None:
    assert kind_of(error) is kind


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StopRequestedError(3), HandedBack(3)),
        (NotFiniteError("val_loss is nan"), Failed(FailureKind.NAN, "val_loss is nan")),
        (
            UnknownMetricError("training reports no 'f1'"),
            Failed(
                FailureKind.INVALID,
                "training reports no 'f1'; set objective.metric to one of them",
                blames_study=True,
            ),
        ),
        (
            NoSingleNumberError("f1 has 3 values an epoch"),
            Failed(FailureKind.INVALID, "f1 has 3 values an epoch", blames_study=True),
        ),
        (keras_tuner.errors.FailedTrialError("too large"), Failed(FailureKind.INVALID, "too large")),
        (UnsavableModelError("it cannot be saved"), Failed(FailureKind.ERROR, "it cannot be saved")),
    ],
)
def test_an_exception_that_is_understood_says_how_its_trial_ends(
    error: Exception, outcome: Failed | HandedBack, tmp_path: Path
) -> None:
    assert outcome_of(error, blame(tmp_path), "objective.metric") == outcome


def test_any_other_exception_of_the_users_code_fails_its_trial_with_its_type(tmp_path: Path) -> None:
    outcome = outcome_of(MemoryError("no room"), blame(tmp_path), "objective.metric")
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.reason, outcome.blames_study) == (
        FailureKind.OOM,
        "net.py:build fails: MemoryError: no room",
        False,
    )
    assert "MemoryError: no room" in outcome.details


def test_an_exception_that_is_no_trials_fault_is_raised(tmp_path: Path) -> None:
    with pytest.raises(UserCodeError, match="net.py:build ended the search: no such data"):
        outcome_of(keras_tuner.errors.FatalError("no such data"), blame(tmp_path), "objective")
    with pytest.raises(StorageError, match="the database is away"):
        outcome_of(StorageError("the database is away"), blame(tmp_path), "objective")


@pytest.mark.parametrize(
    ("death", "kind"),
    [
        (Death(-signal.SIGSEGV, None, False), FailureKind.CRASHED),
        (Death(1, None, False), FailureKind.CRASHED),
        (Death(-signal.SIGKILL, None, True), FailureKind.OOM),
        (Death(-signal.SIGKILL, FailureKind.OOM, False), FailureKind.OOM),
        (Death(-signal.SIGKILL, FailureKind.STALLED, False), FailureKind.STALLED),
        (Death(-signal.SIGKILL, None, False), None),
        (Death(-signal.SIGTERM, None, False), None),
    ],
)
def test_only_a_signal_from_outside_deserves_another_try(death: Death, kind: FailureKind | None) -> None:
    assert death.kind is kind
    assert "\n" not in str(death)


def test_failures_in_a_row_that_may_be_the_codes_fault_end_a_worker() -> None:
    failures = FailuresInARow(3)
    error, crash = Failed(FailureKind.ERROR, "no such layer"), Failed(FailureKind.CRASHED, "died")
    others = (Completed(0.5, 1, None), Pruned(1, 0.5, 1), Failed(FailureKind.NAN, "val_loss is nan"))
    for between in others:
        assert [failures.too_many(each) for each in (error, crash, between)] == [None] * 3
    assert [failures.too_many(each) for each in (error, crash)] == [None] * 2
    why = failures.too_many(error)
    assert why is not None
    assert why.startswith("3 trials in a row failed, the last one with: no such layer; ")


def test_a_fault_of_the_machine_ends_no_trial() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(MachineError, match="No space is left on"):
        outcome_of(full, blame(Path()), "objective")


def test_what_no_code_is_to_blame_for_names_no_line_of_it(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("raise error")
    for error, place in ((ArtifactError("full"), ""), (UserCodeError("odd"), r" \(net.py, line 1\)")):
        with pytest.raises(type(error)) as met:
            exec(compile("raise error", str(tmp_path / "net.py"), "exec"), {"error": error})
        with pytest.raises(type(error), match=f"^{error}{place}$"):
            outcome_of(met.value, blame(tmp_path), "objective")
