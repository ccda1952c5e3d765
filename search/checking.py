"""`studyhall check` at work: a study file tried out, and what was found in words."""

import sys
from collections.abc import Iterator
from pathlib import Path

from studyhall.search.runner import check
from studyhall.search.training.outcome import Checked
from studyhall.search.workers.trainer_process import TrainerProcess
from studyhall.studies.algorithms import check_packages
from studyhall.studies.definition import Definition
from studyhall.studies.definition_file import load_definition


def check_and_show(file: Path) -> None:
    """Try a study file out, and print what was found.

    Raises:
        StudyhallError: the study could not be searched as it is.
    """
    definition = load_definition(file)
    check_packages(definition)
    with TrainerProcess() as trainer:
        checked = check(definition, trainer)
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
    steps = facts["steps_per_epoch"]
    size = f" of {facts['batch_size']}" if facts["batch_size"] else ""
    yield f"  an epoch         {'as many batches as the data set gives' if steps is None else f'{steps} batches'}{size}"
    reported = ", ".join(f"{name}={value:.4g}" for name, value in facts["values"].items())
    yield f"  training reports {reported}"
    for number, metric in enumerate(definition.metrics):
        yield f"  {'objective        ' if number == 0 else '                 '}{metric}, {definition.directions[number]}"
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
    yield f"Nothing was queued. Start with: studyhall search {file}"
