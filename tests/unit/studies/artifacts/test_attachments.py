"""The artifact store in a folder, and the records of artifacts, in Optuna's layout and format.

What every store promises is in tests/integration/studies/artifacts/test_artifact_store_contract.py.
"""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from studyhall.studies.artifacts.attachments import attach, detach
from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.errors import ArtifactError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "ärtifacts of 'many' studies"
    path.mkdir()
    return path


@pytest.fixture
def store(folder: Path) -> FileArtifactStore:
    return FileArtifactStore(folder)


@pytest.fixture
def storage() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def study_id(storage: InMemoryStorage) -> int:
    return int(storage.create_new_study([StudyDirection.MINIMIZE], "bss"))


def read(store: FileArtifactStore, artifact_id: str) -> bytes:
    with store.open_reader(artifact_id) as reader:
        return reader.read()


def one_line(error: pytest.ExceptionInfo[ArtifactError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def refuse_to_flush(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)


def test_bytes_come_back_as_they_were_written(store: FileArtifactStore, folder: Path) -> None:
    content = os.urandom(2_500_000)
    store.write("a-1", io.BytesIO(content))
    assert read(store, "a-1") == content
    assert [path.name for path in folder.iterdir()] == ["a-1"]


def test_layout_is_that_of_optunas_own_file_store(store: FileArtifactStore, folder: Path) -> None:
    theirs = FileSystemArtifactStore(folder)
    store.write("ours", io.BytesIO(b"1"))
    theirs.write("theirs", io.BytesIO(b"2"))
    with theirs.open_reader("ours") as reader:
        assert reader.read() == b"1"
    assert read(store, "theirs") == b"2"


@pytest.mark.parametrize(
    "artifact_id",
    ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\\b", ".hidden", "a\0", "a\n", "-rf", "x" * 129, "ü"],
)
def test_id_that_could_be_a_path_is_refused(store: FileArtifactStore, artifact_id: str) -> None:
    for act in (store.open_reader, store.remove, lambda name: store.write(name, io.BytesIO(b"1"))):
        with pytest.raises(ArtifactError, match="cannot be the id of an artifact") as caught:
            act(artifact_id)
        one_line(caught)


# Not every character: Hypothesis takes seconds to set up its table of all of them.
@given(st.text(st.sampled_from("aZ09._-/\\~ ü\0\n"), max_size=8))
def test_every_id_names_a_file_of_the_folder_or_is_refused(artifact_id: str) -> None:
    store = FileArtifactStore(Path("/artifacts"))
    try:
        path = store._path(artifact_id)
    except ArtifactError:
        return
    assert os.path.normpath(path) == f"/artifacts/{artifact_id}"
    assert path.parent == Path("/artifacts")


def test_link_is_not_followed(store: FileArtifactStore, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (folder / "a").symlink_to(secret)
    with pytest.raises(ArtifactError, match="symbolic link"):
        store.open_reader("a")
    store.write("a", io.BytesIO(b"public"))
    assert secret.read_text() == "secret"
    assert read(store, "a") == b"public"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_opened(store: FileArtifactStore, folder: Path, kind: str) -> None:
    (folder / "a").mkdir() if kind == "folder" else os.mkfifo(folder / "a")
    with pytest.raises(ArtifactError, match="not a file"):
        store.open_reader("a")


def test_interrupted_write_keeps_what_was_there(store: FileArtifactStore, folder: Path) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 0:
                raise ConnectionResetError(errno.ECONNRESET, "the other side has gone")
            return super().read(1000)

    store.write("a", io.BytesIO(b"old"))
    with pytest.raises(ArtifactError, match="the other side has gone"):
        store.write("a", Torn(bytes(5000)))
    assert read(store, "a") == b"old"
    assert [path.name for path in folder.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "no space is left there. Free some"),
        (errno.EACCES, "permission is denied. Give this user access"),
        (errno.EROFS, "read-only. Mount it writable"),
    ],
)
def test_store_that_refuses_says_why_and_what_helps(
    store: FileArtifactStore, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    refuse_to_flush(code, monkeypatch)
    with pytest.raises(ArtifactError, match=words) as caught:
        store.write("a", io.BytesIO(b"1"))
    assert str(folder) in one_line(caught).replace("\\'", "'")
    assert list(folder.iterdir()) == []


def test_store_that_vanished_is_not_created_again(store: FileArtifactStore, folder: Path) -> None:
    folder.rmdir()
    for act in (store.open_reader, lambda name: store.write(name, io.BytesIO(b"1"))):
        with pytest.raises(ArtifactError, match="is gone"):
            act("a")
    assert not folder.exists()


def test_store_is_created_only_when_asked(tmp_path: Path) -> None:
    location = tmp_path / "new" / "artifacts"
    with pytest.raises(ArtifactError, match="There is no artifact store at"):
        open_artifact_store(str(location), create=False)
    assert not location.parent.exists()
    open_artifact_store(str(location), create=True).write("a", io.BytesIO(b"1"))
    with open_artifact_store(str(location), create=False).open_reader("a") as reader:
        assert reader.read() == b"1"


def test_store_can_be_named_by_a_url(folder: Path) -> None:
    (folder / "a").write_bytes(b"1")
    for location in (folder.as_uri(), folder.as_uri().replace("file://", "file://localhost")):
        with open_artifact_store(location, create=False).open_reader("a") as reader:
            assert reader.read() == b"1"


@pytest.mark.parametrize(
    "location", ["", " ", "a\0b", "a\nb", "file:///a%00b", "~nobody-of-this-name/artifacts"]
)
def test_location_that_names_no_folder_is_refused(location: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        open_artifact_store(location, create=True)
    one_line(caught)


@pytest.mark.parametrize(
    "location",
    ["gopher://key:secret@bucket/a", "file://elsewhere/a", "file://", "file:///", "file://[", "x\ny://z"],
)
def test_location_of_an_unknown_kind_is_refused_without_telling_its_secrets(location: str) -> None:
    with pytest.raises(ArtifactError, match="is not known") as caught:
        open_artifact_store(location, create=True)
    assert "secret" not in one_line(caught)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("location", ["file", "file/artifacts"])
def test_file_in_the_way_of_a_store_is_named(tmp_path: Path, location: str, create: bool) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ArtifactError, match=r"file is in the way|There is no artifact store") as caught:
        open_artifact_store(str(tmp_path / location), create=create)
    assert str(tmp_path / location) in one_line(caught)
    assert (tmp_path / "file").read_text() == "precious"


def test_store_that_cannot_be_written_is_refused_when_it_is_opened_for_writing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root, whom nothing stops
    open_artifact_store(str(folder), create=False)
    with pytest.raises(ArtifactError, match="permission is denied"):
        open_artifact_store(str(folder), create=True)


def test_file_attached_to_a_study_is_seen_by_optuna(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, tmp_path: Path
) -> None:
    (tmp_path / "history.json").write_text("{}")
    attachment = attach(storage, store, tmp_path / "history.json", study_id=study_id)
    study = optuna.load_study(study_name="bss", storage=storage)
    (meta,) = get_all_artifact_meta(study)
    assert (meta.artifact_id, meta.filename) == (attachment.artifact_id, "history.json")
    assert (meta.mimetype, meta.encoding) == ("application/json", None)
    assert read(store, attachment.artifact_id) == b"{}"
    assert (attachment.size, attachment.sha256[:8]) == (2, "44136fa3")


def test_record_is_exactly_what_optuna_itself_writes(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, tmp_path: Path
) -> None:
    study = optuna.load_study(study_name="bss", storage=storage)
    for name in ("model.keras", "figure.png", "logs.tar.gz"):
        (tmp_path / name).write_bytes(b"x")
        theirs = upload_artifact(artifact_store=store, file_path=str(tmp_path / name), study_or_trial=study)
        ours = attach(storage, store, tmp_path / name, study_id=study_id).artifact_id
        records = storage.get_study_system_attrs(study_id)
        assert records["artifacts:" + ours].replace(ours, theirs) == records["artifacts:" + theirs]


def test_bytes_are_attached_to_a_running_trial_under_a_name_and_a_type(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int
) -> None:
    trial_id = storage.create_new_trial(study_id)
    attach(storage, store, b"<svg/>", trial_id=trial_id, filename="curve", mimetype="image/svg+xml")
    (meta,) = get_all_artifact_meta(storage.get_trial(trial_id), storage=storage)
    assert (meta.filename, meta.mimetype) == ("curve", "image/svg+xml")
    assert storage.get_study_system_attrs(study_id) == {}


def test_record_is_made_only_when_the_bytes_are_in_the_store(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_flush(errno.ENOSPC, monkeypatch)
    with pytest.raises(ArtifactError, match="no space"):
        attach(storage, store, b"x", study_id=study_id, filename="x")
    assert storage.get_study_system_attrs(study_id) == {}


def test_trial_that_has_ended_takes_no_artifact_and_no_bytes_are_left(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, folder: Path
) -> None:
    trial_id = storage.create_new_trial(study_id)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)
    with pytest.raises(ArtifactError, match="Attach the file to its study"):
        attach(storage, store, b"x", trial_id=trial_id, filename="x")
    assert list(folder.iterdir()) == []


def test_unknown_study_or_trial_leaves_no_bytes(
    storage: InMemoryStorage, store: FileArtifactStore, folder: Path
) -> None:
    with pytest.raises(KeyError):
        attach(storage, store, b"x", study_id=7, filename="x")
    with pytest.raises(KeyError):
        attach(storage, store, b"x", trial_id=7, filename="x")
    assert list(folder.iterdir()) == []


def test_bytes_are_kept_when_the_record_was_made_after_all(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = storage.set_study_system_attr

    def lose_the_answer(study_id: int, key: str, value: str) -> None:
        record(study_id, key, value)
        raise ConnectionResetError("the answer was lost")

    monkeypatch.setattr(storage, "set_study_system_attr", lose_the_answer)
    with pytest.raises(ConnectionResetError):
        attach(storage, store, b"x", study_id=study_id, filename="x", artifact_id="a")
    assert "artifacts:a" in storage.get_study_system_attrs(study_id)
    assert read(store, "a") == b"x"


def test_file_that_cannot_be_read_is_named(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError, match=r"Cannot read '.*missing\.png' to store it: No such file"):
        attach(storage, store, tmp_path / "missing.png", study_id=study_id)


def test_attach_wants_one_owner_and_a_name(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int
) -> None:
    with pytest.raises(ValueError, match="either"):
        attach(storage, store, b"x", filename="x")
    with pytest.raises(ValueError, match="either"):
        attach(storage, store, b"x", filename="x", study_id=study_id, trial_id=0)
    with pytest.raises(ValueError, match="filename"):
        attach(storage, store, b"x", study_id=study_id)


def test_detached_artifact_loses_its_record_before_its_bytes(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    attachment = attach(storage, store, b"x", study_id=study_id, filename="x")
    key = "artifacts:" + attachment.artifact_id
    remove = store.remove

    def look_first(artifact_id: str) -> None:
        assert json.loads(storage.get_study_system_attrs(study_id)[key]) is None
        remove(artifact_id)

    monkeypatch.setattr(store, "remove", look_first)
    detach(storage, store, attachment.artifact_id, study_id=study_id)
    with pytest.raises(ArtifactError):
        store.open_reader(attachment.artifact_id)


def test_detaching_what_was_never_recorded_makes_no_record(
    storage: InMemoryStorage, store: FileArtifactStore, study_id: int
) -> None:
    detach(storage, store, "a", study_id=study_id)
    assert storage.get_study_system_attrs(study_id) == {}


def test_nothing_here_imports_optuna_or_keras() -> None:
    program = (
        "import sys, studyhall.studies.bundle.fetching, studyhall.studies.artifacts.attachments; "
        "print([name for name in ('optuna', 'sqlalchemy', 'keras', 'tensorflow', 'numpy', 'boto3') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
