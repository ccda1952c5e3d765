"""What every artifact store promises, in a folder and in S3."""

import errno
import io
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.artifacts import download_artifact, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound

from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.probe import probe
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.errors import ArtifactError

LARGE = 20 * 1024 * 1024 + 17  # bytes: three parts in S3


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty artifact store is."""
    if request.param == "folder":
        return str(tmp_path / "ärtifacts of 'many' studies")
    server = request.getfixturevalue("s3")
    return f"s3://{server.create_bucket()}/studies/of-many"


@pytest.fixture
def store(location: str) -> ArtifactStore:
    return open_artifact_store(location, create=True)


@pytest.fixture
def held(location: str, request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """Says what is in the store, unfinished uploads and temporary files included."""

    def look() -> list[str]:
        if not location.startswith("s3://"):
            return sorted(path.name for path in Path(location).iterdir())
        client = request.getfixturevalue("s3").client
        bucket, prefix = location.removeprefix("s3://").split("/", 1)
        found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        unfinished = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return sorted(each["Key"].removeprefix(f"{prefix}/") for each in [*found, *unfinished])

    return look


def read(store: ArtifactStore, artifact_id: str) -> bytes:
    with closing(store.open_reader(artifact_id)) as reader:
        return reader.read()


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert "not-to-be-shown" not in text
    return text


class Torn(io.BytesIO):
    """A source that breaks after so many bytes."""

    def __init__(self, content: bytes, error: BaseException) -> None:
        super().__init__(content)
        self.error = error

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            raise self.error
        return piece


@pytest.mark.parametrize("size", [0, 1, 2_500_000, LARGE])
def test_bytes_come_back_as_they_were_written(
    store: ArtifactStore, held: Callable[[], list[str]], size: int
) -> None:
    content = os.urandom(size)
    store.write("a-1", io.BytesIO(content))
    assert read(store, "a-1") == content
    assert held() == ["a-1"]


def test_artifact_is_replaced_as_a_whole(store: ArtifactStore) -> None:
    store.write("a", io.BytesIO(b"a long one"))
    store.write("a", io.BytesIO(b"short"))
    assert read(store, "a") == b"short"


def test_source_that_gives_little_at_a_time_is_read_to_its_end(store: ArtifactStore) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(7, 7 if size is None or size < 0 else size))

    store.write("a", Slow(bytes(range(256))))
    assert read(store, "a") == bytes(range(256))


@pytest.mark.parametrize("size", [5000, LARGE])
@pytest.mark.parametrize(
    "error", [ConnectionResetError(errno.ECONNRESET, "it has gone"), KeyboardInterrupt()]
)
def test_interrupted_write_keeps_what_was_there(
    store: ArtifactStore, held: Callable[[], list[str]], size: int, error: BaseException
) -> None:
    store.write("a", io.BytesIO(b"old"))
    expected = ArtifactError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        store.write("a", Torn(bytes(size), error))
    if expected is ArtifactError:
        assert "it has gone" in one_line(caught)
    assert read(store, "a") == b"old"
    assert held() == ["a"]


def test_removed_artifact_is_gone_and_may_be_removed_again(
    store: ArtifactStore, held: Callable[[], list[str]]
) -> None:
    store.write("a", io.BytesIO(b"1"))
    store.remove("a")
    store.remove("a")
    assert held() == []


def test_missing_artifact_is_an_error_of_ours_and_of_optunas(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactNotFound) as caught:
        store.open_reader("a")
    assert isinstance(caught.value, ArtifactError)
    assert "'a' is not in the artifact store" in one_line(caught)


def test_id_that_could_be_more_than_a_name_is_refused(store: ArtifactStore) -> None:
    for artifact_id in ("", "..", "../a", "a/b", ".hidden", "a\n", "x" * 129, "ü", "a?b"):
        for act in (store.open_reader, store.remove, lambda name: store.write(name, io.BytesIO(b"1"))):
            with pytest.raises(ArtifactError, match="cannot be the id of an artifact") as caught:
                act(artifact_id)
            one_line(caught)


def test_reader_can_be_sought_in(store: ArtifactStore) -> None:
    content = os.urandom(3_000_000)
    store.write("a", io.BytesIO(content))
    with closing(store.open_reader("a")) as reader:
        assert reader.seek(2_999_990) == 2_999_990
        assert reader.read() == content[-10:]
        reader.seek(5)
        assert reader.read(10) == content[5:15]
        assert reader.seek(0, io.SEEK_END) == len(content)
        assert reader.read(1) == b""


LARGE_PROGRAM = """
import pickle, sys, tracemalloc
store = pickle.loads(sys.stdin.buffer.read())
store.remove("a")  # the connection is made, and what that needs is imported
tracemalloc.start()
with open(sys.argv[1], "rb") as source:
    store.write("a", source)
