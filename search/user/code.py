"""The code that a study names, as "file.py:name" or "package.module:name", imported from its folder."""

import inspect
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from studyhall.did_you_mean import closest, did_you_mean, suggested
from studyhall.models.errors import ConfigurationError
from studyhall.search.user.errors import broken, user_location
from studyhall.search.user.modules import import_file, import_module, package_name, project_of
from studyhall.studies.errors import UserCodeError

_NO_PACKAGE = "attempted relative import with no known parent package"


def load_object(reference: str, folder: Path) -> Any:
    """Import what a study names; Keras is not imported unless the user's code does.

    The folder comes first in `sys.path`, and stays there, so that the user's own `models.py` and `data/` are
    found beside the named file, at import and later.

    Args:
        reference: "file.py:name", the file relative to `folder`, or "package.module:name".
        folder: The folder of the study's file.

    Raises:
        UserCodeError: The file, module or name does not exist, or the import fails; then `details` is the
            user's traceback.
    """
    module_name, _, name = reference.rpartition(":")
    if not module_name or not name.isidentifier():
        raise UserCodeError(
            f"'{reference}' does not name any code: write 'file.py:name', relative to the study's file, or "
            "'package.module:name'"
        )
    complaint = f"cannot import '{reference}'"
    home = folder.absolute()
    path = (
        Path(os.path.normpath(home / Path(module_name).expanduser())) if module_name.endswith(".py") else None
    )
    if path is not None:
        if not path.is_file():
            raise UserCodeError(f"{complaint}: there is no file {path}")
        home = home if path.is_relative_to(home) else path.parent
    try:
        module = import_file(path, home) if path is not None else import_module(module_name, home)
    except ModuleNotFoundError as error:
        home = home if path is not None else project_of(module_name, home)
        if f"{module_name}.".startswith(f"{error.name}.") and not user_location(error, home):
            raise UserCodeError(
                f"{complaint}: there is no module '{error.name}' in {home} or in this environment"
            ) from error
        raise broken(complaint, error, home) from error
    except (Exception, SystemExit) as error:
        if path is not None and _NO_PACKAGE in str(error):
            raise UserCodeError(
                f"{complaint}: {user_location(error, home) or path} has a relative import, which a file that is named by its path "
                f"cannot have: name the module, '{package_name(path, home)}:{name}'"
            ) from error
        raise broken(complaint, error, home if path is not None else project_of(module_name, home)) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise UserCodeError(f"{complaint}: {module_name} has no '{name}'{_hint(module, name)}") from error


def load_hypermodel(reference: str, arguments: Mapping[str, Any], folder: Path) -> Any:
    """Import a HyperModel and return a `keras_tuner.HyperModel`.

    Args:
        reference: See `load_object`; a HyperModel class, an instance of one, or a function `build(hp)`.
        arguments: Keyword arguments of the class, or of the function after `hp`.
        folder: The folder of the study's file.

    Raises:
        UserCodeError: It cannot be imported, is none of the three, or does not accept the arguments.
    """
    found = load_object(reference, folder)
    import keras_tuner  # Here, because it takes seconds, and brings TensorFlow.
    from keras_tuner.src.engine.hypermodel import DefaultHyperModel

    if isinstance(found, keras_tuner.HyperModel):
        if arguments:
            raise UserCodeError(
                f"'{reference}' is a HyperModel already made: it takes no arguments, so remove them"
            )
        return found
    if inspect.isclass(found):
        if not issubclass(found, keras_tuner.HyperModel):
            raise UserCodeError(
                f"'{reference}' is a class, but not a HyperModel: derive it from keras_tuner.HyperModel"
            )
        check_arguments(reference, found, arguments)
        try:
            return found(**arguments)
        except ConfigurationError as error:
            raise UserCodeError(f"'{reference}': {error}") from error
        except (Exception, SystemExit) as error:
            raise broken(f"cannot make a '{reference}'", error, folder) from error
    if not callable(found):
        raise UserCodeError(
            f"'{reference}' is of type {type(found).__name__}: name a keras_tuner.HyperModel or a function build(hp)"
        )
    check_arguments(reference, found, arguments, "hp")
    return DefaultHyperModel(partial(found, **arguments) if arguments else found, name=reference)


def _hint(module: ModuleType, name: str) -> str:
    own = [
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return f"; {did_you_mean(name, own)}" if own else ""


def check_arguments(reference: str, called: Any, arguments: Mapping[str, Any], *leading: str) -> None:
    """Check that a user's function or class accepts what the definition gives it.

    Args:
        reference: Its name in the definition.
        called: The function or class.
        arguments: The keyword arguments from the definition.
        leading: Names of the arguments that come before them.

    Raises:
        UserCodeError: It does not; the message names what it does accept.
    """
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # Written in C: the call itself will tell.
        return
    try:
        signature.bind(*leading, **arguments)
    except TypeError as error:
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        accepted = [key for key, value in signature.parameters.items() if value.kind in kinds][len(leading) :]
        taken = f"its arguments are: {', '.join(accepted)}" if accepted else "it takes no arguments"
        # A misspelt argument is often another one that is missing, too; what was written comes first.
        unknown = [key for key in arguments if key not in accepted and _takes_no_others(signature)]
        near = closest(unknown[0], accepted) if unknown else []
        hint = f"; {suggested(near)}" if near else f"; {taken}"
        wrong = f"it has no argument '{unknown[0]}'" if unknown else f"{error}"
        raise UserCodeError(f"'{reference}': {wrong}{hint}") from error


def _takes_no_others(signature: inspect.Signature) -> bool:
    """Whether a function has no `**kwargs`."""
    return all(each.kind is not inspect.Parameter.VAR_KEYWORD for each in signature.parameters.values())
