"""What other rooms need of a database: reads and transactions that are done until they get through."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from studyhall.studies.database.retrying import Patience

T = TypeVar("T")


class Transactions(Protocol):
    """A database, as those use it who write its rows; `storage.RetryingStorage` is one.

    Every method raises StorageError where the database fails. Its `patience` knows of outages.
    """

    patience: Patience

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` finds; it must not write.

        Each of its statements sees what was committed before it.
        """
        ...

    def transact(
        self, work: Callable[[Connection], T], *, got_through: Callable[[Connection, T], bool] | None = None
    ) -> T:
        """Do `work` in one transaction that holds SQLite's write lock from its start.

        Args:
            work: It has no effect but on the database, so that it may be done again.
            got_through: Says whether an earlier attempt whose answer was lost got through after all, given
                what `work` returned in it. Needed unless it makes no difference to do `work` again.
        """
        ...
