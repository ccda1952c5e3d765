"""The files of a published bundle as the server gives them: whole, in parts, and never other ones."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from studyhall.search.server.ranges import UnsatisfiableError, requested
from studyhall.studies.artifacts.store import ArtifactStore

MODEL = bytes(range(256)) * 10_000  # 2.56 MB: several pieces
URL = "/studies/bss/best/model.keras"
ETAG = f'"{hashlib.sha256(MODEL).hexdigest()}"'


FILES = {
    "model_keras": MODEL,
    "history_png": b"\x89PNG",
    "separations_svg": b"<svg/>",
    'ein "Bild" für ½_png': b"",
}


@pytest.fixture(scope="module")
def served(new_site: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A bundle on a server, for tests that change nothing."""
    site = new_site(tmp_path_factory.mktemp("served"))
    site.publish(site.study(), **FILES)
    yield site
    site.close()


@pytest.fixture
def site(site: Any) -> Any:
    """A bundle on a server, for tests that break something."""
    site.publish(site.study(), **FILES)
    return site


def test_file_comes_whole_with_its_sha256_as_etag(served: Any) -> None:
    answer = served.ask(URL)
    assert answer.status_code == 200
    assert answer.content == MODEL
    assert answer.headers["etag"] == ETAG
    assert answer.headers["content-length"] == str(len(MODEL))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="model.keras"'


def test_head_says_what_get_would_send(served: Any) -> None:
    answer = served.ask(URL, "HEAD", Range="bytes=0-9")
    assert (answer.status_code, answer.content) == (200, b"")
    got = served.ask(URL).headers
    for name in ("etag", "content-length", "accept-ranges", "content-type", "content-disposition"):
        assert answer.headers[name] == got[name]
    assert served.ask("/studies/bss/best/nothing", "HEAD").status_code == 404


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=1500000-", 1_500_000, len(MODEL)),
        ("bytes=-7", len(MODEL) - 7, len(MODEL)),
        ("bytes=5-99999999", 5, len(MODEL)),
        ("bytes=-99999999", 0, len(MODEL)),
        ("Bytes=3-3", 3, 4),
    ],
)
def test_part_of_a_file_is_sent_alone(served: Any, asked: str, start: int, stop: int) -> None:
    answer = served.ask(URL, Range=asked)
    assert answer.status_code == 206
    assert answer.content == MODEL[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(MODEL)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.headers["etag"] == ETAG


@pytest.mark.parametrize("asked", ["bytes=2560000-", "bytes=-0", "bytes=99999999-100000000"])
def test_part_beyond_the_file_is_refused(served: Any, asked: str) -> None:
    answer = served.ask(URL, Range=asked)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(MODEL)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-3", "bytes=", "bytes=-", "bytes=x-1", "lines=1-2", "bytes=٣-٤"]
)
def test_what_is_no_single_part_is_answered_with_the_whole_file(asked: str) -> None:
    assert requested(asked, 100) is None


def test_empty_file_has_no_part() -> None:
    assert requested(None, 0) is None
    with pytest.raises(UnsatisfiableError):
        requested("bytes=0-", 0)
    assert requested(f"bytes=0-{'9' * 5000}", 10) is None


def test_part_of_another_file_than_the_one_begun_with_is_never_sent(served: Any) -> None:
    assert served.ask(URL, Range="bytes=10-", If_Range=ETAG).status_code == 206
    for other in ('"0123"', f"W/{ETAG}", "Fri, 20 Nov 2026 19:00:00 GMT"):
        answer = served.ask(URL, Range="bytes=10-", If_Range=other)
        assert (answer.status_code, len(answer.content)) == (200, len(MODEL))


def test_file_that_the_client_has_is_not_sent_again(served: Any) -> None:
    for known in (ETAG, f'"x", W/{ETAG}', "*"):
        answer = served.ask(URL, If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)
        assert served.ask(URL, "HEAD", If_None_Match=known).status_code == 304
    assert served.ask(URL, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "nothing.txt",
        "..%2f..%2fstudies.db",
        "%2e%2e%2fstudies.db",
        "%2e%2e",
        "..%5cstudies.db",
        "%2fetc%2fpasswd",
        "model.keras%00",
        "MODEL.KERAS",
        "model.keras/",
        "%252e%252e%252fstudies.db",
    ],
)
def test_only_names_of_the_manifest_are_files(served: Any, name: str) -> None:
    answer = served.ask(f"/studies/bss/best/{name}")
    assert answer.status_code in (307, 404)
    assert b"SQLite" not in answer.content


