"""Figures as a person asks for them, of a study or of a bundle's folder, with a line for each file."""

import os
import tempfile
from pathlib import Path
from typing import Self

from pydantic import ValidationError
from rich.console import Console

from studyhall.search.figures.for_bundle import draw_bundle_figures, draw_history
from studyhall.search.figures.for_study import draw_search_figures
from studyhall.search.figures.pairs import PAIRS
from studyhall.search.scoring.quiet import quiet_native_output
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import fetch, published
from studyhall.studies.bundle.manifest import MANIFEST, Manifest, load_manifest, verify
from studyhall.studies.database.attributes import HISTORY
from studyhall.studies.definition import Definition
from studyhall.studies.errors import ArtifactError, ArtifactLocationError, BundleError
from studyhall.studies.one_line import shown
from studyhall.studies.study.opening import existing_study
from studyhall.studies.study.study import Study, best_trial
from studyhall.studies.study_file.reference import StudyReference, resolve_study


def draw_and_show(
    text: str, to: Path | None, storage: str | None, artifacts: str | None, *, pairs: int = PAIRS
) -> list[Path]:
    """Draw all figures of a study or a bundle, print what was written, and return it.

    Args:
        text: A bundle's folder, a study file, or a study's name.
        to: The folder for the pictures; `figures/NAME` by default.
        storage, artifacts: As `resolve_study` takes them.
        pairs: How many test mixtures to separate.

    Raises:
        StudyhallError: There is no such study or bundle, or the pictures cannot be written.
    """
    if to is not None and os.path.exists(to / MANIFEST):
        raise ArtifactLocationError(
            f"{shown(to)} is a bundle, whose files stay as published. Choose another --to."
        )
    out = Console()
    with quiet_native_output() as errors, _Status(errors, out) as status:
        if os.path.exists(os.path.join(text, MANIFEST)) or (os.path.isdir(text) and os.sep in text):
            files = _of_bundle(Path(text), to, pairs, status)
        else:
            files = _of_study(resolve_study(text, storage, artifacts, existing=True), to, pairs, status)
    for line in (*map(shown, files), *status.skipped):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    return files


class _Status:
    """Says what is being drawn, on a terminal, and keeps what was left out."""

    def __init__(self, errors: Console, out: Console) -> None:
        self._spinner = errors.status("reading")
        self._visible = errors.is_terminal
        self.skipped: list[str] = []

    def __enter__(self) -> Self:
        if self._visible:
            self._spinner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._spinner.stop()

    def now(self, what: str) -> None:
        """Say what is being done."""
        self._spinner.update(what)

    def skip(self, line: str) -> None:
        """Remember what was left out."""
        self.skipped.append(line)


def _of_bundle(folder: Path, to: Path | None, pairs: int, status: _Status) -> list[Path]:
    manifest = verify(folder)
    status.now("separating test mixtures")
    return _draw_bundle(folder, manifest, to or _default_folder(manifest.study), pairs, status)


def _of_study(reference: StudyReference, to: Path | None, pairs: int, status: _Status) -> list[Path]:
    with existing_study(reference.storage_url, reference.name) as study:
        return _of_open_study(study, reference, to, pairs, status)


def _of_open_study(
    study: Study, reference: StudyReference, to: Path | None, pairs: int, status: _Status
) -> list[Path]:
    objective = study.definition.objective
    to = to or _default_folder(study.name)
    status.now("drawing the search")
    files = draw_search_figures(
        study.optuna(),
        objective.metric,
        objective.direction,
        to,
        rungs=study.definition.scheduler.rungs(study.definition.training.epochs),
        on_skip=status.skip,
    )
    record = published(study.storage, study.id)
    if record is None:
        return files + _of_best_trial(study, to, status)
    location = reference.store_location(study.definition.storage.artifacts)
    with tempfile.TemporaryDirectory(prefix="studyhall-") as scratch:
        try:
            status.now("fetching the published model")
            folder = fetch(record, open_artifact_store(location, create=False), Path(scratch) / "bundle")
        except (ArtifactError, BundleError) as error:
            status.skip(f"history and separations are left out: {error}")
            return files
        status.now("separating test mixtures")
        return files + _draw_bundle(folder, load_manifest(folder), to, pairs, status)


def _of_best_trial(study: Study, to: Path, status: _Status) -> list[Path]:
    best = best_trial(study)
    history = best.user_attrs.get(HISTORY) if best is not None else None
    remedy = f"publish its best trial so far with: studyhall retrain {study.name}"
    if best is None or not isinstance(history, dict):
        status.skip(f"history and separations are left out: '{study.name}' has no trained model yet")
        return []
    status.skip(f"separations is left out: '{study.name}' has published nothing yet; {remedy}")
    label = f"{study.name}: trial {best.number}, the best so far"
    return draw_history(history, study.definition, to, label=label, on_skip=status.skip)


def _draw_bundle(folder: Path, manifest: Manifest, to: Path, pairs: int, status: _Status) -> list[Path]:
    try:
        definition = Definition.model_validate(manifest.definition)
    except ValidationError as error:
        raise BundleError(
            f"The bundle of '{manifest.study}' was published by another version of Studyhall. "
            f"Publish it again with: studyhall retrain {manifest.study}"
        ) from error
    model = "retrained from" if manifest.source == "retrained" else "the model of"
    label = f"{manifest.study}: {model} trial {manifest.trial}"
    return draw_bundle_figures(folder, definition, to, label=label, pairs=pairs, on_skip=status.skip)


def _default_folder(name: str) -> Path:
    return Path("figures") / name
