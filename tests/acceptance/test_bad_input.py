"""Bad input: one clear line that says what to do, exit status 2, and nothing made."""

from typing import Any

import pytest

GOOD = """
hypermodel = "cheap_model.py:build"
data = "cheap_model.py:load"
search = { trials = 2 }
training = { epochs = 1, batch_size = 16 }
"""


def assert_refused(project: Any, arguments: list[str], *wanted: str) -> None:
    """Run a command; it must end with status 2 and one line that holds the wanted texts, and make no file."""
    project.environment["KERAS_BACKEND"] = "jax"  # its processes start in half the time of TensorFlow's
    before = sorted(project.folder.rglob("*"))
    answer = project.run(*arguments)
    assert answer.returncode == 2, answer.stdout
    assert "Traceback" not in answer.stdout
    lines = [line for line in answer.stdout.splitlines() if line.startswith("Error:")]
    assert len(lines) == 1, answer.stdout
    for text in wanted:
        assert text in lines[0]
    after = sorted(path for path in project.folder.rglob("*") if "__pycache__" not in path.parts)
    assert after == before


@pytest.mark.parametrize(
    ("toml", "wanted"),
    [
        ("search = [", ("study.toml, line 1", "TOML")),
        (GOOD.replace("epochs", "epocs"), ("training.epocs", "unknown key", "epochs")),
        (GOOD + "\nsampler = 'tpee'", ("tpee", "TPESampler")),
        (GOOD.replace("cheap_model.py:build", "cheap_model.py:bild"), ("bild", "build")),
        (GOOD.replace("cheap_model.py", "missing.py"), ("missing.py",)),
        (GOOD.replace("cheap_model.py:build", "broken.py:build"), ("broken.py", "No module named 'nowhere'")),
        (GOOD + "\n[objective]\nmetric = 'val_accuracy'", ("val_accuracy", "val_loss")),
        (GOOD + "\n[storage]\nurl = 'sqlite:////proc/nowhere/studies.db'", ("/proc/nowhere/studies.db",)),
        (GOOD + "\n[storage]\nurl = 'mysql://host/db'", ("mysql", "SQLite nor PostgreSQL")),
    ],
    ids=[
        "syntax error",
        "unknown key",
        "unknown sampler",
        "unknown function",
        "missing HyperModel file",
        "HyperModel that does not import",
        "metric never reported",
        "storage that cannot be opened",
        "unknown database",
    ],
)
def test_a_study_file_that_cannot_work_is_refused_before_anything_is_made(
    project: Any, toml: str, wanted: tuple[str, ...]
) -> None:
    project.write("broken.py", "import nowhere\n")
    project.write("study.toml", toml)
    assert_refused(project, ["search", "study.toml"], *wanted)


def test_a_mistyped_file_name_names_the_file_that_is_there(project: Any) -> None:
    project.write("study.toml", GOOD)
    assert_refused(project, ["search", "studdy.toml"], "studdy.toml", "study.toml")


def test_a_storage_that_is_not_there_is_not_created_by_looking(project: Any) -> None:
    assert_refused(project, ["status"], "studies.db", "studyhall search")
    assert_refused(project, ["worker", "nothing"], "studies.db", "studyhall search")
    assert_refused(project, ["fetch", "nothing", "--to", "best"], "studies.db", "studyhall search")


@pytest.mark.parametrize("command", [["evaluate", "model.keras"], ["predict", "model.keras", "image.png"]])
def test_a_file_that_is_no_model_is_refused(project: Any, command: list[str]) -> None:
    from PIL import Image

    Image.new("L", (28, 28)).save(project.folder / "image.png")
    project.write("model.keras", "not a model")
    assert_refused(project, command, "model.keras")


def test_unknown_options_are_refused_with_the_usage(project: Any) -> None:
    answer = project.run("search", "study.toml", "--trails", "3")
    assert answer.returncode == 2
    assert "search has no option --trails" in answer.stdout
