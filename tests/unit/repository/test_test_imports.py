"""Tests share what is in tests/support; none needs a benchmark or another test to be there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest


def imported(source: str) -> Iterator[str]:
    """The modules that a file imports, anywhere in it, and the names that it takes from them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{each.name}" for each in node.names)


def refused(path: Path, source: str) -> list[str]:
    """What a file of tests/ imports though it may not; the benchmarks may import each other."""
    found = []
    for name in imported(source):
        first, *others = name.split(".")
        if first != "tests":
            continue
        benchmark = others[:1] == ["benchmarks"] and "benchmarks" not in path.parts
        if benchmark or any(part.startswith("test_") or part == "conftest" for part in others):
            found.append(name)
    return found


def test_no_file_imports_a_test_and_none_but_benchmarks_a_benchmark(repository: Path) -> None:
    found = {
        f"{path.relative_to(repository)}": names
        for path in (repository / "tests").rglob("*.py")
        if (names := refused(path.relative_to(repository), path.read_text()))
    }
    assert not found, "move what is shared to tests/support"


@pytest.mark.parametrize(
    "source",
    [
        "from tests.benchmarks.flops import peak",
        "def test():\n    import tests.benchmarks.flops",
        "from tests import benchmarks",
        "from tests.integration.studies.queue.test_leases_races import run",
        "from tests.integration import test_leases_races",
        "from tests.integration.conftest import Site",
    ],
)
def test_what_is_refused(source: str) -> None:
    assert refused(Path("tests/unit/test_some.py"), source)
    assert not refused(Path("tests/unit/test_some.py"), "from tests.support.studies import claim")
    assert not refused(Path("tests/benchmarks/gpu.py"), "from tests.benchmarks import feeding")
