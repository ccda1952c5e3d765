"""The source revision that a result says it is of."""

from pathlib import Path

from studyhall.search.training.provenance import revision
from tests.support.committed_folder import committed


def test_revision_is_the_commit_of_the_folders_repository(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("units = 8\n")
    commit = committed(tmp_path)
    inside = tmp_path / "studies"
    inside.mkdir()
    (inside / "not-committed.toml").touch()
    assert revision(tmp_path) == revision(inside) == commit


def test_revision_says_that_the_sources_differ_from_their_commit(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("units = 8\n")
    commit = committed(tmp_path)
    (tmp_path / "model.py").write_text("units = 9\n")
    assert revision(tmp_path) == f"{commit}+changes"


def test_folder_in_no_repository_has_no_revision(tmp_path: Path) -> None:
    assert revision(tmp_path) is None
