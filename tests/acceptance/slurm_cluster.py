"""A Slurm of our own, of Debian's packages: its three daemons, and this machine as its only node."""

import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # where Debian has daemons, and users have no path to
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
POLL_SECONDS = 0.2
END_SECONDS = 20.0

_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}
SlurmdSpoolDir={folder}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# More CPUs than there are, so that all workers of the test run at once.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES State=UP
"""


def missing() -> list[str]:
    """Return the programs of Slurm that this machine lacks."""
    return [name for name in NEEDED if shutil.which(name, path=PATH) is None]


class SlurmCluster:
    """A cluster that `running_cluster` started; `environment` leads Slurm's commands to it."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {"SLURM_CONF": f"{folder / 'slurm.conf'}", "PATH": PATH}

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands; return what it printed."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def state(self, job: str) -> tuple[str, int]:
        """Return a job's state, and how often it was requeued."""
        told = self.run("scontrol", "--oneliner", "show", "job", job)
        (state,) = re.findall(r"JobState=(\w+)", told)
        (restarts,) = re.findall(r"Restarts=(\d+)", told)
        return state, int(restarts)

    def is_empty(self) -> bool:
        """Whether no job waits, runs or is about to end."""
        return self.run("squeue", "--noheader", "--format=%T").split() == []


def until(condition: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    """Wait for what no event tells of; fail with `why` where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(POLL_SECONDS)


@contextmanager
def running_cluster() -> Iterator[SlurmCluster]:
    """A cluster for the block; its jobs and daemons are gone afterwards."""
    # Not under pytest's folder: a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="studyhall-slurm-"))
    folder.chmod(0o755)
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    (folder / "slurm.conf").write_text(
        _CONFIGURATION.format(
            folder=folder,
            host=socket.gethostname(),
            user=getpass.getuser(),
            controller_port=_free_port(),
            node_port=_free_port(),
        )
    )
    cluster = SlurmCluster(folder)
    socket_, pid, log, seed = (folder / f"munge.{each}" for each in ("socket", "pid", "log", "seed"))
    munged = ["munged", "--foreground", f"--key-file={key}", f"--socket={socket_}", f"--pid-file={pid}"]
    daemons: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        with open(folder / f"{command[0]}.output", "wb") as output:
            daemons.append(
                subprocess.Popen(
                    command, env=cluster.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            )

    def told() -> str:
        return "\n".join(each.read_text(errors="replace")[-2000:] for each in folder.glob("*.output"))

    try:
        start(*munged, f"--log-file={log}", f"--seed-file={seed}")
        until(socket_.exists, END_SECONDS, told)
        start("slurmctld", "-D")
        start("slurmd", "-D")
        until(lambda: _is_idle(cluster), END_SECONDS, told)
        try:
            yield cluster
        finally:
            cluster.run("scancel", f"--user={getpass.getuser()}")
            until(cluster.is_empty, 45.0)
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            try:
                daemon.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(folder)


def _is_idle(cluster: SlurmCluster) -> bool:
    command = ["sinfo", "--noheader", "--format=%T"]
    told = subprocess.run(
        command, env=cluster.environment, capture_output=True, text=True, timeout=60, check=False
    )
    return told.stdout.split() == ["idle"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
