"""The names of studies in addresses."""

from urllib.parse import quote, unquote

from starlette.convertors import StringConvertor, register_url_convertor


class PageNameConvertor(StringConvertor):
    """The segment of a path that `segment` has made of a study's name."""

    def convert(self, value: str) -> str:
        """Return the name."""
        return unquote(value)


class StudyNameConvertor(PageNameConvertor):
    """A study's name, but no number: `/api/studies/12` is optuna-dashboard's."""

    regex = r"(?![0-9]+(?:/|$))[^/]+"


register_url_convertor("page", PageNameConvertor())
register_url_convertor("study", StudyNameConvertor())

PAGE = "{name:page}"
"""The segment of a page's path that is a study's name."""

STUDY = "{name:study}"
"""The segment of a path of the API that is a study's name."""


def segment(name: str) -> str:
    """Return a study's name as one segment of an address.

    Servers decode a path before it is taken apart, so what would be taken for several segments, or for none,
    is encoded twice: only names that other programs have given hold it.
    """
    safe = name.replace("%", "%25").replace("/", "%2F")
    return quote(safe.replace(".", "%2E") if set(safe) == {"."} else safe, safe="")
