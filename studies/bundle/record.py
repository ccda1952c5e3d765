"""The bundle's record: the study's user attribute that makes a bundle the published one."""

import shlex
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from studyhall.studies.bundle.manifest import FileEntry, Files, first_problem
from studyhall.studies.database.attributes import BUNDLE
from studyhall.studies.definition.recorded import is_of_a_script
from studyhall.studies.errors import BundleError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


class BundleRecord(BaseModel):
    """What the storage holds of a published bundle: enough to find every file and to check the manifest."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    study: str
    created: AwareDatetime
    value: float | None
    """The metric `validation` of the manifest, where that is a number."""
    source: str
    trial: int
    manifest: FileEntry
    files: Files
    """Every other file, by name, as the manifest lists them."""

    @property
    def artifact_ids(self) -> frozenset[str]:
        """The ids of all files, the manifest's included."""
        return frozenset({self.manifest.artifact_id, *(entry.artifact_id for entry in self.files.values())})


def read_record(content: object) -> BundleRecord:
    """Read the record from what the storage holds under the attribute.

    Raises:
        BundleError: It is damaged.
    """
    try:
        return BundleRecord.model_validate(content)
    except ValidationError as error:
        raise BundleError(
            f"The record of the published bundle is damaged ({first_problem(error)}). "
            "Publish it again with: studyhall retrain STUDY"
        ) from error


def published(storage: "BaseStorage", study_id: int) -> BundleRecord | None:
    """Return the record of a study's published bundle; None where there is none.

    Raises:
        BundleError: The record is damaged.
    """
    content = storage.get_study_user_attrs(study_id).get(BUNDLE)
    return None if content is None else read_record(content)


def nothing_published(name: str, definition: object) -> str:
    """Return what is said of a study without a bundle.

    Args:
        name: The study's name.
        definition: Its definition's record; None for a study that another program made.
    """
    quoted = shlex.quote(name)
    if definition is None:
        return (
            f"'{name}' was made by plain Optuna, and only Studyhall's studies have models to fetch; its best trial is "
            f"shown by: studyhall status {quoted}"
        )
    if is_of_a_script(definition):
        return (
            f"'{name}' belongs to a script with a Tuner, which publishes nothing: have the script save what "
            f"tuner.get_best_models()[0] returns. Its best trial is shown by: studyhall status {quoted}"
        )
    return (
        f"'{name}' has published nothing yet. Finish it with: studyhall search {quoted}, "
        f"or publish its best trial so far with: studyhall retrain {quoted}"
    )
