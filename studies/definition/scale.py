"""The scale: a study's budget made small, for a machine that could not afford all of it."""

from typing import Any

from studyhall.studies.definition.definition import Definition
from studyhall.studies.definition.training_sections import BUILT_IN_SOURCES


def scaled(definition: Definition) -> Definition:
    """Multiply the budget of a definition by its `scale`, once, when it is read.

    The budget is trials, epochs (of trials and of the retraining) and mixtures (of an epoch and of the
    validation), each rounded to a whole number, and so is the first rung of a scheduler. Each is at least 1;
    mixtures fill a batch, trials are at least the defaults and what is enqueued, and one rung at least is
    left. All else stays: network, batches, sampler, pruner, patience. Data
    of a person's own keep their size.

    Returns:
        The definition with the numbers that will be run; its `scale` says what they were multiplied by.
    """
    share, training, retraining = definition.scale, definition.training, definition.retraining
    if share == 1.0:
        return definition
    asked = 1 + len(definition.enqueue)
    scheduler, below = definition.scheduler, 0
    if scheduler.pauses:
        below = _part(scheduler.min_epochs, share)
        scheduler = _updated(scheduler, min_epochs=below)
    update: dict[str, Any] = {
        "search": _updated(definition.search, trials=_part(definition.search.trials, share, asked)),
        "training": _updated(training, epochs=_part(training.epochs, share, below + 1)),
        "scheduler": scheduler,
    }
    longer: dict[str, Any] = {"epochs": _part(retraining.epochs, share)}
    if retraining.samples_per_epoch is not None:
        batch = retraining.batch_size or training.batch_size
        longer["samples_per_epoch"] = _part(retraining.samples_per_epoch, share, batch)
    update["retraining"] = _updated(retraining, **longer)
    if definition.data.source in BUILT_IN_SOURCES:
        update["data"] = _updated(
            definition.data,
            samples_per_epoch=_part(definition.data.samples_per_epoch, share, training.batch_size),
            validation_samples=_part(definition.data.validation_samples, share, training.batch_size),
        )
    return definition.model_copy(update=update)


def _part(number: int, share: float, least: int = 1) -> int:
    """Return a share of a number, never below `least`, and never above the number itself."""
    return min(number, max(least, round(number * share)))


def _updated(section: Any, **values: int) -> Any:
    return section.model_copy(update=values)
