"""The snippets of the documents: the fenced blocks of each page.

What is indented is a picture, such as a tree of folders. A block that no test runs says so in its first line,
where readers see it, too.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"# not run by make test: (.*)")


@dataclass(frozen=True)
class Snippet:
    """A fenced block.

    Attributes:
        page: Its page, from the repository's root: "docs/server.md".
        language: What stands behind the fence: "sh".
        text: What it holds.
    """

    page: str
    language: str
    text: str

    @property
    def not_run(self) -> str | None:
        """Why no test runs it; None where one does."""
        match = _NOT_RUN.match(self.text)
        return match[1] if match is not None else None


def name_of(page: Path) -> str:
    """A page's name from the repository's root."""
    return str(page.relative_to(ROOT))


def snippets(page: str | Path, *languages: str) -> list[Snippet]:
    """The snippets of a page that are in these languages, or in any."""
    path = ROOT / page
    return [
        Snippet(name_of(path), language, textwrap.dedent(text))
        for _, language, text in _BLOCK.findall(path.read_text(encoding="utf-8"))
        if not languages or language in languages
    ]


def run_ones(page: str, *languages: str) -> list[str]:
    """The texts of those of them that tests run."""
    return [each.text for each in snippets(page, *languages) if each.not_run is None]


def indented(page: Path) -> list[str]:
    """The lines of a page's indented blocks."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return re.findall(r"(?<=\n\n)    \S.*", text)
