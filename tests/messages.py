"""Every text that people may read of Studyhall, with its place: `python -m tests.messages` prints the list.

They are the texts of two words and more in the sources, docstrings left out except those of commands, which
are their help, and what stands in the pages of the server and in the documents.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("search", "studies", "models", "data")
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[^A-Za-z]*\s[^A-Za-z]*[A-Za-z]{2,}")
_TAGS = re.compile(r"<[^>]*>|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True)
class Message:
    """A text, as it is read: what is filled in stands in it as {name}."""

    place: str  # file:line
    text: str


def messages(repository: Path) -> Iterator[Message]:
    """Yield the texts of the product: of its modules, and of the server's pages."""
    for package in PACKAGES:
        for path in sorted((repository / package).rglob("*.py")):
            yield from _of_module(path, str(path.relative_to(repository)))
        for path in sorted((repository / package).rglob("*.html")):
            yield from _of_lines(path, repository, _TAGS)


def documents(repository: Path) -> Iterator[Message]:
    """Yield the lines of the documents that users read."""
    for path in (repository / "README.md", *sorted((repository / "docs").glob("*.md"))):
        yield from _of_lines(path, repository)


def _of_module(path: Path, shown: str) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    helps = {id(each.body[0]) for each in ast.walk(tree) if _is_command(each)}  # type: ignore[attr-defined]
    # A text that is a statement says what its function, or the name above it, means.
    alone = (each for each in ast.walk(tree) if isinstance(each, ast.Expr) and id(each) not in helps)
    yield from _texts(tree, {id(each.value) for each in alone if isinstance(each.value, ast.Constant)}, shown)


def _texts(node: ast.AST, left_out: set[int], shown: str) -> Iterator[Message]:
    if id(node) in left_out:
        return
    text = _text_of(node)
    if text is None:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child, left_out, shown)
        return
    if _TWO_WORDS.search(text):
        yield Message(f"{shown}:{node.lineno}", " ".join(text.split()))  # type: ignore[attr-defined]
    if isinstance(node, ast.JoinedStr):  # what is filled in may hold texts, too
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _texts(part.value, left_out, shown)


def _text_of(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(str() as text):
            return text
        case ast.JoinedStr(parts):
            return "".join(
                f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else str(part.value)  # type: ignore[attr-defined]
                for part in parts
            )
    return None


def _is_command(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        "click." in ast.unparse(each) for each in node.decorator_list
    )


def _of_lines(path: Path, repository: Path, without: re.Pattern[str] | None = None) -> Iterator[Message]:
    text = path.read_text(encoding="utf-8")
    if without is not None:
        text = without.sub(lambda found: "\n" * found[0].count("\n"), text)
    for number, line in enumerate(text.splitlines(), start=1):
        if _TWO_WORDS.search(line):
            yield Message(f"{path.relative_to(repository)}:{number}", " ".join(line.split()))


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    for message in messages(here):
        sys.stdout.write(f"{message.place}: {message.text}\n")
