"""Workers whose network is cut for half a minute lose nothing, and do nothing twice."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engines

OUTAGE_SECONDS = 30.0


@pytest.fixture
def own_network() -> list[str]:
    """The command that runs another one in a network namespace of its own, where it may make more of them."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("no `ip` or `unshare` here: apt-get install iproute2 util-linux")
    attempt = [*command, "ip", "link", "add", "one", "type", "veth", "peer", "name", "other"]
    done = subprocess.run(attempt, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"network namespaces may not be made here: {done.stderr.strip()}")
    return command


def test_a_network_that_is_cut_for_half_a_minute_costs_nothing(
    own_network: list[str], repository: Path, tmp_path: Path
) -> None:
    script = [sys.executable, "-m", "tests.acceptance.cut_network", str(tmp_path), f"{OUTAGE_SECONDS}"]
    done = subprocess.run(
        [*own_network, *script], check=False, cwd=repository, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
