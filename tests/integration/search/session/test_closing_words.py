"""What commands say last can be pasted and does what it says; and `status` says what the documents
promise.
"""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from studyhall.search.commands.group import cli
from studyhall.search.session.session import farewell
from studyhall.search.session.workplace import Workplace
from studyhall.search.views.status import show_status
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.queue.workers import WorkerSeen
from studyhall.studies.status.silent_trials import SilentTrial


def advised(text: str, verb: str) -> list[str]:
    """The arguments of the command with that verb in a text."""
    (line,) = [line for line in text.splitlines() if f"studyhall {verb}" in line]
    return shlex.split(line.partition("studyhall ")[2])


def run(arguments: list[str]) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_the_commands_after_a_search_name_its_artifact_store_where_they_would_not_find_it(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = site.study()
    site.store = open_artifact_store("other store", create=True)
    site.publish(study)
    said = farewell(Workplace(study, site.store, site.url, "other store"))
    fetch = advised(said, "fetch")
    assert run(fetch).exit_code == 0
    assert (tmp_path / "best" / "bss" / "model.keras").read_bytes() == b"weights"
    assert advised(said, "serve")[-2:] == ["--artifacts", "other store"]
    at = fetch.index("--artifacts")
    without = [*fetch[:at], *fetch[at + 2 :], "--force"]
    assert "If it was published into another store, name that with --artifacts" in str(run(without).exception)
    (tmp_path / "artifacts").rmdir()
    assert "Name the study's own with --artifacts" in str(run(without).exception)


@pytest.mark.parametrize("artifacts", ["{folder}/artifacts", "artifacts"])
def test_the_commands_after_a_search_leave_out_a_store_that_is_found_without(
    artifacts: str, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = site.study()
    site.publish(study)
    said = farewell(Workplace(study, site.store, site.url, artifacts.format(folder=tmp_path)))
    assert "--artifacts" not in said
    assert run(advised(said, "fetch")).exit_code == 0


def test_status_counts_running_trials_whose_worker_is_gone(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.study()
    entry = site.catalogue.summary("bss")
    show_status([entry], site.url, as_json=False)
    assert "lost" not in capsys.readouterr().out
    show_status([replace(entry, expired=2)], site.url, as_json=False)
    assert (
        "2 running trials of bss have lost their workers: no worker is there to put them back into the queue; "
        "start one with: studyhall worker bss\n" in capsys.readouterr().out
    )


def test_status_says_whose_worker_is_gone_and_when_its_trial_comes_back(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    site.study()
    entry = site.catalogue.summary("bss")
    silent = [SilentTrial(3, "here-7-f00", 41.0, 19.0), SilentTrial(4, "there-8-ba5", 95.0, -35.0)]
    alive = WorkerSeen("me", "here", 1, "CPU", 9.0, 1.0, None, None, None)
    show_status([replace(entry, expired=1, silent=silent, workers=[alive])], site.url, as_json=False)
    shown = capsys.readouterr().out
    assert (
        "trial 3 of bss: here-7-f00 has been silent for 41 s; it goes back into the queue in 19 s, "
        "unless that worker reports again\n"
        "trial 4 of bss: there-8-ba5 has been silent for 95 s; the next worker that looks for a trial puts it "
        "back into the queue\n"
    ) in shown
    assert "lost" not in shown