def test_ids_of_artifacts_are_no_names(served: Any) -> None:
    for path in (served.folder / "artifacts").iterdir():
        assert served.ask(f"/studies/bss/best/{path.name}").status_code == 404


def test_pictures_are_shown_and_what_could_act_is_not(served: Any) -> None:
    picture = served.ask("/studies/bss/best/history.png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["content-disposition"].startswith("inline")
    drawing = served.ask("/studies/bss/best/separations.svg")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert drawing.headers["content-disposition"].startswith("attachment")
    for answer in (picture, drawing):
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_name_that_is_no_ascii_reaches_the_client(served: Any) -> None:
    (url,) = [each["url"] for each in served.ask("/api/studies/bss/best").json()["files"] if not each["size"]]
    answer = served.ask(url)
    assert (answer.status_code, answer.content) == (200, b"")
    disposition = answer.headers["content-disposition"]
    assert disposition == "inline; filename*=UTF-8''ein%20%22Bild%22%20f%C3%BCr%20%C2%BD.png"


def artifact(site: Any, name: str = "model.keras") -> Path:
    """The file in the store that holds a file of the bundle."""
    manifest = site.ask("/studies/bss/best/manifest.json").json()
    path: Path = site.folder / "artifacts" / manifest["files"][name]["artifact_id"]
    return path


def test_file_of_another_size_than_was_published_is_not_sent(site: Any) -> None:
    path = artifact(site)
    for content in (MODEL[:-1], MODEL + b"x", b""):
        path.write_bytes(content)
        answer = site.ask(URL)
        assert answer.status_code == 503
        assert "studyhall retrain bss" in answer.json()["detail"]


def test_link_in_the_place_of_a_file_is_not_followed(site: Any) -> None:
    path = artifact(site)
    other = site.folder / "other"
    other.write_bytes(MODEL)
    path.unlink()
    path.symlink_to(other)
    answer = site.ask(URL)
    assert (answer.status_code, "symbolic link" in answer.json()["detail"]) == (503, True)


def test_store_that_is_missing_is_one_clear_line(site: Any) -> None:
    (site.folder / "artifacts").rename(site.folder / "elsewhere")
    for path in (URL, "/api/studies/bss/best"):
        answer = site.ask(path)
        assert answer.status_code == 503
        assert answer.json()["detail"].startswith("There is no artifact store at ")


def test_bundle_that_takes_the_place_of_another_is_sent_instead(site: Any, monkeypatch: Any) -> None:
    study = site.study()
    find = type(site.served).store_of

    def publish_meanwhile(hall: Any, definition: Any) -> ArtifactStore:
        monkeypatch.setattr(type(site.served), "store_of", find)
        site.publish(study, model_keras=b"newer")  # which removes the file that was about to be opened
        store: ArtifactStore = find(hall, definition)
        return store

    monkeypatch.setattr(type(site.served), "store_of", publish_meanwhile)
    assert site.ask(URL).content == b"newer"
    assert site.ask(URL, If_None_Match=ETAG).content == b"newer"


class _Stream(io.RawIOBase):
    """Bytes that come from a network: there is no way back, and nobody knows where they end."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 100_000) if size >= 0 else size)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Have every file be such a stream of bytes."""

    def use(content: bytes) -> None:
        def opened(store: Any, artifact_id: str) -> BinaryIO:
            return _Stream(content)  # type: ignore[return-value]  # as much of it as is used

        monkeypatch.setattr("studyhall.studies.artifacts.folder_store.FileArtifactStore.open_reader", opened)

    return use


def test_part_of_a_stream_is_the_same_part(served: Any, stream: Callable[[bytes], None]) -> None:
    stream(MODEL)
    assert served.ask(URL).content == MODEL
    assert served.ask(URL, Range="bytes=1234567-1300000").content == MODEL[1_234_567:1_300_001]
    stream(MODEL + os.urandom(10))
    assert served.ask(URL).content == MODEL


def test_stream_that_ends_too_early_cuts_the_connection(served: Any, stream: Callable[[bytes], None]) -> None:
    stream(MODEL[:-1])
    with pytest.raises(EOFError, match="too early"):  # after the headers: the web server hangs up
        served.ask(URL)
