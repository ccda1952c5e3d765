"""The error of everything about examples: one line that says what is wrong and what to do about it."""


class DataError(Exception):
    """Images cannot be had, or were asked for in a way that no source, split or mixture can answer."""
