"""`studyhall enqueue` at work: a person's own configurations put into a study's queue."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studyhall.search.actions.remarks import remark
from studyhall.search.processes.trainer_process import TrainerProcess
from studyhall.search.session.dry_run import check
from studyhall.search.tuner.script import is_script
from studyhall.studies.errors import DefinitionError
from studyhall.studies.files import explain, similar_beside
from studyhall.studies.one_line import shown
from studyhall.studies.study.opening import existing_study
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.code_files import located
from studyhall.studies.study_file.reference import StudyReference
from studyhall.studies.values import Value


def enqueue_and_show(reference: StudyReference, values: Sequence[str], csv_file: Path | None) -> None:
    """Add a trial for each configuration, and say which trial tries which.

    All of them are built first: nothing is queued unless everything can be.

    Args:
        reference: The study; it must be in the storage.
        values: One configuration, as texts `name=value`; none where there is only the file.
        csv_file: More of them, a row each, under a row of names; an empty cell leaves a hyperparameter to the
            sampler.

    Raises:
        StudyhallError: There is nothing to queue, or the HyperModel cannot build all of it.
    """
    configurations = [*([_pairs(values)] if values else []), *(rows(csv_file) if csv_file else [])]
    if not configurations:
        raise DefinitionError("there is nothing to queue: give NAME=VALUE ..., or --from-csv FILE")
    with existing_study(reference.storage_url, reference.name) as study:
        _enqueue(study, configurations)


def _enqueue(study: Study, configurations: Sequence[Mapping[str, Value]]) -> None:
    if not is_script(study.definition):  # what a script has, only the script can build
        with TrainerProcess() as trainer:
            checked = check(located(study.definition, study.definition.folder), trainer, configurations)
        for number, why in enumerate(checked.misfits, start=1):
            if why is not None:
                which = (
                    f"configuration {number} of {len(configurations)}" if len(configurations) > 1 else "it"
                )
                raise DefinitionError(f"nothing was queued, because {which} cannot be built: {why}")
    for configuration in configurations:
        number = study.enqueue(configuration)
        tried = ", ".join(f"{name}={value}" for name, value in configuration.items())
        sys.stdout.write(f"trial {number} tries {tried}\n")
    counts = study.counts()
    sys.stdout.write(f"{study.name} has {counts.total} trials now, {counts.waiting} of them waiting\n")
    if (why := remark(study, study.name)) is not None:
        sys.stdout.write(f"{why}\n")


def rows(path: Path) -> Iterator[dict[str, Value]]:
    """Yield the configurations of a CSV file.

    Raises:
        DefinitionError: It cannot be read, or a row does not fit its names.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except OSError as error:
        raise DefinitionError(
            f"{shown(path)} cannot be read: {explain(error)} {similar_beside(path)}".rstrip()
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DefinitionError(f"{shown(path)} is not a CSV file in UTF-8: {error}") from error
    names = [name.strip() for name in lines[0]] if lines else []
    if not any(names) or len(set(names)) < len(names) or "" in names:
        raise DefinitionError(f"{shown(path)} must begin with a row of different hyperparameter names")
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(names):
            raise DefinitionError(f"{shown(path)}, row {number}: {len(line)} cells under {len(names)} names")
        yield {name: typed(cell.strip()) for name, cell in zip(names, line, strict=True) if cell.strip()}


def typed(text: str) -> Value:
    """Return what a text says: a truth value, a whole number, a number, or itself.

    Quotation marks around it say that it is text: "3" is no number.
    """
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _pairs(texts: Sequence[str]) -> dict[str, Value]:
    configuration = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise DefinitionError(
                f"{text!r} is not NAME=VALUE: name a hyperparameter and its value, as in learning_rate=0.01"
            )
        configuration[name] = typed(value)
    return configuration
