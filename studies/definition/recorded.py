"""A definition as a study's record has it, read without being validated."""

from collections.abc import Mapping

from studyhall.studies.definition.search_sections import ARTIFACTS
from studyhall.studies.definition.training_sections import SCRIPTS_HYPERMODEL


def is_of_a_script(definition: object) -> bool:
    """Whether a definition's record is that of a Tuner's script, or of what was imported from one."""
    model = definition.get("hypermodel") if isinstance(definition, Mapping) else None
    return isinstance(model, Mapping) and model.get("path") == SCRIPTS_HYPERMODEL


def recorded_artifacts(definition: object) -> str:
    """Return `storage.artifacts` of a definition's record; parsed leniently, as others write records too."""
    storage = definition.get("storage") if isinstance(definition, Mapping) else None
    own = storage.get("artifacts") if isinstance(storage, Mapping) else None
    return own if isinstance(own, str) and own else ARTIFACTS
