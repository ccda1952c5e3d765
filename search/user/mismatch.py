"""What a model expected and what it was given, where Keras's messages tell of the two."""

import re
from collections.abc import Callable
from re import Match

from studyhall.search.user.given import TO_TRAIN, Given, Part, Shape

_SHAPE = r"(\([\d, None]*\))"
_LAYER = r"Input \d+ with name '.*?' of layer '(?P<layer>.+?)' is incompatible with the layer: "


def mismatch(message: str, given: Given | None) -> str | None:
    """Return what was expected and what came, in one line; None where a message is of something else.

    Args:
        message: Keras's.
        given: The data of the fit; None where none was given yet, as to a model that is being built.
    """
    if given is None:
        return _told(message, _OF_LAYERS, Given("", None))
    return _told(message, _OF_LAYERS + _OF_FITS, given)


def _told(message: str, known: "list[Known]", given: Given) -> str | None:
    for pattern, told in known:
        if found := re.search(pattern, message):
            return told(found, given)
    return None


def _features(found: Match[str], given: Given) -> str:
    axis, size, shape = int(found["axis"]), found["size"], _shape(found["shape"])
    what = f"{size} features" if axis == -1 else f"{size} along axis {axis}"
    return f"layer '{found['layer']}' expects {what}, {_came('x', shape, given)}"


def _dimensions(found: Match[str], given: Given) -> str:
    least = {"min_ndim": "at least ", "max_ndim": "at most "}.get(found["bound"], "")
    shape = None if found["shape"] is None else _shape(found["shape"])
    came = f"and gets {found['got']}" if shape is None else _came("x", shape, given)
    wanted = f"{least}{found['wanted']} dimensions, the batch's included"
    return f"layer '{found['layer']}' expects {wanted}, {came}"


def _of_layer(found: Match[str], given: Given) -> str:
    came = _came("x", _shape(found["shape"]), given)
    return f"layer '{found['layer']}' expects {shown(_shape(found['wanted']))}, {came}"


def _of_model(found: Match[str], given: Given) -> str:
    wanted, shape = _shape(found["wanted"]), _shape(found["shape"])
    line = f"the model expects {shown(wanted)}, {_came('x', shape, given)}"
    if len(shape) + 1 == len(wanted) and "in batches" in line:
        return f"{line}, which are single examples: add .batch(n)"
    return line


def _inputs(found: Match[str], given: Given) -> str:
    names = ", ".join(re.findall(r"'(\w+)'", found["names"] or ""))
    wanted = f"{found['wanted']} inputs" + (f", {names}" if names else "")
    advice = "return them as a dictionary with these names" if names else "return them as a list"
    came = given.gives("x") or f"and gets {found['got']}"
    return f"the model expects {wanted}, {came}: {advice}"


def _missing_input(found: Match[str], given: Given) -> str:
    names = re.findall(r"'([^']+)'", found["wanted"])
    got = re.findall(r"'([^']+)'", found["got"])
    return f"the model expects the inputs {', '.join(names)}, {given.source} gives {', '.join(got)}"


def _targets(found: Match[str], given: Given) -> str:
    target, output = _shape(found["target"]), _shape(found["output"])
    came = given.of_shape("y", target) or f"the targets have {shown(target)}"
    line = f"the model's output is {shown(output)}, {came}"
    if "target.ndim - 1" in found.string:
        return f"{line}, and the loss takes numbers of classes: for one-hot targets take loss='categorical_crossentropy'"
    numbers = given.first(lambda each: each.name == "y" and _kind(each) in "iub")
    if numbers is not None and output and output[-1] not in (None, 1):
        return f"{line}: for numbers of classes take loss='sparse_categorical_crossentropy'"
    if len(target) == len(output) and None not in (target[-1], output[-1]):
        return f"{line}: give the last layer {_units(target[-1])}, or targets of {output[-1]} values"
    return f"{line}: let the last layer's output have the targets' shape"


def _units(count: int | None) -> str:
    return f"{count} unit" if count == 1 else f"{count} units"


