"""The artifact store in S3: what can be wrong with it, in one line and soon."""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from optuna.artifacts import Boto3ArtifactStore

from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.s3.location import S3Location
from studyhall.studies.artifacts.s3.store import S3ArtifactStore
from studyhall.studies.errors import ArtifactError


def refusal(act: Callable[[], Any]) -> str:
    """Return what is said, once it is one line that tells no secret and came soon."""
    began = time.monotonic()
    with pytest.raises(ArtifactError) as caught:
        act()
    text = str(caught.value)
    assert "\n" not in text
    assert "not-to-be-shown" not in text
    assert time.monotonic() - began < 20
    return text


def opening(location: str) -> Callable[[], Any]:
    return lambda: open_artifact_store(location, create=True)


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve HTTP with one function; give the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        do_HEAD = do_PUT = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say_no(code: str, status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        body = f"<Error><Code>{code}</Code><Message>not-to-be-shown</Message></Error>".encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    return answer


# Where it is


@pytest.mark.parametrize(
    ("url", "location", "key"),
    [
        ("s3://bucket", S3Location("bucket"), "a"),
        ("s3://bucket/", S3Location("bucket"), "a"),
        ("s3://bucket/x/y/", S3Location("bucket", "x/y"), "x/y/a"),
        (
            "s3://bucket/x?endpoint=https://minio:9000&region=eu-west-1",
            S3Location("bucket", "x", "https://minio:9000", "eu-west-1"),
            "x/a",
        ),
        (
            "s3://b.c-d/x?endpoint=http%3A%2F%2F[::1]:9000",
            S3Location("b.c-d", "x", "http://[::1]:9000"),
            "x/a",
        ),
    ],
)
def test_url_names_bucket_prefix_and_endpoint(url: str, location: S3Location, key: str) -> None:
    assert S3Location.parse(url) == location
    assert location.key("a") == key


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://", "cannot be a bucket's name"),
        ("s3://b", "cannot be a bucket's name"),
        ("s3://a..b/x", "cannot be a bucket's name"),
        ("s3://bucket:9000/x", "cannot be a bucket's name"),
        ("s3://bucket/../x", "cannot be a prefix"),
        ("s3://bucket/a//b", "cannot be a prefix"),
        ("s3://bucket/a%2Fb", "cannot be a prefix"),
        ("s3://bucket/ä", "cannot be a prefix"),
        ("s3://bucket/x?endpoint=minio:9000", "endpoint .* is not a URL"),
        ("s3://bucket/x?endpoint=", "endpoint .* is not a URL"),
        ("s3://bucket/x?endpoint=http://minio/path", "endpoint .* is not a URL"),
        ("s3://bucket/x?region=a/b", "region"),
        ("s3://bucket/x?", None),
        ("s3://bucket/x?key", "cannot be read"),
        ("s3://bucket/x?password=not-to-be-shown", "'endpoint' and 'region' alone"),
        ("s3://bucket/x#not-to-be-shown", "'endpoint' and 'region' alone"),
        ("s3://key:not-to-be-shown@bucket/x", "must hold no credentials. Set AWS_ACCESS_KEY_ID"),
        ("s3://bucket/x?endpoint=http://key:not-to-be-shown@minio", "must hold no credentials"),
        ("s3://[not-to-be-shown/x", "cannot be read"),
    ],
)
def test_url_that_cannot_be_one_is_refused_without_telling_secrets(url: str, words: str | None) -> None:
    if words is None:
        assert S3Location.parse(url) == S3Location("bucket", "x")
        return
    with pytest.raises(ArtifactError, match=words) as caught:
        S3Location.parse(url)
    assert "not-to-be-shown" not in str(caught.value)


def test_without_a_prefix_the_layout_is_that_of_optunas_own_store(s3: Any) -> None:
    bucket = s3.create_bucket()
    ours, theirs = open_artifact_store(f"s3://{bucket}", create=True), Boto3ArtifactStore(bucket, s3.client)
    ours.write("ours", io.BytesIO(b"1"))
    theirs.write("theirs", io.BytesIO(b"2"))
    assert theirs.open_reader("ours").read() == b"1"
    assert ours.open_reader("theirs").read() == b"2"


