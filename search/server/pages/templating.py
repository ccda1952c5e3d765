"""The templates of the pages, and the files that go with them."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from studyhall.search.server.pages import wording
from studyhall.studies.status.rungs import paused_in_words

_HERE = Path(__file__).parent
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def static_file(name: str) -> tuple[bytes, str, str] | None:
    """Return the bytes, the media type and the SHA-256 of a file that pages use; None if there is none."""
    path = {each.name: each for each in (_HERE / "static").iterdir()}.get(name)
    if path is None or path.suffix not in _MEDIA_TYPES:
        return None
    content = path.read_bytes()
    return content, _MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()


def static_url(name: str) -> str:
    """Return a file's address, which changes with its bytes, so that browsers may keep it for long."""
    found = static_file(name)
    if found is None:
        raise LookupError(f"there is no file {name!r} for pages")
    return f"/static/studyhall/{name}?v={found[2][:12]}"


def render(template: str, **values: Any) -> str:
    """Return a template as HTML, all values escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["static"] = static_url
    for name in ("duration", "rough", "value", "size", "moment", "plural"):
        environment.filters[name] = getattr(wording, name)
    environment.filters["paused"] = paused_in_words
    return environment
