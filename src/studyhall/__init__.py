"""Studyhall: a hyperparameter search service for Keras."""

# Not pathlib, which takes as long as all else that comes before a command can hear a signal.
import os as _os

_root = _os.path.realpath(__file__ + "/../../..")
if _os.path.isfile(f"{_root}/src/studyhall/__init__.py"):  # a checkout, not a wheel
    __path__.insert(0, _root)
