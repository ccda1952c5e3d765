"""What a study can be called: its name is a part of URLs, of files' names and of command lines."""

import hashlib
import re
import unicodedata

_LONGEST = 100  # characters
_STUDY_NAME = re.compile(rf"\w[\w.-]{{0,{_LONGEST - 1}}}")
_DIGEST = 8  # characters that keep long names apart


def is_study_name(text: str) -> bool:
    """Whether a study can have this name."""
    return _STUDY_NAME.fullmatch(text) is not None


def study_name(text: str) -> str:
    """Return the name of the study that somebody calls this: the text itself, or the name most like it."""
    if is_study_name(text):
        return text
    name = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", text)).strip("-.") or "study"
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - _DIGEST - 1]}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:_DIGEST]}"
    return name
