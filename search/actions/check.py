"""`studyhall check` at work: a study file tried out, and what was found in words."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from studyhall.search.core.outcome import Checked
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.session.dry_run import check
from studyhall.studies.algorithms.factory import check_packages
from studyhall.studies.definition import Definition
from studyhall.studies.study_file.loading import load_definition


def check_and_show(file: Path, limit: float | None = None) -> None:
    """Try a study file out, and print what was found.

    Args:
        file: The study's file.
        limit: Seconds that it may take; None for the usual.

    Raises:
        StudyhallError: The study could not be searched as it is.
    """
    definition = load_definition(file)
    check_packages(definition)
    with TrainerProcess() as trainer:
        checked = check(definition, trainer, thorough=True, limit=limit)
    sys.stdout.write("\n".join(in_words(definition, checked, str(file))) + "\n")


def in_words(definition: Definition, checked: Checked, file: str) -> Iterator[str]:
    """Yield the lines that say what a dry run found."""
    facts = checked.facts
    yield f"{definition.name}: the default model trains"
    size = f"{checked.parameters:,} parameters"
    if facts["input"] and facts["output"]:
        size += f", {facts['input']} to {facts['output']}"
    yield f"  model            {definition.hypermodel.path}: {size}"
    yield f"  training data    {definition.data.source}: {facts['train']}"
    yield f"  validation data  {facts['validation'] or 'none'}"
    yield f"  an epoch         {_epoch_in_words(facts)}"
    reported = ", ".join(f"{name}={_value(value)}" for name, value in facts["values"].items())
    yield f"  training reports {reported}"
    for number, metric in enumerate(definition.metrics):
        yield f"  {'objective        ' if number == 0 else '                 '}{metric}, {definition.directions[number]}"
    for number, (rule, left_out) in enumerate(facts["rules"].items()):
        yield f"  {'rules            ' if number == 0 else '                 '}{_rule(rule, left_out)}"
    if facts["loading"] is not None:
        yield f"  loading it       needs more than keras.models.load_model(path): {facts['loading'].in_words()}"
    yield (
        f"  hyperparameters  {len(facts['space'])}"
        if facts["space"]
        else "  hyperparameters  none: every trial is the same"
    )
    width = max(map(len, facts["space"]), default=0)
    for name, values in facts["space"].items():
        # What is not active has no value in the default configuration.
        default = f"; default {checked.hyperparameters[name]}" if name in checked.hyperparameters else ""
        yield f"    {name:<{width}}  {values}{default}"
    for failure in facts["unbuilt"]:
        yield f"  a random configuration cannot be built: {failure}"
    for remark in facts["endless"]:
        yield (
            f"  note             {remark}: if there is none, the first epoch never ends; use data.take(n), or pass steps_per_epoch to "
            "model.fit() in a fit of the HyperModel's own"
        )
    yield f"Nothing was queued. Start with: studyhall search {shlex.quote(file)}"


def _epoch_in_words(facts: dict[str, object]) -> str:
    steps = facts["steps_per_epoch"]
    batches = "as many batches as there are" if steps is None else f"{steps} batches"
    size = f" of {facts['batch_size']}" if facts["batch_size"] else ""
    fits = f", in each of {facts['fits']} fits" if facts["fits"] not in (0, 1) else ""
    return batches + size + fits


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"


def _rule(rule: str, left_out: str | None) -> str:
    return f"{rule} applies" if left_out is None else f"{rule} does not apply: {left_out}"
