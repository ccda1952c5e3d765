"""What mutation testing breaks: each mutant parses, differs in one place, and is told by its line."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.mutation.lines import Lines
from tests.mutation.mutants import mutants
from tests.mutation.working_copy import TRACER

SOURCE = '''
"""A module; its docstring stays."""


def best(values, limit=3):
    """So does this one."""
    found = []
    for value in values:
        if value < limit and not value == 0:
            found.append("é" + value)
    return max(found) if found else None
'''


def test_mutants_are_one_change_each_that_can_be_run() -> None:
    found = list(mutants(SOURCE))
    assert [str(each) for each in found] == [
        "5: 3  ->  (4)",
        "9: 0  ->  (1)",
        "9: not value == 0  ->  (value == 0)",
        "9: value < limit  ->  (value <= limit)",
        "9: value < limit and not value == 0  ->  ((value < limit) or (not value == 0))",
        "9: value < limit and not value == 0  ->  (not (value < limit and (not value == 0)))",
        "9: value == 0  ->  (value != 0)",
        "10: \"é\" + value  ->  (('é') - (value))",
        '10: found.append("é" + value)  ->  pass',
        "11: found  ->  (not (found))",
        "11: max(found) if found else None  ->  None",
    ]
    for each in found:
        assert ast.dump(ast.parse(each.source)) != ast.dump(ast.parse(SOURCE))


def test_a_mutant_is_run_by_whoever_runs_a_line_of_its_statement() -> None:
    found = {
        each.before: each.lines for each in mutants("if long(\n    1\n):\n    done(\n        2\n    )\n")
    }
    assert found["1"] == range(1, 4)
    assert found["2"] == range(4, 7)


def test_tests_that_run_a_line_come_quickest_first_and_an_import_is_run_by_all(tmp_path: Path) -> None:
    lines = Lines()
    for test, line in [("slow", 3), ("quick", 3), ("quick", 4), ("other", 9), ("", 1)]:
        lines.add(test, "module.py", line)
    lines.add("", "constants.py", 1)
    lines.seconds = {"slow": 2.0, "quick": 1.0, "other": 3.0}
    lines.save(tmp_path / "lines.json")
    for known in (lines, Lines.load(tmp_path / "lines.json")):
        assert known.tests("module.py", range(3, 5)) == ["quick", "slow"]
        assert known.tests("module.py", [1]) == ["quick", "slow", "other"]
        assert known.tests("constants.py", [1]) == ["quick", "slow", "other"]
        assert known.tests("module.py", [7]) == []
        assert known.tests("other.py", [3]) == []


def test_lines_that_a_test_runs_are_recorded_in_the_processes_it_starts_too(tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "one.py").write_text("def two():\n    return 3\n\n\ntwo()\n")
    environment = os.environ | {
        "PYTHONPATH": str(TRACER),
        "STUDYHALL_LINES": str(tmp_path / "lines.tsv"),
        "PYTEST_CURRENT_TEST": "tests/a.py::test_a[b c] (call)",
    }
    subprocess.run([sys.executable, tmp_path / "search" / "one.py"], env=environment, check=True)
    assert (tmp_path / "lines.tsv").read_text().splitlines() == [
        "\tsearch/one.py\t1",
        "\tsearch/one.py\t5",
        "tests/a.py::test_a[b c]\tsearch/one.py\t2",
    ]


def test_parts_and_tests_of_the_configuration_are_there(repository: Path) -> None:
    parts = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["studyhall"]["mutation"]
    for name in [*parts, *(test for tests in parts.values() for test in tests)]:
        assert (repository / name).exists(), name
