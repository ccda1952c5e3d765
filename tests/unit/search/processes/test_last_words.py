"""Why a training process ended: what a library logs at its start is never the reason."""

import signal

import pytest

from studyhall.search.processes.death import Death
from studyhall.search.processes.last_words import last_words
from studyhall.search.processes.trainer_process import TrainerCrashedError
from studyhall.studies.queue.failure_kind import FailureKind

START_UP = """
2026-11-27 23:58:39.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
E0000 00:00:1795824093.090328   22504 cuda_executor.cc:1228] failed call to cuInit: UNKNOWN ERROR (303)
I0000 00:00:1795824093.091127   22504 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with the compiler flags.
2026-11-27 23:58:40.000001: E external/local_xla/xla/stream_executor/cuda/cuda_driver.cc:152] failed call to cuInit
/lib/python3.11/site-packages/keras/src/layers.py:106: UserWarning: Do not pass an `input_shape`
  super().__init__(activity_regularizer=activity_regularizer, **kwargs)
"""

SEGFAULT = """Fatal Python error: Segmentation fault

Current thread 0x00007f0feb9db880 (most recent call first):
  File "net.py", line 3 in build

Extension modules: numpy._core._multiarray_umath (total: 1)
"""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (START_UP, ""),
        ("epoch 1\nno room left for the cache\n" + START_UP, "no room left for the cache"),
        (
            START_UP + "F0000 00:00:1795824093.1 22504 tensor.cc:12] Check failed: n == 3\n",
            "Check failed: n == 3",
        ),
        (START_UP + SEGFAULT, "Fatal Python error: Segmentation fault"),
        ("", ""),
    ],
)
def test_the_last_words_of_a_process_are_none_of_a_librarys_log(output: str, words: str) -> None:
    assert last_words(output) == words


@pytest.mark.parametrize(
    "death",
    [
        Death(-signal.SIGKILL, FailureKind.OOM, False),
        Death(-signal.SIGKILL, FailureKind.STALLED, False),
        Death(-signal.SIGKILL, None, True),
        Death(-signal.SIGTERM, None, False),
    ],
)
def test_what_a_killed_process_had_printed_is_no_reason(death: Death) -> None:
    assert TrainerCrashedError(death, "epoch 3").reason == str(death)


def test_what_a_process_printed_that_died_by_itself_is_told() -> None:
    crash = TrainerCrashedError(Death(3, None, False), f"the cache is damaged\n{START_UP}")
    assert crash.reason == "the training process ended with status 3: the cache is damaged"
