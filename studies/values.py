"""What a hyperparameter can be."""

Value = bool | int | float | str
"""The value of one hyperparameter."""
