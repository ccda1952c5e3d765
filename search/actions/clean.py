"""`studyhall clean` at work: shows what a study no longer needs, and removes it when told to."""

import shlex
import sys
from collections.abc import Sequence

import click

from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.artifacts.store import ArtifactStore
from studyhall.studies.retention.cleaning import Cleaning, Kind, Rubbish
from studyhall.studies.study.opening import existing_study
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.reference import StudyReference


def clean_and_show(reference: StudyReference, *, yes: bool, older_than: float, unnamed: bool) -> None:
    """Show what can go, with its size and why, and remove it.

    Args:
        reference: The study.
        yes: Do not ask. Otherwise it asks on a terminal, and elsewhere removes nothing.
        older_than: Seconds after which what no record names can go.
        unnamed: Whether what no study of the storage names can go, too.

    Raises:
        StudyhallError: The study or the artifact store is missing, or cannot be used.
    """
    with existing_study(reference.storage_url, reference.name) as study:
        definition = reference.definition or study.definition
        store = open_artifact_store(
            reference.store_location(study.definition.storage.artifacts), create=False
        )
        cleaning = Cleaning(study, store, keep_models=definition.search.keep_models, old_seconds=older_than)
        _clean(cleaning, study, store, yes=yes, unnamed=unnamed)


def _clean(cleaning: Cleaning, study: Study, store: ArtifactStore, *, yes: bool, unnamed: bool) -> None:
    found = cleaning.find()
    can_go = [each for each in found if unnamed or each.kind is not Kind.UNNAMED]
    others = [each for each in found if each not in can_go]
    _show(can_go)
    if can_go:
        click.echo(f"{_total(can_go)} of {study.name} can be removed from {store}.")
    else:
        click.echo(f"{study.name} needs all that it has in {store}.")
    if others:
        click.echo(
            f"Besides, no study of {study.storage.address.shown} names {_total(others)} there; if no other storage uses this "
            "artifact store, --unnamed shows and removes them, too."
        )
    if not can_go:
        return
    if not yes and not (sys.stdin.isatty() and sys.stdout.isatty()):
        options = " --unnamed" if unnamed else ""
        click.echo(
            f"Nothing was removed. Remove them with: studyhall clean {shlex.quote(study.name)}{options} --yes"
        )
        return
    if yes or click.confirm("Remove them?"):
        click.echo(f"Removed {_total(cleaning.remove(can_go))}.")
    else:
        click.echo("Nothing was removed.")


def _show(found: Sequence[Rubbish]) -> None:
    for each in sorted(found, key=lambda one: (list(Kind).index(one.kind), one.name)):
        click.echo(f"{in_bytes(each.size):>9}  {each.name}  {each.kind}")


def _total(found: Sequence[Rubbish]) -> str:
    files = "1 file" if len(found) == 1 else f"{len(found):,} files"
    return f"{files} ({in_bytes(sum(each.size for each in found))})"


def in_bytes(size: int) -> str:
    """Return a size for people: 512 B, 3.1 MB, in powers of a thousand."""
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.3g} {units[0]}"
