"""Keras's global settings, as users' modules set them at import, kept from what clears Keras's session.

`keras.utils.clear_session` drops what a model leaves behind, and with it what a person has set once and for
all: the dtype policy, the distribution, unsafe deserialization and the like. Others, such as the type of
floats, it leaves as the last model's code has set them. Neither may depend on what the process has trained
before.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.dtype_policies import dtype_policy as policies

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
# What has a value always, and outlives a session: how it is asked for, and set.
LASTING: Mapping[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "epsilon": (keras.config.epsilon, keras.config.set_epsilon),
    "floatx": (keras.config.floatx, keras.config.set_floatx),
    "image_data_format": (keras.config.image_data_format, keras.config.set_image_data_format),
}


@dataclass(frozen=True)
class KerasSettings:
    """Settings by Keras's names for them; those that nobody has set are left out."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def current(cls) -> "KerasSettings":
        """Return the settings that are in force in this thread."""
        found = {name: global_state.get_global_attribute(name) for name in NAMES}
        lasting = {name: get() for name, (get, _) in LASTING.items()}
        return cls({name: value for name, value in found.items() if value is not None} | lasting)

    @property
    def dtype_policy(self) -> str | None:
        """The name of the dtype policy; None where nobody has set one."""
        policy = self.values.get("dtype_policy")
        return None if policy is None else str(policy.name)

    def apply(self) -> None:
        """Put these settings in force, and none beside them that clearing the session would drop."""
        for name in NAMES:
            value = self.values.get(name)
            if value is not None or global_state.get_global_attribute(name) is not None:
                global_state.set_global_attribute(name, value)
        for name, (_, set_to) in LASTING.items():
            if name in self.values:
                set_to(self.values[name])

    def without(self, name: str) -> "KerasSettings":
        """Return these settings but one."""
        return KerasSettings({each: value for each, value in self.values.items() if each != name})

    def __or__(self, other: "KerasSettings") -> "KerasSettings":
        return KerasSettings({**self.values, **other.values})


def clear_session() -> None:
    """Clear Keras's session, and keep the settings that are in force."""
    settings = KerasSettings.current()
    keras.utils.clear_session(free_memory=True)
    settings.apply()


@contextmanager
def kept() -> Iterator[None]:
    """Put at the context's end the settings in force that were so at its start, whatever was built in it."""
    settings = KerasSettings.current()
    try:
        yield
    finally:
        settings.apply()


@contextmanager
def chosen_policies() -> Iterator[None]:
    """Leave no dtype policy in force at the context's end that nobody has chosen.

    Keras sets one for good as soon as it is asked for it, by any layer: that is not what a person has set.
    """
    choose = policies.set_dtype_policy
    implied: list[Any] = []

    def imply(policy: Any) -> None:
        choose(policy)
        implied.append(policy)

    policies.set_dtype_policy = imply  # what Keras itself calls; people have the function
    try:
        yield
    finally:
        policies.set_dtype_policy = choose
        if any(global_state.get_global_attribute("dtype_policy") is each for each in implied):
            global_state.set_global_attribute("dtype_policy", None)


_at_start = KerasSettings.current()
if _at_start.dtype_policy == keras.config.floatx():  # implied, since no code of a person's was imported yet
    _at_start = _at_start.without("dtype_policy")
_noted: dict[Hashable, KerasSettings] = {}


@contextmanager
def noted(code: Hashable) -> Iterator[None]:
    """Note what a piece of user's code sets while it is loaded in the context, for `settings_of`.

    It begins with the settings that this process had at its start. A module is imported once in a process, so
    that what it set counts for those who load it later, too.

    Args:
        code: What identifies it.
    """
    _at_start.apply()
    try:
        with chosen_policies():
            yield
    finally:
        found = KerasSettings.current().values
        changed = {
            name: value for name, value in found.items() if _differs(value, _at_start.values.get(name))
        }
        _noted[code] = _noted.get(code, KerasSettings()) | KerasSettings(changed)


def _differs(value: Any, other: Any) -> bool:
    # One that was set anew is chosen, though it be equal.
    return value != other if isinstance(value, str | float) else value is not other


def settings_of(*code: Hashable) -> KerasSettings:
    """Return the settings that pieces of code want, those of the last one first where they differ."""
    settings = _at_start
    for each in code:
        settings |= _noted.get(each, KerasSettings())
    return settings
