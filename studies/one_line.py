"""Paths and other people's errors, worded for one line of a message."""

import re
from pathlib import Path


def shown(path: Path) -> str:
    """The path as a person may read it: control characters and undecodable bytes are escaped."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def reason(error: BaseException) -> str:
    """The first telling line of an error's text, without its full stop: 200 characters at most."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return (text if len(text) <= 200 else text[:197] + "...").rstrip(".:")


def redact(url: str) -> str:
    """Return a database URL with its passwords replaced by `***`.

    Malformed URLs are what error messages quote, so this does not parse: it takes the longest thing that can
    be a password.
    """
    head, at, tail = url.rpartition("@")
    if at and not url.startswith("sqlite"):
        start = head.find("://") + 3 if "://" in head else 0
        user, colon, _ = head[start:].partition(":")
        url = head[:start] + user + (":***" if colon else "") + at + tail
    return re.sub(r"(?i)([?&](?:ssl)?password=)[^&]*", r"\1***", url)
