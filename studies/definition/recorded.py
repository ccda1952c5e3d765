"""A definition as a study's record has it, read without being validated."""

from collections.abc import Mapping

from studyhall.studies.definition.search_sections import ARTIFACTS


def recorded_artifacts(definition: object) -> str:
    """Return `storage.artifacts` of a definition's record; parsed leniently, as others write records too."""
    storage = definition.get("storage") if isinstance(definition, Mapping) else None
    own = storage.get("artifacts") if isinstance(storage, Mapping) else None
    return own if isinstance(own, str) and own else ARTIFACTS
