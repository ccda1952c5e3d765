"""People's scripts for KerasTuner, and its guides, run by the import alone: results of the same form."""

import re
from pathlib import Path

import pytest

from tests.acceptance.kerastuner_runs import HEAD, NAMES, changed_lines, compare


@pytest.fixture(scope="module")
def table(repository: Path) -> dict[str, str]:
    """The rows of the page's table, by the script."""
    page = (repository / "docs" / "kerastuner-scripts.md").read_text(encoding="utf-8")
    assert "\n".join(HEAD) in page
    return {match[1]: match[0] for match in re.finditer(r"^\| \[(\w+)\].*$", page, re.MULTILINE)}


@pytest.mark.parametrize("name", NAMES)
def test_results_have_the_same_form(name: str, table: dict[str, str]) -> None:
    comparison = compare(name)
    assert comparison.ours == comparison.theirs
    assert comparison.row == table[name], "python -m tests.acceptance.kerastuner_runs makes the table anew"


def test_the_table_has_every_script_and_nothing_but_imports_are_changed(table: dict[str, str]) -> None:
    assert list(table) == NAMES
    for name in NAMES:
        assert changed_lines(name)
        assert all(before.startswith(("import ", "from ")) for before, _ in changed_lines(name))
