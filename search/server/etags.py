"""Whether a reader has already what it asks for (RFC 9110, section 13)."""


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names an entity tag, weak or not, or says that any will do."""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags
