"""What a study can be called."""

import re

_STUDY_NAME = re.compile(r"\w[\w.-]{0,99}")


def is_study_name(text: str) -> bool:
    """Whether a study can have this name: it is a part of URLs, of files' names and of command lines."""
    return _STUDY_NAME.fullmatch(text) is not None
