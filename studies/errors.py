"""Every error that Studyhall raises on purpose: one line that says what is wrong and what to do about it."""


class StudyhallError(Exception):
    """The root of the tree; the command line prints it as one line and exits with status 2."""


class DefinitionError(StudyhallError):
    """A study's TOML cannot be read, or says something that no study can do."""


class RepeatedConfigurationError(StudyhallError):
    """A trial would repeat a configuration that ran out of memory; the trial fails, and the study goes on."""


class UserCodeError(StudyhallError):
    """A HyperModel, loader or function named in a definition cannot be imported or called."""


class StorageError(StudyhallError):
    """The database that holds the studies cannot be reached, opened or written."""


class StudyNotFoundError(StudyhallError):
    """The storage answers, but holds no study of that name."""


class StudyConflictError(StudyhallError):
    """A study of that name exists already, with another definition."""


class LeaseLostError(StudyhallError):
    """A worker's lease on a trial is over: another has the trial, or it was ended elsewhere."""


class ArtifactError(StudyhallError):
    """The artifact store is missing, cannot be written, or lacks what a record points to."""


class BundleError(StudyhallError):
    """A published bundle is missing, incomplete, or does not match its checksums."""


class BundleMismatchError(BundleError):
    """A file of a bundle has other bytes than were published."""


class ModelFileError(StudyhallError):
    """A file that should be a Keras model cannot be used as one."""


class ImageFileError(StudyhallError):
    """A file that should be an image of a mixture cannot be used as one."""