def _label(found: Match[str], given: Given) -> str:
    label, outputs = found["label"], found["outputs"]
    return (
        f"the targets of {given.source} hold the class {label}, and the model's output has {outputs} classes, 0 to "
        f"{int(outputs) - 1}: give the last layer a unit for each class"
    )


def _dtype(found: Match[str], given: Given) -> str | None:
    part = given.first(lambda each: _kind(each) in _KINDS)
    if part is None:
        return None
    aim = "" if part.purpose == TO_TRAIN else f" {part.purpose}"
    named = f"as {part.name}{aim}"
    kind, advice = _KINDS[_kind(part)]
    return f"{given.source} gives {kind} {named}, {part.leaf.dtype} {_plain(part.shape)}, and fit takes numbers: {advice}"


_KINDS = {
    "U": (
        "strings",
        "turn them into numbers first, as keras.layers.StringLookup and TextVectorization do, or return a tf.data.Dataset",
    ),
    "O": ("Python objects", "make it an array of one type of numbers, as np.asarray(values, 'float32') does"),
    "M": ("dates", "turn them into numbers first"),
}
_KINDS |= {"S": _KINDS["U"], "m": _KINDS["M"]}


def _kind(part: Part) -> str:
    return str(getattr(part.leaf.dtype, "kind", ""))


def _no_targets(found: Match[str], given: Given) -> str | None:
    if any(each.purpose == TO_TRAIN for each in given.parts("y")):
        return None
    return f"the loss has no targets, {given.gives('x')} alone: return (x, y)"


def _came(name: str, shape: Shape, given: Given) -> str:
    return given.of_shape(name, shape) or f"and gets {shown(shape)}"


def shown(shape: Shape) -> str:
    """Return the shape of a batch, its own size left open, for people: "(?, 28, 28)"."""
    return _plain((None, *shape[1:])) if shape else "()"


def _plain(shape: Shape) -> str:
    sizes = ", ".join("?" if size is None else f"{size}" for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"


def _shape(text: str) -> Shape:
    return tuple(None if size == "None" else int(size) for size in re.findall(r"\d+|None", text))


Known = tuple[str, Callable[[Match[str], Given], str | None]]

_OF_LAYERS: list[Known] = [
    (
        _LAYER
        + rf"expected axis (?P<axis>-?\d+) of input shape to have value (?P<size>\d+), .*?shape (?P<shape>{_SHAPE})",
        _features,
    ),
    (
        _LAYER
        + rf"expected (?P<bound>\w*ndim)=(?P<wanted>\d+), found ndim=(?P<got>\d+)(?:\. Full shape received: (?P<shape>{_SHAPE}))?",
        _dimensions,
    ),
    (_LAYER + rf"expected shape=(?P<wanted>{_SHAPE}), found shape=(?P<shape>{_SHAPE})", _of_layer),
    (
        r"expects (?P<wanted>\d+) (?:named )?input\(s\)(?: with keys (?P<names>\[.*?\]))?, but it received (?P<got>\d+)",
        _inputs,
    ),
]

_OF_FITS: list[Known] = [
    (
        rf"Expected shape (?P<wanted>{_SHAPE}), but input has incompatible shape (?P<shape>{_SHAPE})",
        _of_model,
    ),
    (
        r"Missing data for input .*? keys (?P<got>\[.*?\])\. Expected the following keys: (?P<wanted>\[.*?\])",
        _missing_input,
    ),
    (
        rf"Received: target\.shape=(?P<target>{_SHAPE}), output\.shape=(?P<output>{_SHAPE})",
        _targets,
    ),
    (
        r"label value of (?P<label>-?\d+) which is outside the valid range of \[0, (?P<outputs>\d+)\)",
        _label,
    ),
    (r"Invalid dtype: \S+", _dtype),
    (r"None values not supported|NoneType", _no_targets),
    (
        r"You must call `compile\(\)` before using the model",
        lambda found, given: "the model is not compiled: call model.compile() in build(hp)",
    ),
    (
        r"No loss to compute",
        lambda found, given: "the model is compiled without a loss: give model.compile() one",
    ),
]