def test_endpoint_may_be_in_the_url(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    location = f"s3://{s3.create_bucket()}/x?endpoint={s3.endpoint}"
    open_artifact_store(location, create=True).write("a", io.BytesIO(b"1"))


# What can be wrong


def test_missing_bucket_is_named_and_never_made(s3: Any) -> None:
    text = refusal(opening("s3://no-such-bucket/x"))
    assert text == (
        f"There is no bucket 'no-such-bucket' at {s3.endpoint}. Create it, or correct `artifacts` in the study's [storage]."
    )
    assert "no-such-bucket" not in str(s3.client.list_buckets())


def test_bucket_that_vanished_is_named(s3: Any) -> None:
    bucket = s3.create_bucket()
    store = open_artifact_store(f"s3://{bucket}", create=True)
    s3.client.delete_bucket(Bucket=bucket)
    for act in (
        lambda: store.write("a", io.BytesIO(b"1")),
        lambda: store.open_reader("a"),
        lambda: store.remove("a"),
    ):
        assert f"There is no bucket '{bucket}'" in refusal(act)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AccessDenied", 403, "denies access (AccessDenied). The credentials need s3:ListBucket"),
        (
            "InvalidAccessKeyId",
            403,
            "does not accept the credentials (InvalidAccessKeyId). Correct AWS_ACCESS_KEY_ID",
        ),
        ("SignatureDoesNotMatch", 403, "does not accept the credentials"),
        ("RequestTimeTooSkewed", 403, "rejects this machine's clock"),
        ("XMinioStorageFull", 507, "is full"),
        ("NotImplemented", 501, "refuses PutObject: NotImplemented"),
    ],
)
def test_store_that_refuses_says_why_and_what_helps(s3: Any, code: str, status: int, words: str) -> None:
    with serving(say_no(code, status)) as endpoint:
        store = S3ArtifactStore(S3Location("bucket", "x", endpoint))
        text = refusal(lambda: store.write("a", io.BytesIO(b"1")))
    assert words in text
    assert endpoint in text


def test_refused_bucket_is_one_line(s3: Any) -> None:
    with serving(say_no("", 403)) as endpoint:
        assert "denies access (403)" in refusal(opening(f"s3://bucket/x?endpoint={endpoint}"))


def test_endpoint_that_nobody_listens_at_is_named(s3: Any) -> None:
    text = refusal(opening("s3://bucket/x?endpoint=http://127.0.0.1:9"))
    assert "http://127.0.0.1:9 cannot be reached. Start it, or correct the endpoint" in text


def test_endpoint_that_is_no_url_is_named(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio")
    assert "Correct AWS_ENDPOINT_URL" in refusal(opening("s3://bucket"))


def test_missing_credentials_are_asked_for(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "there are no credentials for it. Set AWS_ACCESS_KEY_ID" in refusal(opening("s3://bucket"))


def test_unknown_profile_is_named(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "profile (nobody) could not be found" in refusal(opening("s3://bucket"))


def test_missing_boto3_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "studyhall.studies.artifacts.s3.store")
    assert refusal(opening("s3://bucket/x")) == (
        "The artifact store 's3://bucket/x' needs boto3. Install it with: pip install 'studyhall[s3]'"
    )


# While it is read


def test_connection_that_breaks_while_an_artifact_is_read_goes_unnoticed(s3: Any) -> None:
    content = os.urandom(300_000)
    asked: list[tuple[str | None, str | None]] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        first = request.headers.get("Range")
        asked.append((first, request.headers.get("If-Match")))
        start = int(first.removeprefix("bytes=").rstrip("-")) if first else 0
        request.send_response(206 if first else 200)
        request.send_header("Content-Length", str(len(content) - start))
        request.send_header("ETag", '"one"')
        request.end_headers()
        request.wfile.write(content[start : start + 100_000])
        request.close_connection = True

    with serving(answer) as endpoint:
        store = S3ArtifactStore(S3Location("bucket", "x", endpoint))
        with store.open_reader("a") as reader:
            assert reader.read() == content
    assert asked == [(None, None), ("bytes=100000-", '"one"'), ("bytes=200000-", '"one"')]


def test_connection_that_breaks_again_and_again_is_one_line(s3: Any) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(206 if "Range" in request.headers else 200)
        request.send_header("Content-Length", "1000")
        request.send_header("ETag", '"one"')
        request.end_headers()
        request.close_connection = True

    with serving(answer) as endpoint:
        store = S3ArtifactStore(S3Location("bucket", "x", endpoint))
        reader = store.open_reader("a")
        assert "broke off after 0 of 1,000 bytes" in refusal(reader.read)
        reader.close()


def test_artifact_that_is_replaced_while_it_is_read_is_noticed(s3: Any) -> None:
    store = open_artifact_store(f"s3://{s3.create_bucket()}", create=True)
    store.write("a", io.BytesIO(b"x" * 100))
    with store.open_reader("a") as reader:
        store.write("a", io.BytesIO(b"y" * 100))
        reader.seek(50)
        assert "was replaced while it was read" in refusal(reader.read)
