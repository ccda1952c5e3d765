"""What mutation testing breaks: each mutant parses, differs in one place, and is told by its line."""

import ast
import tomllib
from pathlib import Path

from tests.mutation.mutants import mutants

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


def test_parts_and_tests_of_the_configuration_are_there(repository: Path) -> None:
    parts = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["studyhall"]["mutation"]
    for name in [*parts, *(test for tests in parts.values() for test in tests)]:
        assert (repository / name).exists(), name
