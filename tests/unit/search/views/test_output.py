"""Output whose reader is gone: a terminal that was closed, or the next command of a pipeline."""

import errno
import os
from typing import TextIO

import pytest

from studyhall.search.views.output import Output


@pytest.fixture
def closed_pipe() -> TextIO:
    """A stream into a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w", encoding="utf-8", buffering=1)


@pytest.fixture
def closed_terminal() -> TextIO:
    """A stream to a terminal that was closed."""
    ours, theirs = os.openpty()
    os.close(ours)
    return open(theirs, "w", encoding="utf-8", buffering=1)


def test_work_ends_when_the_next_command_of_its_pipeline_is_gone(closed_pipe: TextIO) -> None:
    with closed_pipe, pytest.raises(SystemExit) as ended:
        Output(closed_pipe, lambda: False).write("trial 0\n")
    assert ended.value.code == 1


def test_work_that_was_told_to_stop_does_what_it_has_to_though_the_pipeline_is_gone(
    closed_pipe: TextIO,
) -> None:
    with closed_pipe:
        output = Output(closed_pipe, lambda: True)
        assert output.write("handed back\n") == 12
        output.flush()
        closed_pipe.write("what others write goes nowhere, too\n")


def test_work_goes_on_without_its_terminal(closed_terminal: TextIO) -> None:
    with pytest.raises(OSError, match="Input/output") as error:
        os.write(closed_terminal.fileno(), b"x")
    assert error.value.errno == errno.EIO
    with closed_terminal:
        output = Output(closed_terminal, lambda: False)
        output.write("trial 0\n")
        output.flush()
        closed_terminal.write("what others write goes nowhere, too\n")


def test_other_errors_of_output_are_told() -> None:
    with open("/dev/full", "w", encoding="utf-8", buffering=1) as full:
        with pytest.raises(OSError, match="No space left"):
            Output(full, lambda: True).write("trial 0\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
