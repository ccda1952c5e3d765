"""Failures have kinds, and a killed training process is told apart from one that died of itself."""

import signal

import pytest

from studyhall.search.processes.death import Death
from studyhall.search.training.failures import kind_of
from studyhall.studies.queue.failure_kind import FailureKind


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
