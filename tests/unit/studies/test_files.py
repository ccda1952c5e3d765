"""Files and folders appear whole or not at all."""

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from studyhall.studies import files
from studyhall.studies.files import explain, replace_folder_atomically, sha256_of, write_atomically


@pytest.fixture(params=["plain", "with spaces and ünïcödé 'quotes'"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    path.mkdir()
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def is_folder(handle: int) -> bool:
    return stat.S_ISDIR(os.fstat(handle).st_mode)


def interrupt(temporary: Path) -> None:
    temporary.write_text("half")
    raise KeyboardInterrupt


def fail_to_flush(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_file_appears_only_when_its_block_has_ended(folder: Path) -> None:
    path = folder / "model.keras"
    with write_atomically(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == folder
        assert temporary.suffix == ".keras"
    assert path.read_text() == "new"
    assert names(folder) == ["model.keras"]


def test_failed_write_leaves_the_old_file_and_nothing_else(folder: Path) -> None:
    path = folder / "state.json"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), write_atomically(path) as temporary:
        interrupt(temporary)
    assert path.read_text() == "old"
    assert names(folder) == ["state.json"]


def test_block_that_writes_no_file_publishes_nothing(folder: Path) -> None:
    with pytest.raises(FileNotFoundError), write_atomically(folder / "state.json"):
        pass
    assert names(folder) == []


def test_disk_that_fills_up_at_the_flush_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    with (
        pytest.raises(OSError, match="No space left") as caught,
        write_atomically(folder / "state.json") as temporary,
    ):
        temporary.write_text("all of it")
    assert "Free some" in explain(caught.value)
    assert names(folder) == []


def test_file_is_readable_to_whom_the_umask_lets(folder: Path) -> None:
    with write_atomically(folder / "shared") as temporary:
        temporary.write_text("x")
    (folder / "ordinary").write_text("x")
    assert (folder / "shared").stat().st_mode == (folder / "ordinary").stat().st_mode


def test_name_of_greatest_length_can_be_written(folder: Path) -> None:
    path = folder / ("a." + "x" * 253)  # all but two bytes of it are the suffix
    with write_atomically(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


def test_bytes_are_flushed_before_the_rename(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    flush, rename = os.fsync, os.replace

    def recorded_flush(handle: int) -> None:
        events.append("flush folder" if is_folder(handle) else "flush file")
        flush(handle)

    def recorded_rename(source: Path, target: Path) -> None:
        events.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", recorded_flush)
    monkeypatch.setattr(os, "replace", recorded_rename)
    with write_atomically(folder / "model.keras") as temporary:
        temporary.write_text("x")
    assert events == ["flush file", "rename", "flush folder"]


def test_file_system_that_cannot_flush_folders_is_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_folders(handle: int) -> None:
        if is_folder(handle):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with write_atomically(folder / "x") as temporary:
        temporary.write_text("x")
    assert names(folder) == ["x"]


def test_folder_appears_whole_with_the_parents_it_needs(folder: Path) -> None:
    path = folder / "a" / "b" / "best"
    with replace_folder_atomically(path) as temporary:
        (temporary / "one").write_text("1")
        (temporary / "sub").mkdir()
        (temporary / "sub" / "two").write_text("2")
        assert not path.exists()
    assert names(path) == ["one", "sub"]
    assert names(path.parent) == ["best"]


def test_failed_folder_leaves_not_even_the_parents_made_for_it(folder: Path) -> None:
    path = folder / "a" / "b" / "best"
    with pytest.raises(KeyboardInterrupt), replace_folder_atomically(path) as temporary:
        interrupt(temporary / "one")
    assert names(folder) == []


def test_empty_folder_is_filled_without_being_asked(folder: Path) -> None:
    (folder / "best").mkdir()
    with replace_folder_atomically(folder / "best") as temporary:
        (temporary / "one").write_text("1")
    assert names(folder / "best") == ["one"]


def test_filled_folder_is_kept_unless_it_may_be_replaced(folder: Path) -> None:
    (folder / "best").mkdir()
    (folder / "best" / "mine").write_text("old")
    with pytest.raises(OSError, match="not empty"), replace_folder_atomically(folder / "best"):
        pass
    assert names(folder / "best") == ["mine"]
    assert names(folder) == ["best"]


def test_filled_folder_is_replaced_when_it_may_be(folder: Path) -> None:
    (folder / "best").mkdir()
    (folder / "best" / "old").write_text("old")
    with replace_folder_atomically(folder / "best", replace=True) as temporary:
        (temporary / "new").write_text("new")
        assert names(folder / "best") == ["old"]
    assert names(folder / "best") == ["new"]
    assert names(folder) == ["best"]


def test_old_folder_is_back_when_the_second_of_two_renames_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename
    done: list[str] = []

    def fail_at_the_second(source: Path, target: Path) -> None:
        done.append(str(target))
        if len(done) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_at_the_second)
    (folder / "best").mkdir()
    (folder / "best" / "old").write_text("old")
    with (
        pytest.raises(OSError, match="Input/output"),
        replace_folder_atomically(folder / "best", replace=True) as temporary,
    ):
        (temporary / "new").write_text("new")
    assert names(folder / "best") == ["old"]
    assert names(folder) == ["best"]


def test_file_in_the_way_of_a_folder_is_never_replaced(folder: Path) -> None:
    (folder / "best").write_text("a file")
    for replace in (False, True):
        with pytest.raises(NotADirectoryError), replace_folder_atomically(folder / "best", replace=replace):
            pass
    assert names(folder) == ["best"]
    assert (folder / "best").read_text() == "a file"


def test_checksum_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = os.urandom(3 * files.CHUNK + 1)
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EDQUOT, "no space is left"),
        (errno.EACCES, "permission is denied"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Input/output error."),
    ],
)
def test_refusals_of_the_system_are_told_apart_in_one_line(code: int, words: str) -> None:
    text = explain(OSError(code, os.strerror(code), "file"))
    assert words in text
    assert "\n" not in text


def test_error_without_a_number_is_explained_in_one_line() -> None:
    assert explain(OSError("first\nsecond")) == "first second."
    assert explain(OSError()) == "OSError."
