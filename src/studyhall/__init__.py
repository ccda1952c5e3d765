"""Studyhall: a hyperparameter search service for Keras."""

from pathlib import Path as _Path

_root = _Path(__file__).resolve().parents[2]
if (_root / "src" / "studyhall" / "__init__.py").is_file():  # a checkout, not a wheel
    __path__.insert(0, str(_root))
