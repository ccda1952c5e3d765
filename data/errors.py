"""The error of everything about examples: one line that says what is wrong and what to do about it."""


class DataError(Exception):
    """Images cannot be had, or were asked for in a way that no source, split or mixture can answer."""

    exit_status = 2  # of a command that it ends: wrong input


class DownloadError(DataError):
    """Images are not on this machine and cannot be downloaded, or not all of them."""

    exit_status = 1  # the work failed
