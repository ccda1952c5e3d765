"""Signals to a command from its first import to its end: one line, its exit status, no traceback."""

import os
import signal
import subprocess
import sys

import pytest

from studyhall.search.commands.group import COMMANDS

# Sends its process a signal when a module begins to be imported.
AT_AN_IMPORT = """
import os, sys
moment, number = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
def look(event, arguments):
    if event == "exec" and arguments[0].co_filename.endswith(moment):
        os.kill(os.getpid(), number)
sys.addaudithook(look)
from studyhall.search.cli import main
main()
"""
# What a command does; it runs in place of all commands.
COMMAND = """
import atexit, os, signal, sys, weakref
from studyhall.search.commands import group
def send(number):
    os.kill(os.getpid(), number)
{work}
group.run = run
from studyhall.search.cli import main
main()
"""
INTERRUPTED = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def start(program: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors


def run(work: str) -> tuple[int, str, str]:
    return result(start(COMMAND.format(work=work)))


def test_a_signal_ends_every_command_with_its_status_and_a_line_while_it_is_imported() -> None:
    signals = [*INTERRUPTED] * len(COMMANDS)
    running = {
        name: (number, start(AT_AN_IMPORT, f"search/commands/{module}.py", f"{number:d}", name))
        for number, (name, module) in zip(signals, COMMANDS.items(), strict=False)
    }
    for number, process in running.values():
        status, output, errors = result(process)
        assert (status, output, errors.lstrip()) == (INTERRUPTED[number], "", "Interrupted.\n")


@pytest.mark.parametrize("moment", ["search/commands/group.py", "/click/__init__.py", "studies/errors.py"])
def test_a_signal_ends_the_command_line_while_it_is_imported(moment: str) -> None:
    for number, status in INTERRUPTED.items():
        process = start(AT_AN_IMPORT, moment, f"{number:d}", "models")
        assert result(process) == (status, "", "Interrupted.\n")


@pytest.mark.parametrize("number", INTERRUPTED)
def test_a_command_that_has_nothing_to_hand_back_tidies_up_after_a_signal(number: int) -> None:
    work = f"""
def run():
    try:
        send({number:d})
        signal.pause()
    finally:
        print("tidied up")
"""
    assert run(work) == (INTERRUPTED[signal.Signals(number)], "tidied up\n", "Interrupted.\n")


def test_an_import_that_says_it_failed_because_a_signal_came_is_an_interruption_too() -> None:
    work = """
def run():
    try:
        send(signal.SIGTERM)
        signal.pause()
    except BaseException:
        raise ImportError("numpy.core.multiarray failed to import")
"""
    assert run(work) == (143, "", "Interrupted.\n")


def test_a_signal_that_comes_where_python_drops_exceptions_is_heard_all_the_same() -> None:
    work = """
class Thing:
    pass
def run():
    thing = Thing()
    watched = weakref.ref(thing, lambda gone: send(signal.SIGINT))
    del thing
    signal.pause()
"""
    assert run(work) == (130, "", "Interrupted.\n")


def test_an_error_that_no_signal_caused_keeps_its_traceback() -> None:
    status, _, errors = run("def run():\n    raise ImportError('no such thing')\n")
    assert status == 1
    assert errors.endswith("ImportError: no such thing\n")


def test_a_second_sigterm_of_the_same_request_lets_the_command_tidy_up_and_a_second_ctrl_c_ends_it() -> None:
    work = """
def run():
    try:
        send(signal.SIGTERM)
        signal.pause()
    finally:
        send(signal.SIGTERM)
        send(signal.SIGHUP)
        print("tidied up", flush=True)
        send({last})
        print("more")
"""
    assert run(work.format(last="signal.SIGTERM")) == (143, "tidied up\nmore\n", "Interrupted.\n")
    assert run(work.format(last="signal.SIGINT")) == (130, "tidied up\n", "")


def test_a_signal_that_comes_when_the_work_is_done_changes_nothing() -> None:
    work = """
def run():
    print("done")
    atexit.register(lambda: (send(signal.SIGINT), signal.pause()))
    return 0
"""
    assert run(work) == (0, "done\n", "")


def test_a_hang_up_is_ignored_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run("def run():\n    send(signal.SIGHUP)\n    print('goes on')\n    return 0\n") == (
            0,
            "goes on\n",
            "",
        )
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_that_were_held_back_from_a_new_process_are_heard_once_it_can_say_what_to_do() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        process = start(AT_AN_IMPORT, "nothing", "0", "models")
        os.kill(process.pid, signal.SIGTERM)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    assert result(process) == (143, "", "Interrupted.\n")


def test_sigquit_shows_the_stack_of_every_thread_and_those_of_started_processes_and_ends_nothing() -> None:
    work = """
import subprocess, threading
from studyhall.search.processes.signals import signals_held_back
from studyhall.search.processes.stacks import share_sigquit
CHILD = '''
import sys
from studyhall.search.processes.signals import let_signals_in
from studyhall.search.processes.stacks import show_stacks_in
def trains():
    let_signals_in()
    sys.stdin.readline()
show_stacks_in(2)
trains()
'''
def waits(over):
    over.wait()
def run():
    over = threading.Event()
    thread = threading.Thread(target=waits, args=(over,))
    thread.start()
    with signals_held_back():
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE)
        share_sigquit(child, "the child")
    send(signal.SIGQUIT)
    child.communicate(b"go on\\n")
    over.set()
    thread.join()
    print("child", child.returncode)
    return 0
"""
    status, output, errors = run(work)
    assert (status, output) == (0, "child 0\n")
    own, _, childs = errors.partition("stacks of the child, process ")
    assert "Thread 0x" in own
    assert " in waits\n" in own
    assert " in run\n" in own
    assert " in trains\n" in childs
