"""Functions and modules stay of a size that one reads at a glance."""

import ast
from collections.abc import Iterator
from pathlib import Path

LINES_OF_A_FUNCTION = 60
LINES_OF_A_MODULE = 300


def modules(repository: Path) -> Iterator[Path]:
    for package in ("search", "studies", "models", "data"):
        yield from (repository / package).rglob("*.py")


def test_no_function_is_longer_than_a_screen(repository: Path) -> None:
    for path in modules(repository):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= LINES_OF_A_FUNCTION, f"{path}: {node.name} has {lines} lines: make two of it"


def test_no_module_is_longer_than_a_few_screens(repository: Path) -> None:
    for path in modules(repository):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LINES_OF_A_MODULE, f"{path} has {lines} lines: make two of it"
