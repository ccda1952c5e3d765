"""Keras's global settings, as users' modules set them at import, kept from what clears Keras's session.

`keras.utils.clear_session` drops what a model leaves behind, and with it what a person has set once and for all: the
dtype policy, the distribution, unsafe deserialization and the like.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.src.backend.common import global_state

# The names that Keras 3 has for them; a name that a version does not know is never set.
NAMES = (
    "dtype_policy",
    "distribution",
    "flash_attention",
    "interactive_logging",
    "nnx_enabled",
    "safe_mode_saving",
    "torch_device",
    "traceback_filtering",
)


@dataclass(frozen=True)
class KerasSettings:
    """Settings by Keras's names for them; those that nobody has set are left out."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def current(cls) -> "KerasSettings":
        """Return the settings that are in force in this thread."""
        found = {name: global_state.get_global_attribute(name) for name in NAMES}
        return cls({name: value for name, value in found.items() if value is not None})

    @property
    def dtype_policy(self) -> str | None:
        """The name of the dtype policy; None where nobody has set one."""
        policy = self.values.get("dtype_policy")
        return None if policy is None else str(policy.name)

    def apply(self) -> None:
        """Put these settings in force, and no others."""
        for name in NAMES:
            value = self.values.get(name)
            if value is not None or global_state.get_global_attribute(name) is not None:
                global_state.set_global_attribute(name, value)

    def __or__(self, other: "KerasSettings") -> "KerasSettings":
        return KerasSettings({**self.values, **other.values})


def clear_session() -> None:
    """Clear Keras's session, and keep the settings that are in force."""
    settings = KerasSettings.current()
    keras.utils.clear_session(free_memory=True)
    settings.apply()


_at_start = KerasSettings.current()
_noted: dict[Hashable, KerasSettings] = {}


@contextmanager
def noted(code: Hashable) -> Iterator[None]:
    """Note what a piece of user's code sets while it is loaded in the context, for `settings_of`.

    It begins with the settings that this process had at its start. A module is imported once in a process, so that what it set counts
    for those who load it later, too.

    Args:
        code: what identifies it.
    """
    _at_start.apply()
    try:
        yield
    finally:
        found = KerasSettings.current().values
        changed = {name: value for name, value in found.items() if value is not _at_start.values.get(name)}
        _noted[code] = _noted.get(code, KerasSettings()) | KerasSettings(changed)


def settings_of(*code: Hashable) -> KerasSettings:
    """Return the settings that pieces of code want, those of the last one first where they differ."""
    settings = _at_start
    for each in code:
        settings |= _noted.get(each, KerasSettings())
    return settings
