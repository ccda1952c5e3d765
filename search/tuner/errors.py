"""What a Tuner refuses: errors of ours that are of KerasTuner's types too, which scripts may expect."""

from studyhall.studies.errors import StudyConflictError, UserCodeError


class ArgumentValueError(UserCodeError, ValueError):
    """An argument of a Tuner has a value that it cannot have, or there is no such argument."""


class ArgumentTypeError(UserCodeError, TypeError):
    """An argument of a Tuner is of a type that says nothing here."""


class ProjectConflictError(StudyConflictError, RuntimeError):
    """A project of that name is there already, and was searched in another way."""


class SearchFailedError(UserCodeError, RuntimeError):
    """So many trials failed in a row that the search was ended; the queue is kept."""


RELOADED = "If you did not mean to reload a search, change the `project_name` or pass `overwrite=True`"
"""KerasTuner's advice where a project lacks files."""


class NoWeightsError(UserCodeError, RuntimeError):
    """A trial's model cannot be had: its weights were not kept, are gone, or are another model's."""


class MissingPackageError(UserCodeError, ImportError):
    """A tuner needs a package that is not installed."""
