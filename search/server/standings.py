"""How studies stand, read from the database once for all who ask within a moment."""

from studyhall.search.server.served import Hall
from studyhall.studies.status.report import Standing, standing
from studyhall.studies.status.summary import Entry


async def standing_of(hall: Hall, name: str) -> Standing:
    """Return how a study stands, or stood a moment ago.

    Raises:
        StorageError: the database is away.
        StudyNotFoundError: there is no such study.
    """
    hall.require(name)
    return await hall.fresh.get(("standing", name), lambda: standing(hall.catalogue, name))


async def entries_of(hall: Hall) -> list[Entry]:
    """Return every study that is served, oldest first, as it is or was a moment ago.

    Raises:
        StorageError: the database is away.
        StudyNotFoundError: the only study that is served is gone.
    """
    if hall.study is not None:
        return [(await standing_of(hall, hall.study)).entry]
    return await hall.fresh.get("entries", hall.catalogue.entries)
