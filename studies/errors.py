"""Every error that Studyhall raises on purpose: one line that says what is wrong and what to do about it.

Each class says with which status a command ends that it stops; docs/exit-statuses.md has the table.
"""

WORK_FAILED = 1
"""Exit status: what was asked for was tried, and did not succeed."""

WRONG_INPUT = 2
"""Exit status: what was asked for cannot be; another study file, option or piece of code is needed."""


class StudyhallError(Exception):
    """The root of the tree; the command line prints it as one line and exits with its `exit_status`.

    `details` are lines for whoever asks for them by --traceback: where in other people's code it happened.
    """

    exit_status = WRONG_INPUT
    details = ""


class WorkFailedError(StudyhallError):
    """The work on a study did not succeed: for example, no trial completed, or one after the other failed."""

    exit_status = WORK_FAILED


class MachineError(StudyhallError):
    """This machine cannot go on: a disk is full or read-only, or nothing can be opened or started any more.

    No trial is to blame for it; the one in hand goes back to the queue.
    """

    exit_status = WORK_FAILED


class DefinitionError(StudyhallError):
    """A study's TOML cannot be read, or says something that no study can do."""


class RepeatedConfigurationError(StudyhallError):
    """A trial has no configuration left that no other one has tried.

    It goes back to the queue without its parameters.
    """

    exit_status = WORK_FAILED


class ConfigurationsInUseError(RepeatedConfigurationError):
    """A trial has no configuration left that other, running trials do not try; later it may have one."""


class UserCodeError(StudyhallError):
    """A HyperModel, loader or function named in a definition cannot be imported or called."""


class StorageError(StudyhallError):
    """The database that holds the studies cannot be used as it is named: it is not there, or refuses."""


class StorageAwayError(StorageError):
    """The database did not answer, was held by another program or had no room, for longer than we wait."""

    exit_status = WORK_FAILED


class StudyNotFoundError(StudyhallError):
    """The storage answers, but holds no study of that name."""


class StudyConflictError(StudyhallError):
    """A study of that name exists already, with another definition."""


class LeaseLostError(StudyhallError):
    """A worker's lease on a trial is over: another has the trial, or it was ended elsewhere."""

    exit_status = WORK_FAILED


class ArtifactError(StudyhallError):
    """A file cannot be written or read, or the artifact store lacks what a record points to."""

    exit_status = WORK_FAILED


class ArtifactLocationError(ArtifactError):
    """What is named as the artifact store, or as the folder of files, is none, or may not be used."""

    exit_status = WRONG_INPUT


class BundleError(StudyhallError):
    """A published bundle is missing, incomplete, or does not match its checksums."""

    exit_status = WORK_FAILED


class BundleRequestError(BundleError):
    """A bundle is asked for in a way that cannot be answered: by its address, its folder or the token."""

    exit_status = WRONG_INPUT


class BundleMismatchError(BundleError):
    """A file of a bundle has other bytes than were published."""


class ModelFileError(StudyhallError):
    """A file that should be a Keras model cannot be used as one."""


class ImageFileError(StudyhallError):
    """A file that should be an image of a mixture cannot be used as one."""
