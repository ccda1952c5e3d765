"""Who asks: a person or a program, and what it may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do: a reader sees everything and changes nothing; an operator may change studies."""

    READER = "reader"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Identity:
    """Somebody who has logged in or shown a token; `name` may be shown."""

    name: str
    role: Role

    @property
    def may_change(self) -> bool:
        """Whether requests that change something are allowed."""
        return self.role is Role.OPERATOR


ANYBODY_HERE = Identity("anybody on this machine", Role.OPERATOR)
"""Who asks a server that is open on this machine's own address."""
