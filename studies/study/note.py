"""A study's note, kept up to date with its definition, its best trial and its published bundle."""

from optuna.trial import FrozenTrial
from sqlalchemy import Connection

from studyhall.studies.artifacts.attachments import attached
from studyhall.studies.bundle.record import BundleRecord, published
from studyhall.studies.database import study_rows
from studyhall.studies.database.attributes import HYPERPARAMETERS, PARAMETER_COUNT, PREDICTIONS, PRUNED_AFTER
from studyhall.studies.errors import BundleError
from studyhall.studies.status import queries
from studyhall.studies.study import note_rows
from studyhall.studies.study.note_text import NotedTrial, note_text
from studyhall.studies.study.study import Study, best_trial


def refresh_note(study: Study) -> bool:
    """Rewrite the study's note in optuna-dashboard; False where people keep it for themselves.

    Of several processes that do so at a time, the one that knows the best trial has the last word.

    Raises:
        StorageError: The database fails.
    """
    best = best_trial(study)
    text = note_text(study.definition, study.id, None if best is None else _noted(best), _published(study))

    def work(connection: Connection) -> bool:
        study_rows.lock(connection, study.id)
        now = queries.best(connection, study.id, study.definition.objective.direction)
        if (None if now is None else now.number) != (None if best is None else best.number):
            return True  # the one that completed that trial writes what is right, or has done so
        return note_rows.rewrite(connection, study.id, text)

    return study.storage.transact(work)


def _noted(best: FrozenTrial) -> NotedTrial:
    return NotedTrial(
        best._trial_id,
        best.number,
        best.values,
        best.user_attrs.get(HYPERPARAMETERS, {}),
        best.user_attrs.get(PARAMETER_COUNT),
        attached(best.system_attrs).get(PREDICTIONS),
        best.user_attrs.get(PRUNED_AFTER),
    )


def _published(study: Study) -> BundleRecord | None:
    try:
        return published(study.storage, study.id)
    except BundleError:  # a damaged record is for those to complain of who fetch
        return None
