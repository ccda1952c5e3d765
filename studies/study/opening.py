"""The opening of a study, its database and its artifact store, each made where it is missing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.probe import probe
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.address import parse
from studyhall.studies.database.retrying import Patience
from studyhall.studies.database.schema import optuna_explained
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactLocationError
from studyhall.studies.files import explain, new_folder
from studyhall.studies.status.catalogue import Catalogue
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
    empty: bool = False,
) -> tuple[Study, ArtifactStore]:
    """Open the storage, the artifact store and the study, and make what is missing; an error leaves nothing.

    Args:
        storage_url: The database.
        artifacts: The artifact store.
        definition: What the study is, or would be.
        patience: How long to wait for a database that is away.
        warm: Configurations that a study which is created tries after those of its definition.
        rebudget: Whether a study that is there is given the definition's budget.
        empty: Whether a study that is created has no trials.

    Raises:
        StudyhallError: The storage or the artifact store cannot be used, the study is another one or keeps
            its files in another store, or it was created with versions of Studyhall or Optuna that do not go
            together with these.
    """
    address = parse(storage_url)
    with ExitStack() as made:
        if address.path is not None:
            with optuna_explained(address):
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
        study = _create_or_join(storage, store, definition, warm, rebudget=rebudget, empty=empty)
    return study, store


def _create_or_join(
    storage: StudyStorage,
    store: ArtifactStore,
    definition: Definition,
    warm: Sequence[Mapping[str, Value]],
    *,
    rebudget: bool,
    empty: bool,
) -> Study:
    """Create a study with a marker in its store, or join one whose store this is."""
    name = definition.name
    if store_marker.is_at_home(storage, store, name):
        return Study.create_or_join(storage, definition, warm, rebudget=rebudget)
    left = store_marker.leave(store)
    try:
        study = Study.create_or_join(storage, definition, warm, left, rebudget=rebudget, empty=empty)
    finally:
        store_marker.take_back(storage, store, name, left)  # unless the study was created with it
    store_marker.is_at_home(storage, store, name)  # another process may have created it meanwhile
    return study


@contextmanager
def existing_study(storage_url: str, name: str, patience: Patience | None = None) -> Iterator[Study]:
    """Open a study that the storage holds, until the end of the block.

    Args:
        storage_url: The database.
        name: The study's name.
        patience: How long to wait for a database that is away; None does not wait.

    Raises:
        StudyNotFoundError: The storage holds no study of that name.
        StudyConflictError: It does, but Studyhall did not make it.
        StorageError: The storage cannot be opened, or is missing.
    """
    with closing(open_storage(storage_url, create=False, patience=patience)) as storage:
        yield Study.open(storage, name)


def study_exists(storage_url: str, name: str, patience: Patience) -> bool:
    """Whether a storage holds a study of that name; one that is missing holds none, and is not created.

    Raises:
        StorageError: The storage cannot be read, or is away for longer than `patience`.
    """
    path = parse(storage_url).path
    if path is not None and not path.exists():
        return False
    with Catalogue(storage_url) as catalogue:
        return catalogue.holds(name, patience)


def earlier_configurations(definition: Definition, storage_url: str) -> list[list[Earlier]]:
    """Return what the definition's `from_study` names, whether it fits or not.

    Raises:
        StudyhallError: The storage cannot be read, or does not hold one of those studies.
    """
    if not definition.from_study:
        return []
    with closing(open_storage(storage_url, create=False)) as storage:
        return best_configurations(storage, definition.from_study)
