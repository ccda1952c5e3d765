"""A real PgBouncer in transaction mode in front of a PostgreSQL of ours, where the machine has it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.support.postgres import PASSWORD, PostgresServer

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
START_SECONDS = 10.0


@dataclass(frozen=True)
class PgBouncer:
    """A pooler that `running_pgbouncer` started."""

    port: int

    def url(self, direct: str) -> str:
        """The URL by which the pooler reaches a database, given the one that reaches it directly."""
        return make_url(direct).set(port=self.port).render_as_string(hide_password=False)


@contextmanager
def running_pgbouncer(server: PostgresServer, folder: Path, connections: int) -> Iterator[PgBouncer]:
    """A pooler for the block, with so many connections to each database of the server."""
    assert PROGRAM is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "users.txt").write_text(f'"studyhall" "{PASSWORD}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"""
[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
logfile = {folder}/pgbouncer.log
"""
    )
    command = [PROGRAM, "--quiet", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # which it refuses to run as
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield PgBouncer(port)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert process.poll() is None, "pgbouncer has ended"
            assert time.monotonic() < end, "pgbouncer does not listen"
            time.sleep(0.02)
