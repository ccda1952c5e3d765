"""The webhook: where notifications go, as the environment says, and never shown to anybody."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain

URL_VARIABLE = "STUDYHALL_WEBHOOK"
SECRET_VARIABLE = "STUDYHALL_WEBHOOK_SECRET"


@dataclass(frozen=True)
class Webhook:
    """An address that takes notifications, which is a secret: whoever has it can write there.

    With a `secret`, which the receiver has too, each body is signed.
    """

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return what may be shown of it: the host."""
        return f"the webhook at {urlsplit(self.url).hostname}"

    def signature(self, body: bytes) -> str | None:
        """Return `sha256=` and the HMAC of a body in hexadecimal digits; None without a secret."""
        if self.secret is None:
            return None
        return "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()


def webhook_from(environment: Mapping[str, str] = os.environ) -> Webhook | None:
    """Return the webhook that the environment names; None where it names none.

    STUDYHALL_WEBHOOK holds its URL, or STUDYHALL_WEBHOOK_FILE a file's name that does;
    STUDYHALL_WEBHOOK_SECRET and STUDYHALL_WEBHOOK_SECRET_FILE likewise hold the key that bodies are signed
    with.

    Raises:
        DefinitionError: The file cannot be read, or holds no URL.
    """
    url = _value(environment, URL_VARIABLE)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
        _ = parts.port  # raises for one that is no number
    except ValueError:
        usable = False
    if not usable or " " in url:
        # Not quoted: it is a secret.
        raise DefinitionError(f"{URL_VARIABLE} must be an address that begins with https:// or http://")
    return Webhook(url, _value(environment, SECRET_VARIABLE))


def _value(environment: Mapping[str, str], name: str) -> str | None:
    """Return what a variable holds, else what the file holds that its `_FILE` names.

    It returns None where there is nothing.
    """
    if value := environment.get(name, "").strip():
        return value
    file = environment.get(f"{name}_FILE")
    if not file:
        return None
    try:
        content = Path(file).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{name}_FILE names {file!r}, which is not text") from error
    except OSError as error:
        raise DefinitionError(f"{name}_FILE names {file!r}: {explain(error)}") from error
    if not content:
        raise DefinitionError(f"{name}_FILE names {file!r}, which is empty; put the {name} in it")
    return content
