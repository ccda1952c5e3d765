"""The README tells the truth about commands, folders and links."""

import itertools
import re
import tomllib
from pathlib import Path

from studyhall.search.commands.group import COMMANDS
from studyhall.studies.study_file.loading import define


def test_the_readme_names_every_command_and_no_other(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("## Commands") :]
    assert set(re.findall(r"^\| `studyhall (\w+)", table, re.MULTILINE)) == set(COMMANDS)
    assert set(re.findall(r"studyhall (\w+) [A-Z]", readme)) <= set(COMMANDS)


def test_the_readmes_tree_is_the_repositorys(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    shown = readme[readme.index("## The folders") :]
    tree = set(re.findall(r"^    (\w+)/ ", shown, re.MULTILINE))
    ignored = {".git", ".venv", "dist", "artifacts", "best"}
    folders = {path.name for path in repository.iterdir() if path.is_dir() and path.name not in ignored}
    assert tree == {name for name in folders if not name.startswith((".", "_"))}
    for package in ("search", "studies"):
        rooms = sorted(path.parent.name for path in (repository / package).glob("*/__init__.py"))
        lines = shown[shown.index(f"    {package}/") :].splitlines()[1:]
        listed = itertools.takewhile(lambda line: line.startswith("        "), lines)
        assert [line.split("/")[0].strip() for line in listed] == rooms


def test_links_in_the_documents_lead_somewhere(repository: Path) -> None:
    pages = [repository / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for page in [*pages, *(repository / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readmes_study_file_is_a_definition(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert define({"name": "readme"} | tomllib.loads(text), repository).search.trials == 12


def test_the_image_is_made_of_all_that_the_wheel_is(repository: Path) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    parts = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    sent = (repository / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{part}" for part in parts} <= set(sent)
