"""`.ci/test-all`, with runs of the tests that are only said to have been: its last lines and its status."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = {
    ".ci/install-tools": "",
    ".venv/bin/docker": "",
    # Stands for pytest: it prints what the run is to have printed, and ends with its status.
    ".venv/bin/python": """
case "$*" in *engines*) run=second ;; *) run=first ;; esac
cat "$run.output"
exit "$(cat "$run.status")"
""",
}
FIRST = """
FAILED tests/unit/test_a.py::test_a - AssertionError
3 tests did not run:
  2: needs a cluster or containers on this machine: make test-engines (test_ray.py)
  1: no chromium (test_seen.py)
`make test-all` installs what they need, and runs every test.
"""
SECOND = """
8 tests did not run:
  8: left out by the choice of tests (test_a.py, test_seen.py)
"""
CLEAN = FIRST.replace("FAILED", "PASSED").replace("  1: no chromium (test_seen.py)\n", "")


@pytest.mark.parametrize(
    ("first", "second", "status", "last"),
    [
        ((CLEAN, 0), (SECOND, 0), 0, ["nothing: every test ran"]),
        ((FIRST.replace("FAILED", "PASSED"), 0), (SECOND, 0), 0, ["  1: no chromium (test_seen.py)"]),
        (
            (FIRST, 1),
            (SECOND, 0),
            1,
            [
                "--- what failed",
                "FAILED tests/unit/test_a.py::test_a - AssertionError",
                "--- what did not run, of all tests",
                "  1: no chromium (test_seen.py)",
            ],
        ),
        (
            (CLEAN, 0),
            ("", 137),
            1,
            [
                "  what was left when this broke off: the tests with clusters: Compose, Ray, Slurm and a network that is cut"
            ],
        ),
    ],
    ids=["all", "skipped", "failed", "broken off"],
)
def test_last_lines_say_what_failed_and_what_did_not_run(
    repository: Path,
    tmp_path: Path,
    first: tuple[str, int],
    second: tuple[str, int],
    status: int,
    last: list[str],
) -> None:
    scripts = SCRIPTS | {".ci/test-all": (repository / ".ci/test-all").read_text().partition("\n")[2]}
    for name, text in scripts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/usr/bin/env bash\n{text}")
        path.chmod(0o755)
    for name, (output, ended) in (("first", first), ("second", second)):
        (tmp_path / f"{name}.output").write_text(output)
        (tmp_path / f"{name}.status").write_text(f"{ended}")
    done = subprocess.run(
        [tmp_path / ".ci" / "test-all"],
        env=os.environ | {"KERAS_HOME": f"{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == status, done.stdout + done.stderr
    assert lines[-len(last) :] == last
    assert "--- what did not run, of all tests" in lines[-1 - len(last) :]
