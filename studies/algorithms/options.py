"""The options of Optuna's classes: checked against what a constructor says it takes, then passed to it."""

import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from studyhall.did_you_mean import did_you_mean
from studyhall.studies.algorithms.packages import missing_packages
from studyhall.studies.algorithms.registry import FAMILIES, Family, parameters
from studyhall.studies.errors import DefinitionError

# What TOML can say, by the name that Optuna's annotations use for it: the types, and how to call them.
_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "str": (str, "text"),
    "dict": (dict, "a table"),
    "Mapping": (dict, "a table"),
    "list": (list, "a list"),
    "Sequence": (list, "a list"),
    "np.ndarray": (list, "a list"),
}


@dataclass(frozen=True)
class Constructor:
    """Constructs Optuna's classes, nested ones included.

    Args:
        defaults: Gives, for a class, arguments to use where the options are silent.
        packages: Whether packages that a class would need later must be there now.
    """

    defaults: Callable[[Callable[..., Any]], Mapping[str, Any]] = lambda cls: {}
    packages: bool = True

    def construct(self, cls: Callable[..., Any], options: Mapping[str, Any], where: str) -> Any:
        """Construct a class that `Family.find` returned.

        Args:
            cls: The class.
            options: What the definition says; a nested class is a name, or a table with `name` and `options`.
            where: The dotted key of the section, for errors.

        Raises:
            DefinitionError: An option is unknown, missing, deprecated or of a wrong type, or a package is
                missing.
        """
        lacking = missing_packages(cls) if self.packages else None
        if lacking is not None:
            raise DefinitionError(f"{where}: {lacking}")
        arguments = dict(self.defaults(cls))
        for name, value in options.items():
            arguments[name] = self._argument(cls, name, value, f"{where}.options")
        for name, parameter in parameters(cls).items():
            if parameter.default is inspect.Parameter.empty and name not in arguments:
                raise DefinitionError(f"{where}.options.{name}: is missing; {cls.__name__} needs it")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                built = cls(**arguments)
            except Exception as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                raise DefinitionError(f"{where}.options: {cls.__name__} refuses them: {reason}") from error
        _heed(caught, options, f"{where}.options")
        return built

    def _argument(self, cls: Callable[..., Any], name: str, value: Any, where: str) -> Any:
        known = parameters(cls)
        if name not in known:
            hint = did_you_mean(name, usable_options(cls)) or "it takes none"
            raise DefinitionError(f"{where}.{name}: unknown option of {cls.__name__}; {hint}")
        if name == "seed":  # a second seed would make every trial's draws the same
            raise DefinitionError(f"{where}.seed: set search.seed instead, which this is derived from")
        family = _family(known[name])
        if family is not None:
            return self._nested(family, value, f"{where}.{name}")
        kinds = _kinds(known[name])
        if not kinds:
            raise DefinitionError(
                f"{where}.{name}: takes Python objects, which no study file can hold; remove it"
            )
        if not any(_is_a(value, kind) for kind in kinds):
            spoken = " or ".join(dict.fromkeys(_TYPES[kind][1] for kind in kinds))
            raise DefinitionError(f"{where}.{name}: must be {spoken}, not {value!r}")
        return importlib.import_module("numpy").asarray(value) if "np.ndarray" in kinds else value

    def _nested(self, family: Family, value: Any, where: str) -> Any:
        table = {"name": value} if isinstance(value, str) else value
        match table:
            case {"name": str(name), **rest} if not rest.keys() - {"options"}:
                options = table.get("options", {})
            case _:
                raise DefinitionError(
                    f"{where}: must be a {family.kind}'s name, or {{name = ..., options = {{...}}}}"
                )
        if not isinstance(options, dict):
            raise DefinitionError(f"{where}.options: must be a table, not {options!r}")
        return self.construct(family.find(name, f"{where}.name"), options, where)


def usable_options(cls: Callable[..., Any]) -> dict[str, Any]:
    """Return the options that a study file can hold, with their defaults; None where there is none."""
    documented = re.split(r"^    (\w+):$", inspect.getdoc(cls) or "", flags=re.MULTILINE)[1:]
    deprecated = {
        name for name, text in zip(documented[::2], documented[1::2], strict=True) if "Deprecated in" in text
    }
    return {
        name: None if parameter.default is inspect.Parameter.empty else parameter.default
        for name, parameter in parameters(cls).items()
        if name not in {"seed", *deprecated} and (_kinds(parameter) or _family(parameter) is not None)
    }


def _heed(caught: list[warnings.WarningMessage], options: Mapping[str, Any], where: str) -> None:
    """Refuse deprecated options and pass other warnings on.

    Optuna's "experimental" is dropped: the user has chosen.
    """
    from optuna.exceptions import ExperimentalWarning

    for warning in caught:
        text = " ".join(str(warning.message).split())
        if issubclass(warning.category, FutureWarning) and "deprecated" in text:
            named = [f"{where}.{name}" for name in options if f"`{name}`" in text]
            raise DefinitionError(f"{(named or [where])[0]}: remove it: {text}")
        if not issubclass(warning.category, ExperimentalWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _annotation(parameter: inspect.Parameter) -> str:
    return inspect.formatannotation(parameter.annotation).strip("'")


def _family(parameter: inspect.Parameter) -> Family | None:
    """Return the family whose members a parameter takes; functions about them are not members."""
    words = re.findall(r"\w+", _annotation(parameter))
    return next((each for each in FAMILIES if each.base in words and "Callable" not in words), None)


def _kinds(parameter: inspect.Parameter) -> list[str]:
    """Return the alternatives of an annotation that TOML can say, as keys of `_TYPES`."""
    annotation = _annotation(parameter)
    if "FrozenTrial" in annotation or "Callable" in annotation:
        return []
    alternatives = [each.strip() for each in re.sub(r"\[.*\]", "", annotation).split("|")]
    return [each for each in alternatives if each in _TYPES]


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind][0]) and (kind == "bool" or not isinstance(value, bool))
