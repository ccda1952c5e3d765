"""What Keras, TensorFlow and Python say of an error, without the insides that their messages show."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from studyhall.did_you_mean import closest, suggested

LONGEST = 300  # characters of another one's message in a line of ours

_CALLING = re.compile(r"Exception encountered when calling .+?\.\s+(?:\x1b\[1m)?(.*)", re.DOTALL)
_INFERRING = re.compile(
    r"Could not automatically infer the output shape .+? Error encountered:\s+(.*)", re.DOTALL
)
_ARGUMENTS = re.compile(r"\s*(?:\x1b\[0m)?\s*Arguments received by .*", re.DOTALL)
_NODE = re.compile(
    r"\.? for '\{\{node .*?\}\}[^']*'(?: with input shapes:)?|,? and with computed input tensors.*"
)
_ASIDE = re.compile(
    r"\s+(?:\[\[\{\{node|Label values:|You can also|To (?:fix|disable) this|If you are|Call arguments received).*",
    re.DOTALL,
)
_NO_KIND = frozenset({"deserialize", "serialize", "get", "legacy", "schedules"})
_SHORT = {"loss": ["mse", "mae", "mape", "msle"], "metric": ["mse", "mae", "mape", "msle", "accuracy", "auc"]}
_STACK = re.compile(
    r"\s+|Graph execution error|Detected at node|<stack traces|Traceback |\[\[|in user code|For simplicity, JAX|---"
)


def in_short(error: BaseException) -> str:
    """Return an error's message in one line, as a person would say it: no stack, no node, no arguments."""
    if isinstance(error, SystemExit):
        return "sys.exit()" if error.code is None else f"sys.exit({error.code!r})"
    text = f"{error.msg if isinstance(error, SyntaxError) else error}"
    for wrapper in (_CALLING, _INFERRING):
        if inner := wrapper.search(text):
            text = _ARGUMENTS.sub("", inner[1])
    text = re.sub(r"^\{\{function_node .*?\}\}\s*", "", text)
    if any(sign in text for sign in ("Graph execution error", "Traceback (most recent", "in user code:")):
        text = _without_stack(text)
    text = re.sub(r"\x1b\[\d*m", "", _ASIDE.sub("", _NODE.sub(":", text)))
    return shortened(text)


def shortened(text: str) -> str:
    """Return a text on one line, without its full stop, and cut where it is too long."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 3].rpartition(' ')[0] or text[: LONGEST - 3]}..."
        return text
    return text.rstrip(".:")


def _without_stack(text: str) -> str:
    """Return the telling line of a message that holds a stack: the first that is no part of it."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _STACK.match(line)]
    if "in user code:" in text:  # where the error itself stands last, and indented
        lines = [line.strip() for line in text.splitlines() if line.strip()][-1:]
    return lines[0] if lines else "the graph could not be executed"


def name_missed(error: BaseException) -> str | None:
    """Say which name there is not, of a loss, a layer's argument and the like; None where it is not that."""
    text = f"{error}"
    if found := re.search(r"Could not interpret ([a-z ]+?)(?: function)? identifier: (\S+)\s*$", text):
        kind, name = found.groups()
        return f"Keras knows no {kind} '{name}'{_asked(name, _names_of(kind))}"
    if found := re.search(r"Unrecognized keyword arguments passed to (\w+): \{'(\w+)'", text):
        import keras

        layer, name = found.groups()
        known = _arguments(getattr(keras.layers, layer, None))
        return f"{layer} has no argument '{name}'{_asked(name, known)}"
    if found := re.search(r"Trainer\.(\w+)\(\) got an unexpected keyword argument '(\w+)'", text):
        import keras

        method, name = found.groups()
        known = _arguments(getattr(keras.Model, method, None))
        return f"{method}() has no argument '{name}'{_asked(name, known)}"
    return None


def _asked(name: str, known: Iterable[str]) -> str:
    near = [each for each in closest(name, known) if each != name]
    return f" ({suggested(near)})" if near else ""


def _arguments(called: Callable[..., Any] | None) -> list[str]:
    return [] if called is None else [name for name in inspect.signature(called).parameters if name != "self"]


def _names_of(kind: str) -> list[str]:
    import keras

    modules = {
        "activation": keras.activations,
        "loss": keras.losses,
        "metric": keras.metrics,
        "optimizer": keras.optimizers,
        "initializer": keras.initializers,
        "regularizer": keras.regularizers,
        "constraint": keras.constraints,
    }
    names = [name for name in dir(modules.get(kind)) if not name.startswith("_") and name not in _NO_KIND]
    if kind == "optimizer":
        return [name.lower() for name in names]
    return [name for name in names if name.islower()] + _SHORT.get(kind, [])
