"""What those who change Studyhall are told is so: modules, floors, hooks, and what runs on which Python."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


@pytest.fixture
def project(repository: Path) -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def recipe(repository: Path, target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    text = (repository / "Makefile").read_text(encoding="utf-8")
    (lines,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in lines.splitlines()]


def test_every_module_and_folder_that_the_documents_name_is_there(repository: Path) -> None:
    for page in [*(repository / name for name in PAGES), *(repository / "docs").glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(r"`((?:search|studies|models|data|tests|src|docs)/[\w./-]*)`", text):
            # A placeholder in capitals is what the reader is to choose.
            assert "NAME" in path or (repository / path).exists(), f"{page.name}: {path}"
        for name in re.findall(r"`studyhall((?:\.\w+)+)(?::\w+)?`", text):
            *folders, last = name.strip(".").split(".")
            folder = repository.joinpath(*folders)
            module = folder / f"{last}.py" if folder.is_dir() else folder.with_suffix(".py")
            known = (folder / last).is_dir() or module.is_file()
            inside = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
            assert known or last in inside.read_text(encoding="utf-8"), f"{page.name}: {name}"


def test_the_floors_of_the_architecture_are_those_that_the_lint_checks(
    repository: Path, project: dict[str, Any]
) -> None:
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    plans = [lines.split("\n") for lines in re.findall(r"(?:^    .+\n)+", page, re.MULTILINE)]
    shown = [[line.strip() for line in plan if line] for plan in plans]
    floors = [each["layers"] for each in project["tool"]["importlinter"]["contracts"] if "containers" in each]
    assert len(floors) == 2
    for layers in floors:
        assert layers in shown


def test_hooks_are_the_commands_of_make_lint(repository: Path) -> None:
    (local,) = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [hook["entry"] for hook in local["hooks"]] == recipe(repository, "lint")
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in local["hooks"])


def test_what_must_pass_is_checked_on_every_python_that_is_promised(
    repository: Path, project: dict[str, Any]
) -> None:
    workflow = yaml.safe_load((repository / ".github/workflows/check.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    versions = job["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    assert project["project"]["requires-python"] == f">={versions[0]}"
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    (setup,) = [
        step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python")
    ]
    assert setup == {"python-version": "${{ matrix.python }}"}
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make lint$", script, re.MULTILINE)
    assert re.search(r"^make test\b", script, re.MULTILINE)


def test_the_source_archive_holds_what_its_tests_and_its_makefile_read(
    repository: Path, project: dict[str, Any]
) -> None:
    targets = project["tool"]["hatch"]["build"]["targets"]
    held = targets["sdist"]["only-include"]
    assert set(targets["wheel"]["only-include"]) <= set(held)
    assert {
        "docs",
        "tests",
        "Makefile",
        "Dockerfile",
        "requirements.lock",
        ".ci",
        ".github",
        *PAGES[1:],
    } <= set(held)
    assert [path for path in held if not (repository / path).exists()] == []
