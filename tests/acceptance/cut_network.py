"""Two hosts on one machine, the workers' and the database's: python -m tests.acceptance.cut_network FOLDER
SECONDS.

It runs in a network namespace of its own, which is the workers' host, and makes another one for PostgreSQL. A
pair of virtual Ethernet devices joins them, and is cut for so many seconds while two workers train. What is
not as it must be afterwards is printed as JSON, a list of lines.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.chaos import invariants, project
from tests.acceptance.chaos.storm import Storm, Weather
from tests.support.postgres import PostgresServer, running_server

WORKERS_ADDRESS, DATABASE_ADDRESS = "10.77.0.2", "10.77.0.1"
WORKERS, TRIALS, EPOCHS = 2, 3, 9


@contextmanager
def other_host() -> Iterator[tuple[str, ...]]:
    """A second network namespace, linked with this one; yields the command that runs others in it."""
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        host.stdin.write(b"there\n")
        host.stdin.flush()
        host.stdout.readline()  # the namespace is made before cat begins
        there = ("nsenter", f"--net=/proc/{host.pid}/ns/net")
        _ip("link", "add", "workers", "type", "veth", "peer", "name", "database", "netns", str(host.pid))
        for device, address, enter in (
            ("workers", WORKERS_ADDRESS, ()),
            ("database", DATABASE_ADDRESS, there),
        ):
            _ip("address", "add", f"{address}/24", "dev", device, enter=enter)
            _ip("link", "set", device, "up", enter=enter)
            _ip("link", "set", "lo", "up", enter=enter)
        yield there
        host.stdin.close()


def _ip(*arguments: str, enter: tuple[str, ...] = ()) -> None:
    subprocess.run([*enter, "ip", *arguments], check=True)


def cut(server: PostgresServer, there: tuple[str, ...], folder: Path, seconds: float) -> list[str]:
    """Have two workers work on a study, and the link be cut in the middle; return what is not as it
    must be.
    """
    weather = Weather(seed=0, seconds=0.0, workers=WORKERS, lease=60.0, epochs=EPOCHS)
    storm = Storm(weather, server, server.url(server.create_database()), folder)
    study = storm.prepare(TRIALS)
    with storm.crew() as crew:
        crew.replace()
        storm.await_trials(study, WORKERS)
        _ip("link", "set", "database", "down", enter=there)
        began = time.time()
        time.sleep(seconds)
        found = [f"{hand.name} has left" for hand in crew.all if not hand.is_alive]
        meanwhile = {trial for trial, _, when in project.notes_of(folder) if when > began}
        if len(meanwhile) < WORKERS:
            found.append("training did not go on without the database")
        _ip("link", "set", "database", "up", enter=there)
        storm.drain(study, crew)
        found += [
            f"{hand.name} did not say that it waits"
            for hand in crew.all
            if "waiting for the database" not in hand.output
        ]
        storm.complaints += crew.complaints()
    found += invariants.violations(storm, study)
    found += [f"trained more than once: {each}" for each in [invariants.repeats(storm)] if each]
    study.storage.close()
    return found


def main(folder: str, seconds: str) -> None:
    """Do all of it in a folder."""
    with (
        other_host() as there,
        running_server(host=DATABASE_ADDRESS, enter=there) as server,
    ):
        sys.stdout.write(json.dumps(cut(server, there, Path(folder), float(seconds))))


if __name__ == "__main__":
    main(*sys.argv[1:])
