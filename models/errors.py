"""The error that says which network cannot be built, and what to write instead."""


class ConfigurationError(ValueError):
    """An architecture, a preset's name or a hyperparameter's setting that no network can have."""
