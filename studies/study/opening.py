"""The opening of a study: its database, its artifact store, and the study itself, made where they are missing."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.probe import probe
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.address import parse
from studyhall.studies.database.retrying import Patience
from studyhall.studies.database.schema import answered
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactLocationError
from studyhall.studies.files import explain, new_folder
from studyhall.studies.storage.study_storage import StudyStorage, open_storage
from studyhall.studies.study import store_marker
from studyhall.studies.study.earlier_studies import Earlier, best_configurations
from studyhall.studies.study.study import Study
from studyhall.studies.values import Value


def open_study(
    storage_url: str,
    artifacts: str,
    definition: Definition,
    patience: Patience,
    warm: Sequence[Mapping[str, Value]] = (),
    *,
    rebudget: bool = True,
) -> tuple[Study, ArtifactStore]:
    """Open the storage, the artifact store and the study, making what is missing; after an error nothing is left.

    Args:
        storage_url: The database.
        artifacts: The artifact store.
        definition: What the study is, or would be.
        patience: How long to wait for a database that is away.
        warm: Configurations that a study which is created tries after those of its definition.
        rebudget: Whether a study that is there is given the definition's budget.

    Raises:
        StudyhallError: The storage or the artifact store cannot be used, the study is another one or keeps its files
            in another store, or it was created with versions of Studyhall or Optuna that do not go together with these.
    """
    address = parse(storage_url)
    with ExitStack() as made:
        if address.path is not None:
            with answered(address):
                made.enter_context(new_folder(address.path.parent))
        if "://" not in artifacts and not Path(artifacts).is_file():
            try:
                made.enter_context(new_folder(Path(artifacts)))
            except OSError as error:
                raise ArtifactLocationError(
                    f"Cannot make the artifact store {artifacts!r}: {explain(error)}"
                ) from error
        store = open_artifact_store(artifacts, create=True)
        probe(store)
        storage = open_storage(storage_url, create=True, patience=patience)
        study = _create_or_join(storage, store, definition, warm, rebudget=rebudget)
    return study, store


def _create_or_join(
    storage: StudyStorage,
    store: ArtifactStore,
    definition: Definition,
    warm: Sequence[Mapping[str, Value]],
    *,
    rebudget: bool,
) -> Study:
    """Create a study with a marker in its store, or join one whose store this is."""
    name = definition.name
    if store_marker.is_at_home(storage, store, name):
        return Study.create_or_join(storage, definition, warm, rebudget=rebudget)
    left = store_marker.leave(store)
    try:
        study = Study.create_or_join(storage, definition, warm, left, rebudget=rebudget)
    finally:
        store_marker.take_back(storage, store, name, left)  # unless the study was created with it
    store_marker.is_at_home(storage, store, name)  # another process may have created it meanwhile
    return study


def earlier_configurations(definition: Definition, storage_url: str) -> list[list[Earlier]]:
    """Return what the definition's `from_study` names, whether it fits or not.

    Raises:
        StudyhallError: The storage cannot be read, or does not hold one of those studies.
    """
    if not definition.from_study:
        return []
    return best_configurations(open_storage(storage_url, create=False), definition.from_study)
