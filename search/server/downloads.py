"""The files of published bundles, by name: whole or in part, and never other bytes than were published."""

import mimetypes
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from studyhall.search.server import etags
from studyhall.search.server.bundles import open_published, published_bundle
from studyhall.search.server.names import PAGE
from studyhall.search.server.ranges import ByteRange, UnsatisfiableError, requested
from studyhall.search.server.served import served_of
from studyhall.studies.files import CHUNK

router = APIRouter()

# A picture that is opened by itself must not run anything, whatever a person's own code has put into it.
_HARMLESS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_PATH = f"/studies/{PAGE}/best/{{file}}"

_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The part that the Range header asks for."},
    304: {"description": "The file is the one that If-None-Match names."},
    404: {"description": "No such study, no bundle yet, or no such file in it."},
    416: {"description": "The file has no such part."},
    503: {"description": "The database or the artifact store is away, or the file there is damaged."},
}


@router.get(_PATH, tags=["bundle"], response_class=Response, responses=_ANSWERS)
def download(name: str, file: str, request: Request) -> Response:
    """A file of a study's published bundle, or its `manifest.json`; its ETag is its SHA-256."""
    entry, reader = open_published(served_of(request), name, file)
    headers = _headers(file, entry.sha256)
    if etags.matches(request.headers.get("If-None-Match"), headers["ETag"]):
        reader.close()
        return Response(status_code=304, headers=headers)
    # A part of another file than the one that the reader has begun with would be of no use.
    wanted = request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
    try:
        part = requested(request.headers.get("Range") if wanted else None, entry.size)
    except UnsatisfiableError:
        reader.close()
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{entry.size}"})
    whole = ByteRange(0, entry.size, entry.size)
    headers["Content-Length"] = str((part or whole).length)
    if part is not None:
        headers["Content-Range"] = part.header
    body = _bytes(reader, part or whole, file)
    return StreamingResponse(body, 206 if part else 200, headers, _media_type(file))


@router.head(_PATH, include_in_schema=False)
def describe(name: str, file: str, request: Request) -> Response:
    """The headers of a file, without its bytes; parts are nothing to HEAD."""
    entry = published_bundle(served_of(request), name).file(file)
    headers = _headers(file, entry.sha256)
    if etags.matches(request.headers.get("If-None-Match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(headers=headers | {"Content-Length": str(entry.size)}, media_type=_media_type(file))


def _headers(file: str, sha256: str) -> dict[str, str]:
    kind = "inline" if _media_type(file) == "image/png" else "attachment"
    plain = file if file.isascii() and '"' not in file and "\\" not in file else None
    return {
        "ETag": f'"{sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",  # the next bundle has other bytes under the same name
        "Content-Disposition": f'{kind}; filename="{plain}"'
        if plain
        else f"{kind}; filename*=UTF-8''{quote(file)}",
        "Content-Security-Policy": _HARMLESS,
        "X-Content-Type-Options": "nosniff",
    }


def _media_type(file: str) -> str:
    guessed, encoding = mimetypes.guess_type(file, strict=False)
    return guessed if guessed is not None and encoding is None else "application/octet-stream"


def _bytes(reader: BinaryIO, part: ByteRange, file: str) -> Iterator[bytes]:
    """Yield a part of a file, and close it.

    Raises:
        EOFError: It ends too early, after the headers have promised more; the web server cuts the connection
            then.
    """
    with closing(reader):
        if reader.seekable():
            reader.seek(part.start)
        else:
            _skip(reader, part.start, file)
        left = part.length
        while left > 0:
            chunk = reader.read(min(CHUNK, left))
            if not chunk:
                raise EOFError(f"{file} in the artifact store ends {left:,} bytes too early.")
            left -= len(chunk)
            yield chunk


def _skip(reader: BinaryIO, count: int, file: str) -> None:
    while count > 0:
        chunk = reader.read(min(CHUNK, count))
        if not chunk:
            raise EOFError(f"{file} in the artifact store ends {count:,} bytes too early.")
        count -= len(chunk)
