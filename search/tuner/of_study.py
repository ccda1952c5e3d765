"""An attribute of KerasTuner's that is the study's."""


class OfStudy(property):
    """A property that is read from the study; what KerasTuner's own classes begin with is ignored."""

    def __set__(self, instance: object, value: object) -> None:
        """Ignore it."""