reader, came = store.open_reader("a"), 0
while piece := reader.read(1 << 20):
    came += len(piece)
print(came, tracemalloc.get_traced_memory()[1])
"""


def test_large_artifact_passes_in_pieces(store: ArtifactStore, tmp_path: Path) -> None:
    size = 48 * 1024 * 1024
    (tmp_path / "large").write_bytes(bytes(size))
    done = subprocess.run(
        [sys.executable, "-c", LARGE_PROGRAM, str(tmp_path / "large")],
        input=pickle.dumps(store),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    came, most = map(int, done.stdout.split())
    assert came == size
    assert most < size * 2 // 3  # in S3 three parts: the first, the one before, and the one that is read


def test_threads_share_a_store(store: ArtifactStore) -> None:
    def work(number: int) -> bytes:
        store.write(f"a{number % 4}", io.BytesIO(bytes([number % 4]) * 10_000))
        return read(store, f"a{number % 4}")

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(24)))
    assert results == [bytes([number % 4]) * 10_000 for number in range(24)]


CHILD = """
import io, os, pickle, sys
store = pickle.loads(sys.stdin.buffer.read())
assert store.open_reader("a").read() == b"from the parent"
child = os.fork()
if child == 0:
    try:
        assert store.open_reader("a").read() == b"from the parent"
        store.write("b", io.BytesIO(b"from the fork"))
    except BaseException as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
assert store.open_reader("a").read() == b"from the parent"
assert os.waitpid(child, 0)[1] == 0
assert store.open_reader("b").read() == b"from the fork"
"""


def test_store_works_in_another_process_and_after_a_fork(store: ArtifactStore) -> None:
    store.write("a", io.BytesIO(b"from the parent"))
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=pickle.dumps(store), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()


def test_optuna_uploads_to_our_store_and_downloads_from_it(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "figure.png").write_bytes(b"png")
    study = optuna.create_study()
    artifact_id = upload_artifact(
        artifact_store=store, file_path=str(tmp_path / "figure.png"), study_or_trial=study
    )
    download_artifact(artifact_store=store, file_path=str(tmp_path / "copy"), artifact_id=artifact_id)
    assert (tmp_path / "copy").read_bytes() == b"png"


def test_store_that_was_opened_to_read_is_the_same(location: str, store: ArtifactStore) -> None:
    store.write("a", io.BytesIO(b"1"))
    assert read(open_artifact_store(location, create=False), "a") == b"1"


def test_probe_leaves_nothing_behind(store: ArtifactStore, held: Callable[[], list[str]]) -> None:
    probe(store)
    assert held() == []


def test_probe_finds_a_store_that_gives_back_something_else(
    store: ArtifactStore, held: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store), "open_reader", lambda *_: io.BytesIO(b"something else"))
    with pytest.raises(ArtifactError, match="does not give back what was written"):
        probe(store)
    assert held() == []


def test_probe_finds_a_store_that_cannot_be_written(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ArtifactError("it is read-only")

    monkeypatch.setattr(type(store), "write", refuse)
    with pytest.raises(ArtifactError, match="it is read-only"):
        probe(store)


def test_files_are_the_artifacts_with_their_sizes_and_ages(store: ArtifactStore) -> None:
    assert list(store.files()) == []
    store.write("one", io.BytesIO(b"12345"))
    store.write("other", io.BytesIO(b""))
    files = {each.id: each for each in store.files()}
    assert {name: (each.size, each.complete) for name, each in files.items()} == {
        "one": (5, True),
        "other": (0, True),
    }
    assert all(abs(each.modified - time.time()) < 60 for each in files.values())
    store.remove("one")
    assert [each.id for each in store.files()] == ["other"]


def test_nothing_but_what_a_writer_left_can_be_discarded(store: ArtifactStore) -> None:
    store.write("one", io.BytesIO(b"12345"))
    for name in ("one", "../one", "nothing"):
        with pytest.raises(ArtifactError, match="refused") as error:
            store.discard(name)
        one_line(error)
    assert read(store, "one") == b"12345"
