"""What a study's page says of its published bundle: the model, its files to download, its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studyhall.search.server.api.answers import file_url
from studyhall.search.server.bundles import PublishedBundle, read_bundle
from studyhall.search.server.served import Served
from studyhall.studies.bundle.manifest import HISTORY, MANIFEST, MODEL, FileEntry, Manifest
from studyhall.studies.errors import StudyhallError

_PICTURE_TYPES = (".png", ".svg")
_CAPTIONS = {
    "history": "Training history of the published model",
    "separations": "What the published model makes of test mixtures",
    "predictions": "What the published model makes of test mixtures",
}


@dataclass(frozen=True)
class Picture:
    """A figure of the bundle."""

    url: str
    caption: str


@dataclass(frozen=True)
class File:
    """A file of the bundle, to be downloaded."""

    name: str
    url: str
    size: int  # bytes
    sha256: str
    main: bool  # whether it is what most people come for


@dataclass(frozen=True)
class Published:
    """The published bundle; `problem` says why its files cannot be had, where they cannot."""

    files: Sequence[File] = ()
    pictures: Sequence[Picture] = ()
    manifest: Manifest | None = None
    problem: str | None = None

    @property
    def test_score(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the joint error on the test split, where the manifest has them."""
        test = self.manifest.metrics.get("test") if self.manifest else None
        joint = test.get("joint") if isinstance(test, Mapping) else None
        if not isinstance(joint, Mapping):
            return None
        mean, std = joint.get("mean"), joint.get("std")
        if isinstance(mean, int | float) and isinstance(std, int | float):
            return float(mean), float(std)
        return None


def published_of(served: Served, name: str) -> Published:
    """Put together what a page says of the bundle that a study has published.

    Files that cannot be had are no error.
    """
    try:
        return _published(*read_bundle(served, name))
    except StudyhallError as error:
        return Published(problem=str(error))


def _published(bundle: PublishedBundle, manifest: Manifest) -> Published:
    study, files = bundle.record.study, bundle.record.files
    names = [MODEL, HISTORY, MANIFEST]
    names += [name for name in files if name not in names]
    pictures = {}
    for name in files:
        stem, dot, kind = name.rpartition(".")
        if dot + kind in _PICTURE_TYPES and (stem not in pictures or kind == "png"):
            pictures[stem] = Picture(
                file_url(study, name), _CAPTIONS.get(stem, stem.replace("-", " ").replace("_", " "))
            )
    order = {"separations": 0, "predictions": 0, "history": 1}
    return Published(
        files=[_file(study, name, bundle.file(name)) for name in names],
        pictures=[pictures[stem] for stem in sorted(pictures, key=lambda stem: order.get(stem, 2))],
        manifest=manifest,
    )


def _file(study: str, name: str, entry: FileEntry) -> File:
    return File(name, file_url(study, name), entry.size, entry.sha256, main=name == MODEL)
