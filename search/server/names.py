"""The names of studies in addresses."""

from starlette.convertors import StringConvertor, register_url_convertor


class StudyNameConvertor(StringConvertor):
    """A study's name, but no number: `/api/studies/12` is optuna-dashboard's."""

    regex = r"(?![0-9]+(?:/|$))[^/]+"


register_url_convertor("study", StudyNameConvertor())

STUDY = "{name:study}"
"""The segment of a path that is a study's name."""
