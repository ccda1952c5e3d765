"""Passwords in database URLs, hidden wherever people read them."""

import re


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
