"""The best configurations of earlier studies, which a new one can begin with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState

from studyhall.studies.database.attributes import HYPERPARAMETERS
from studyhall.studies.database.study_rows import study_names
from studyhall.studies.definition.search_sections import FromStudySpec
from studyhall.studies.status.catalogue import not_found
from studyhall.studies.storage.best_so_far import result_of
from studyhall.studies.storage.study_storage import StudyStorage
from studyhall.studies.values import Value


@dataclass(frozen=True)
class Earlier:
    """A configuration that did well in an earlier study."""

    study: str
    number: int
    values: dict[str, Value]


def best_configurations(storage: StudyStorage, asked: Sequence[FromStudySpec]) -> list[list[Earlier]]:
    """Return the configurations of each earlier study that was asked for, the best first, each of them once.

    A trial that was pruned ranks by the best that it had reached. All of them, because not all need fit.

    Raises:
        StudyNotFoundError: The storage does not hold one of them.
    """
    return [list(_of(storage, each.study)) for each in asked]


def _of(storage: StudyStorage, name: str) -> Iterator[Earlier]:
    names = storage.read(study_names)
    if name not in names:
        raise not_found(name, names, storage.address.shown)
    with storage.explained():
        study = optuna.Study(name, storage)
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        direction = study.directions[0]
    sign = -1 if direction is StudyDirection.MAXIMIZE else 1
    results = [(each, value) for each in trials if (value := result_of(each, direction)) is not None]
    seen: list[Any] = []
    for trial, _ in sorted(results, key=lambda pair: (sign * pair[1], pair[0].number)):
        values = trial.user_attrs.get(HYPERPARAMETERS)
        if values and values not in seen:
            seen.append(values)
            yield Earlier(name, trial.number, values)


def fitting(
    found: Sequence[Sequence[Earlier]], misfits: Sequence[str | None], asked: Sequence[FromStudySpec]
) -> list[Earlier]:
    """Return of each earlier study as many as were asked for, of those that fit; each configuration once.

    Args:
        found: What `best_configurations` returned.
        misfits: Why each of them, in their order, does not fit; None for those that do.
        asked: What `best_configurations` was given.
    """
    reasons = iter(misfits)
    chosen: list[Earlier] = []
    for each, spec in zip(found, asked, strict=True):
        fit = [earlier for earlier in each if next(reasons) is None]
        fresh = [earlier for earlier in fit if earlier.values not in [other.values for other in chosen]]
        chosen += fresh[: spec.trials]
    return chosen
