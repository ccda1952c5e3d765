"""A run of the tests says which did not run, and why."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.not_run import may_skip

CONFTEST = """
import pytest

from tests.support.not_run import LeftOut


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


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(repository: Path, tmp_path: Path) -> Run:
    """Run those tests in so many processes of pytest-xdist, with more in the environment."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    plugins = ["no:cacheprovider", "no:schemathesis", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", "-m", "not engines", *(f"-p{each}" for each in plugins)]
    command += ["-c", "/dev/null", "--rootdir", f"{tmp_path}", f"{tmp_path}"]

    def run(processes: int, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, "-n", f"{processes}"],
            env={"PYTHONPATH": f"{repository}"} | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("processes", [0, 2])
def test_last_lines_name_what_did_not_run_and_why(run: Run, processes: int) -> None:
    done = run(processes)
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


@pytest.mark.parametrize("processes", [0, 2])
def test_a_skip_fails_a_run_that_allows_none_unless_it_is_named_with_a_reason(
    run: Run, processes: int
) -> None:
    pooler = "\n  PgBouncer -- it is not in the image\n"
    refused = run(processes, STUDYHALL_NO_SKIPS="1", STUDYHALL_MAY_SKIP=pooler)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "STUDYHALL_NO_SKIPS refuses: no chromium" in refused.stdout
    assert "refuses: PgBouncer" not in refused.stdout
    both = f"{pooler}no chromium -- nor is that"
    assert run(processes, STUDYHALL_NO_SKIPS="1", STUDYHALL_MAY_SKIP=both).returncode == 0


def test_a_skip_that_is_named_without_a_reason_is_refused() -> None:
    with pytest.raises(pytest.UsageError, match="'no chromium' does not say why"):
        may_skip({"STUDYHALL_NO_SKIPS": "1", "STUDYHALL_MAY_SKIP": "no chromium"})
    assert may_skip({"STUDYHALL_MAY_SKIP": "no chromium"}) is None


def test_ci_allows_no_skips_but_those_that_it_names(repository: Path) -> None:
    script = (repository / ".ci" / "run").read_text().partition(".ci/install-tools")[0]
    printed = subprocess.run(
        ["bash", "-c", f"{script}\nenv -0 | grep -z ^STUDYHALL_"],
        env={"PATH": os.environ["PATH"]},
        cwd=repository / ".ci",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    environment = dict(line.split("=", 1) for line in printed.split("\0") if line)
    allowed = may_skip(environment)
    assert allowed is not None
    assert not "jax is not installed: pip install 'studyhall[jax]'".startswith(allowed)
    assert "no real data: set KERAS_HOME".startswith(allowed)
