"""Files that belong to a study by name, such as the figures of its search: each name has one, the newest."""

from collections.abc import Sequence
from pathlib import Path

from studyhall.studies.artifacts.attachments import attach, detach
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.database.attributes import FILES
from studyhall.studies.study.study import Study


def replace_files(study: Study, store: ArtifactStore, files: Sequence[Path]) -> None:
    """Attach files to a study, each in place of the one of its name; what they replace goes last.

    Raises:
        ArtifactError: The store cannot take them.
    """
    before = dict(study.optuna().user_attrs.get(FILES, {}))
    added = {path.name: attach(study.storage, store, path, study_id=study.id).artifact_id for path in files}
    study.optuna().set_user_attr(FILES, before | added)
    for name in added.keys() & before.keys():
        detach(study.storage, store, before[name], study_id=study.id)
