"""Publishing a bundle and fetching it: whole and checked, or not at all."""

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from pydantic import ValidationError

from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.bundle.fetching import (
    BundleRecord,
    Facts,
    Manifest,
    fetch,
    load_manifest,
    publish,
    published,
    remove_unpublished,
    unpublished,
    verify,
)
from studyhall.studies.bundle.manifest import plain_name
from studyhall.studies.errors import ArtifactError, BundleError
from studyhall.studies.files import CHUNK
from tests.support.bundles import FACTS


@dataclass
class House:
    """One study, its storage and its artifact store."""

    root: Path
    storage: InMemoryStorage = field(default_factory=InMemoryStorage)

    def __post_init__(self) -> None:
        self.artifacts = self.root / "ärtifacts"
        self.artifacts.mkdir()
        self.store = FileArtifactStore(self.artifacts)
        self.study_id = int(self.storage.create_new_study([StudyDirection.MINIMIZE], "bss"))

    def folder(self, model: bytes) -> Path:
        """A folder of files to publish."""
        folder = self.root / f"scratch of {model.decode()}"
        folder.mkdir(exist_ok=True)
        (folder / "model.keras").write_bytes(model * 1000)
        (folder / "history.json").write_text(json.dumps({"loss": [1.0, 0.5]}))
        (folder / "history.png").write_bytes(b"png of " + model)
        return folder

    def publish(self, model: bytes = b"first") -> BundleRecord:
        return publish(self.folder(model), FACTS, self.store, self.storage, self.study_id)

    def published(self) -> BundleRecord:
        record = published(self.storage, self.study_id)
        assert record is not None
        return record

    def stored(self) -> set[str]:
        return {path.name for path in self.artifacts.iterdir()}

    def shown(self) -> set[str]:
        """The artifacts that optuna-dashboard shows with the study."""
        return {
            key.removeprefix("artifacts:")
            for key, value in self.storage.get_study_system_attrs(self.study_id).items()
            if key.startswith("artifacts:") and json.loads(value) is not None
        }


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # that files are flushed is tested where it is done
    return House(tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(error: pytest.ExceptionInfo[Exception]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# Publishing


def test_published_bundle_comes_back_byte_for_byte(house: House, tmp_path: Path) -> None:
    record = house.publish()
    folder = fetch(record, house.store, tmp_path / "to here" / "bést")
    assert names(folder) == ["history.json", "history.png", "manifest.json", "model.keras"]
    for name in ("history.json", "history.png", "model.keras"):
        assert (folder / name).read_bytes() == (house.folder(b"first") / name).read_bytes()


def test_record_in_the_storage_is_all_that_fetching_needs(house: House, tmp_path: Path) -> None:
    house.publish()
    record = json.loads(json.dumps(house.storage.get_study_user_attrs(house.study_id)["studyhall:bundle"]))
    assert record["value"] == 0.0017
    verify(fetch(record, house.store, tmp_path / "best"))


def test_manifest_says_where_the_model_comes_from(house: House, tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    record = publish(
        house.folder(b"first"), FACTS, house.store, house.storage, house.study_id, created=moment
    )
    manifest = load_manifest(fetch(record, house.store, tmp_path / "best"))
    assert Facts(**{name: getattr(manifest, name) for name in Facts.model_fields}) == FACTS
    assert [type(value) for value in manifest.hyperparameters.values()] == [int, float, str, bool]
    assert json.loads((tmp_path / "best" / "manifest.json").read_text())["created"] == "2026-01-02T03:04:05Z"


def test_store_and_dashboard_hold_the_published_bundle_and_nothing_else(house: House) -> None:
    for model in (b"first", b"second", b"third"):
        record = house.publish(model)
        assert house.stored() == house.shown() == record.artifact_ids
        assert len(record.artifact_ids) == 4


def test_manifest_in_the_folder_is_not_published(house: House, tmp_path: Path) -> None:
    (house.folder(b"first") / "manifest.json").write_text("stale")
    verify(fetch(house.publish(), house.store, tmp_path / "best"))


@pytest.mark.parametrize("name", ["model.keras", "history.json"])
def test_folder_without_a_needed_file_is_refused(house: House, name: str) -> None:
    (house.folder(b"first") / name).unlink()
    with pytest.raises(BundleError, match=f"a bundle needs {name}"):
        publish(house.root / "scratch of first", FACTS, house.store, house.storage, house.study_id)
    assert house.stored() == set()


@pytest.mark.parametrize("name", [".hidden", "a\nb", " a", "a:b", "x" * 201, "MODEL.keras", "Manifest.json"])
def test_folder_with_a_name_that_could_do_harm_is_refused(house: House, name: str) -> None:
    (house.folder(b"first") / name).write_text("x")
    with pytest.raises(BundleError, match=r"plain file name|have one name") as caught:
        publish(house.root / "scratch of first", FACTS, house.store, house.storage, house.study_id)
    refusal(caught)
    assert house.storage.get_study_system_attrs(house.study_id) == {}


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_folder_with_more_than_files_is_refused(house: House, kind: str) -> None:
    extra = house.folder(b"first") / "extra"
    extra.mkdir() if kind == "folder" else extra.symlink_to("/etc/hostname")
    with pytest.raises(BundleError, match="holds plain files"):
        publish(extra.parent, FACTS, house.store, house.storage, house.study_id)


def test_missing_folder_is_refused(house: House) -> None:
    with pytest.raises(BundleError, match=r"Cannot publish .*: No such file or directory"):
        publish(house.root / "missing", FACTS, house.store, house.storage, house.study_id)


@pytest.mark.parametrize("value", [float("nan"), {"mean": float("inf")}])
def test_number_that_json_cannot_hold_is_refused_before_anything_is_stored(house: House, value: Any) -> None:
    facts = FACTS.model_copy(update={"metrics": {"test": value}})
    with pytest.raises(BundleError) as caught:
        publish(house.folder(b"first"), facts, house.store, house.storage, house.study_id)
    refusal(caught)
    assert house.stored() == set()


def test_facts_are_frozen_and_complete() -> None:
    with pytest.raises(ValidationError):
        FACTS.trial = 5
    with pytest.raises(ValidationError):
        Facts(**{**FACTS.model_dump(), "learning_rate": 1})


def test_file_that_changes_while_it_is_published_is_noticed(house: House) -> None:
    class Meddler(FileArtifactStore):
        def write(self, artifact_id: str, content_body: BinaryIO) -> None:
            super().write(artifact_id, content_body)
            (house.root / "scratch of second" / "model.keras").write_bytes(b"other")

    first = house.publish(b"first")
    with pytest.raises(BundleError, match=r"model\.keras changed"):
        publish(house.folder(b"second"), FACTS, Meddler(house.artifacts), house.storage, house.study_id)
    assert house.stored() == house.shown() == first.artifact_ids


# Interrupted


def failing(error: Exception, after: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A step that fails: without doing anything, or after it has done its work."""

    def step(*arguments: Any) -> Any:
        if after is not None:
            after(*arguments)
        raise error

    return step


def test_full_store_leaves_the_previous_bundle_and_no_trace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.publish(b"first")
    done = []

    def fill_up(handle: int) -> None:
        done.append(handle)
        if len(done) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill_up)
        with pytest.raises(ArtifactError, match="no space is left") as caught:
            house.publish(b"second")
    refusal(caught)
    assert house.published() == first
    assert house.stored() == house.shown() == first.artifact_ids
    house.publish(b"second")


def test_answer_lost_after_the_record_was_made_does_not_destroy_the_bundle(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.publish(b"first")
    record = house.storage.set_study_user_attr
    with monkeypatch.context() as patch:
        patch.setattr(house.storage, "set_study_user_attr", failing(ConnectionResetError("lost"), record))
        with pytest.raises(ConnectionResetError):
            house.publish(b"second")
    assert house.published() != first
    assert (
        b"second" in (fetch(house.published(), house.store, tmp_path / "best") / "model.keras").read_bytes()
    )


def test_store_that_cannot_remove_old_files_does_not_fail_the_publication(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = house.publish(b"first")
    with monkeypatch.context() as patch:
        patch.setattr(house.store, "remove", failing(ArtifactError("The artifact store is read-only.")))
        second = house.publish(b"second")
    assert house.published() == second
    assert "Old files of the bundle of 'bss' remain" in caplog.text
    assert set(unpublished(house.storage, house.study_id)) == first.artifact_ids
    assert set(remove_unpublished(house.storage, house.store, house.study_id)) == first.artifact_ids
    assert house.stored() == house.shown() == second.artifact_ids


def test_of_two_publications_at_once_one_wins_and_its_bundle_is_whole(house: House, tmp_path: Path) -> None:
    class Overtaken(FileArtifactStore):
        winner: BundleRecord | None = None

        def write(self, artifact_id: str, content_body: BinaryIO) -> None:
            super().write(artifact_id, content_body)
            if self.winner is None:
                self.winner = house.publish(b"winner")

    house.publish(b"first")
    store = Overtaken(house.artifacts)
    with pytest.raises(BundleError, match="Another process is publishing"):
        publish(house.folder(b"loser"), FACTS, store, house.storage, house.study_id)
    assert store.winner is not None
    assert house.published() == store.winner
    assert house.stored() == house.shown() == store.winner.artifact_ids
    verify(fetch(store.winner, house.store, tmp_path / "best"))


def test_cleaning_up_makes_a_publication_under_way_give_up(house: House) -> None:
    class Cleaned(FileArtifactStore):
        def write(self, artifact_id: str, content_body: BinaryIO) -> None:
            super().write(artifact_id, content_body)
            remove_unpublished(house.storage, house.store, house.study_id)

    first = house.publish(b"first")
    with pytest.raises(BundleError, match="Another process"):
        publish(house.folder(b"second"), FACTS, Cleaned(house.artifacts), house.storage, house.study_id)
    assert house.stored() == house.shown() == first.artifact_ids


def test_damaged_record_is_one_line_and_can_be_published_over(house: House, tmp_path: Path) -> None:
    house.publish(b"first")
    house.storage.set_study_user_attr(house.study_id, "studyhall:bundle", {"manifest": 3})
    with pytest.raises(BundleError, match="record of the published bundle is damaged") as caught:
        house.published()
    refusal(caught)
    verify(fetch(house.publish(b"second"), house.store, tmp_path / "best"))


def test_study_without_a_bundle_has_no_record(house: House) -> None:
    assert published(house.storage, house.study_id) is None
    assert unpublished(house.storage, house.study_id) == ()


# Fetching


def nothing_is_left(folder: Path) -> bool:
    return not any(path.name.startswith((".studyhall", "best")) for path in folder.iterdir())


@pytest.mark.parametrize("name", ["model.keras", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "empty", "remove", "link"])
def test_damage_in_the_store_is_found_and_nothing_is_left(
    house: House, tmp_path: Path, name: str, damage: str
) -> None:
    record = house.publish()
    entry = record.manifest if name == "manifest.json" else record.files[name]
    path = house.artifacts / entry.artifact_id
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "grow":
        path.write_bytes(content + b"x")
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    if damage == "link":
        shutil.copy(house.folder(b"first") / "model.keras", tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=f"{name} .*studyhall retrain bss") as caught:
        fetch(record, house.store, tmp_path / "a" / "best")
    refusal(caught)
    assert not (tmp_path / "a").exists()
    assert nothing_is_left(tmp_path)


def test_manifest_of_another_bundle_is_refused(house: House, tmp_path: Path) -> None:
    first = house.publish()
    facts = FACTS.model_copy(update={"study": "other"})
    storage = InMemoryStorage()
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "other")
    other = publish(house.folder(b"other"), facts, house.store, storage, study_id)
    mixed = first.model_copy(update={"manifest": other.manifest})
    with pytest.raises(BundleError, match="is another bundle's"):
        fetch(mixed, house.store, tmp_path / "best")
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/cron.d/evil", ".bashrc", "a/b", "..", "", "a\\b", "MANIFEST.json"]
)
def test_hostile_manifest_cannot_write_outside_the_folder(house: House, tmp_path: Path, name: str) -> None:
    """Even with a checksum that fits, as whoever can write to both the storage and the store could
    make one.
    """
    record = house.publish()
    path = house.artifacts / record.manifest.artifact_id
    content = json.loads(path.read_text())
    content["files"][name] = content["files"]["history.png"]
    text = json.dumps(content).encode()
    path.write_bytes(text)
    forged = record.model_dump(mode="json")
    forged["manifest"] |= {"sha256": hashlib.sha256(text).hexdigest(), "size": len(text)}
    with pytest.raises(BundleError, match=r"plain file name|have one name") as caught:
        fetch(forged, house.store, tmp_path / "a" / "best")
    refusal(caught)
    forged["files"][name] = forged["files"]["history.png"]
    with pytest.raises(BundleError):
        fetch(forged, house.store, tmp_path / "a" / "best")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "record", [{}, {"files": 1}, {"manifest": {"artifact_id": "../x", "sha256": "", "size": -1}}]
)
def test_damaged_record_is_refused_in_one_line(house: House, tmp_path: Path, record: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="damaged") as caught:
        fetch(record, house.store, tmp_path / "best")
    refusal(caught)


def test_filled_folder_is_refused_and_replaced_only_with_force(house: House, tmp_path: Path) -> None:
    best = tmp_path / "best"
    best.mkdir()
    (best / "mine.txt").write_text("precious")
    record = house.publish()
    with pytest.raises(BundleError, match=r"is not empty\. Replace it with --force"):
        fetch(record, house.store, best)
    assert names(best) == ["mine.txt"]
    fetch(record, house.store, best, force=True)
    assert "mine.txt" not in names(best)
    verify(best)


def test_empty_folder_is_filled(house: House, tmp_path: Path) -> None:
    (tmp_path / "best").mkdir()
    verify(fetch(house.publish(), house.store, tmp_path / "best"))


def test_forced_fetch_that_fails_keeps_the_old_bundle(house: House, tmp_path: Path) -> None:
    first = house.publish(b"first")
    best = fetch(first, house.store, tmp_path / "best")
    second = house.publish(b"second")
    house.store.remove(second.files["history.png"].artifact_id)
    with pytest.raises(BundleError, match=r"history\.png of the published bundle cannot be read"):
        fetch(second, house.store, best, force=True)
    assert b"first" in (best / "model.keras").read_bytes()
    verify(best)
    assert not any(path.name.startswith(".studyhall") for path in tmp_path.iterdir())


def test_folder_of_folders_is_never_replaced(house: House, tmp_path: Path) -> None:
    (tmp_path / "home" / "work").mkdir(parents=True)
    for force, words in ((False, "is not empty"), (True, "so it is not a bundle")):
        with pytest.raises(BundleError, match=words):
            fetch(house.publish(), house.store, tmp_path / "home", force=force)
    assert (tmp_path / "home" / "work").is_dir()


def test_file_in_the_way_is_never_replaced(house: House, tmp_path: Path) -> None:
    (tmp_path / "best").write_text("precious")
    record = house.publish()
    for to in (tmp_path / "best", tmp_path / "best" / "inside"):
        for force in (False, True):
            with pytest.raises(BundleError, match="Cannot fetch into") as caught:
                fetch(record, house.store, to, force=force)
            refusal(caught)
    assert (tmp_path / "best").read_text() == "precious"


def test_folder_that_one_is_in_is_not_pulled_away(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    record = house.publish()
    for to in (Path(), Path("..") / "here", tmp_path / "here"):
        with pytest.raises(BundleError, match=r"Name a folder inside it: '.*best'"):
            fetch(record, house.store, to, force=True)
    assert fetch(record, house.store, Path("best")) == tmp_path / "here" / "best"


def test_link_to_a_folder_stays_a_link(house: House, tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "best").symlink_to(tmp_path / "big disk")
    verify(fetch(house.publish(), house.store, tmp_path / "best"))
    assert (tmp_path / "best").is_symlink()


def test_full_disk_while_fetching_is_one_line_and_nothing_is_left(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    record = house.publish()
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(BundleError, match=r"Cannot fetch the bundle into .*no space is left") as caught:
        fetch(record, house.store, tmp_path / "best")
    refusal(caught)
    assert nothing_is_left(tmp_path)


def test_interrupted_fetch_leaves_nothing(house: House, tmp_path: Path) -> None:
    def interrupt(name: str, done: int, total: int) -> None:
        if name == "model.keras":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(house.publish(), house.store, tmp_path / "best", progress=interrupt)
    assert nothing_is_left(tmp_path)


def test_progress_counts_the_bytes_of_all_files(house: House, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    folder = fetch(house.publish(), house.store, tmp_path / "best", progress=lambda *news: told.append(news))
    assert [name for name, _, _ in told] == ["manifest.json", "history.json", "history.png", "model.keras"]
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert told[0] == ("manifest.json", (folder / "manifest.json").stat().st_size, size)
    assert told[-1][1:] == (size, size)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_artifact_that_goes_on_and_on_is_not_read_to_its_end(house: House, tmp_path: Path) -> None:
    class Long(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert self.tell() <= CHUNK, "reads on after the first bytes too many"
            return super().read(size)

    class Trap(FileArtifactStore):
        def open_reader(self, artifact_id: str) -> BinaryIO:
            return Long(bytes(3 * CHUNK))

    with pytest.raises(BundleError, match="and has more"):
        fetch(house.publish(), Trap(house.artifacts), tmp_path / "best")


# A bundle in a folder


@pytest.fixture
def best(house: House, tmp_path: Path) -> Path:
    return fetch(house.publish(), house.store, tmp_path / "best")


def test_changed_file_is_found(best: Path) -> None:
    (best / "model.keras").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"model\.keras in the bundle .* Fetch it again"):
        verify(best)


def test_lost_file_is_found(best: Path) -> None:
    (best / "history.json").unlink()
    with pytest.raises(BundleError, match=r"lacks history\.json"):
        verify(best)


def test_notes_beside_a_bundle_are_no_damage(best: Path) -> None:
    (best / "notes.txt").write_text("good one")
    assert verify(best) == load_manifest(best)


@pytest.mark.parametrize("where", ["nothing", "empty", "file"])
def test_what_is_no_bundle_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match=f"{where}' is not a bundle: it has no manifest.json") as caught:
        load_manifest(tmp_path / where)
    refusal(caught)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a bundle's manifest"),
        (b"{}", "is not a bundle's manifest"),
        (b'{"format": 2, "news": true}', "from a later Studyhall than this. Upgrade"),
    ],
)
def test_manifest_that_cannot_be_used_is_one_line(tmp_path: Path, text: bytes, words: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(BundleError, match=words) as caught:
        load_manifest(tmp_path)
    refusal(caught)


def test_manifest_is_frozen(best: Path) -> None:
    manifest: Manifest = load_manifest(best)
    with pytest.raises(ValidationError):
        manifest.study = "other"


@given(st.text(st.sampled_from("aZ09._-/\\:~ ü\0\n"), max_size=8))
def test_plain_name_stays_in_its_folder(name: str) -> None:
    try:
        path = Path("/folder") / plain_name(name)
    except ValueError:
        return
    assert os.path.normpath(path) == f"/folder/{name}"
    assert path.parent == Path("/folder")
