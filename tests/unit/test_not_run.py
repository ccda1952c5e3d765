"""A run of the tests says which did not run, and why."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import pytest

from tests.not_run import LeftOut


def pytest_configure(config):
    config.addinivalue_line("markers", "engines: clusters")
    config.pluginmanager.register(LeftOut(config), "left-out")
"""
TESTS = """
import pytest


@pytest.mark.parametrize("number", [1, 2])
def test_pooled(number):
    pytest.skip("PgBouncer is not installed")


@pytest.mark.skipif(True, reason="no chromium")
def test_seen():
    pass


@pytest.mark.engines
def test_cluster():
    pass


def test_run():
    pass
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_last_lines_name_what_did_not_run_and_why(repository: Path, tmp_path: Path, processes: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-n", processes, "-m", "not engines", "-p", "no:cacheprovider"]
    command += [
        "-p",
        "no:schemathesis",
        "-p",
        "no:hypothesispytest",
        "-c",
        "/dev/null",
        "--rootdir",
        f"{tmp_path}",
    ]
    done = subprocess.run(
        [*command, f"{tmp_path}"],
        env={"PYTHONPATH": f"{repository}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, first, second, third, fourth, fifth, closing = done.stdout.splitlines()
    assert first == "4 tests did not run:"
    assert second == "  2: PgBouncer is not installed (test_some.py)"
    assert {third, fourth} == {
        "  1: no chromium (test_some.py)",
        "  1: needs a cluster or containers on this machine: make test-engines (test_some.py)",
    }
    assert fifth == "`make test-all` installs what they need, and runs every test."
    assert "1 passed, 3 skipped" in closing
