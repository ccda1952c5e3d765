"""What the server says to programs: the API, the metrics, and whether it is well."""

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from studyhall.studies.definition import Definition
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.status.report import Report, report
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study


def busy(site: Any) -> Study:
    """A study of six trials: complete, pruned, two failed, running, waiting."""
    study: Study = site.study(trials=6)
    study.results.complete(site.claim(study, (0.5, 0.25), hyperparameters={"filters": 8}, device="cpu"), 0.25)
    study.results.prune(site.claim(study, (0.9,)))
    study.results.fail(site.claim(study), "oom", "the device ran out of memory")
    study.optuna().tell(site.claim(study), state=optuna.trial.TrialState.FAIL)  # as in the dashboard
    study.workers.register("w1", host="node", pid=7, device="gpu:0 H200")
    trial = site.claim(study, (0.8, 0.3, 0.4), worker="w1", hyperparameters={"filters": 16})
    study.trials.renew(study.trials.lease_of(trial), epoch=3, images_per_second=1000.0)
    return study


def test_report_says_how_a_study_stands_and_what_runs(site: Any) -> None:
    busy(site)
    report = site.ask("/api/studies/bss").json()
    assert report["phase"] == "running"
    assert (report["metric"], report["direction"]) == ("val_loss", "minimize")
    assert report["counts"] == {
        "waiting": 1,
        "paused": 0,
        "running": 1,
        "complete": 1,
        "pruned": 1,
        "failed": 2,
        "total": 6,
    }
    assert report["best"] == {
        "number": 0,
        "value": 0.25,
        "hyperparameters": {"filters": 8},
        "pruned_after": None,
    }
    assert report["failures"] == {"oom": 1, "unknown": 1}
    assert report["epochs"] == 6
    (running,) = report["running"]
    assert (running["number"], running["epoch"], running["epochs"]) == (4, 3, 5)
    assert (running["value"], running["best_value"]) == (0.4, 0.3)
    assert (running["worker"], running["device"], running["images_per_second"]) == ("w1", "gpu:0 H200", 1000)
    assert running["hyperparameters"] == {"filters": 16}
    (worker,) = report["workers"]
    assert (worker["host"], worker["pid"], worker["trial"], worker["epoch"]) == ("node", 7, 4, 3)
    assert report["time_left"]["basis"].startswith("the last 4 trials took")
    assert report["throughput"]["trials"] == 4
    assert datetime.fromisoformat(report["at"]).tzinfo is not None
    assert site.ask("/api/studies/bss/workers").json() == {"study": "bss", "workers": [worker]}


def test_overview_has_every_study(site: Any) -> None:
    busy(site)
    site.study("another")
    overview = site.ask("/api/overview").json()
    assert [(each["name"], each["phase"], each["url"]) for each in overview["studies"]] == [
        ("bss", "running", "/studies/bss"),
        ("another", "idle", "/studies/another"),
    ]


def test_trials_come_in_pages(site: Any) -> None:
    busy(site)
    page = site.ask("/api/studies/bss/trials?limit=2&offset=1").json()
    assert (page["total"], page["offset"], page["limit"]) == (6, 1, 2)
    assert [(each["number"], each["state"]) for each in page["trials"]] == [(1, "PRUNED"), (2, "FAIL")]
    assert (page["trials"][0]["values"], page["trials"][0]["pruned_after"]) == ([0.9], 1)
    assert (page["trials"][1]["failure"], page["trials"][1]["reason"]) == (
        "oom",
        "the device ran out of memory",
    )
    newest = site.ask("/api/studies/bss/trials?order=newest&state=COMPLETE&state=PRUNED").json()
    assert [each["number"] for each in newest["trials"]] == [1, 0]
    assert newest["trials"][1] | {"started": None, "ended": None} == {
        "number": 0,
        "state": "COMPLETE",
        "values": [0.25],
        "started": None,
        "ended": None,
        "epochs": 2,
        "seconds": None,
        "device": "cpu",
        "parameters": None,
        "hyperparameters": {"filters": 8},
        "failure": None,
        "reason": None,
        "pruned_after": None,
    }
    assert site.ask("/api/studies/bss/trials?limit=501").status_code == 422


def test_study_that_is_not_there_is_answered_with_the_remedy(site: Any) -> None:
    site.study()
    for path in ("", "/trials", "/workers", "/best"):
        answer = site.ask(f"/api/studies/nothing{path}")
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith("No study 'nothing' in sqlite://")
        assert "It holds: bss." in answer.json()["detail"]


def test_studies_by_their_numbers_are_the_dashboards(site: Any) -> None:
    study = site.study()
    theirs = site.ask(f"/api/studies/{study.id}").json()
    assert theirs["name"] == "bss"
    assert "trials" in theirs
    assert "phase" in site.ask("/api/studies/bss").json()


def test_server_of_one_study_knows_no_other(site: Any) -> None:
    site.study()
    site.study("secret")
    site.serve(study="bss")
    assert [each["name"] for each in site.ask("/api/overview").json()["studies"]] == ["bss"]
    for path in ("/api/studies/secret", "/api/studies/secret/trials", "/studies/secret/best/model.keras"):
        assert site.ask(path).status_code == 404
    assert 'study="secret"' not in site.ask("/metrics").text


def test_study_of_another_program_is_shown_as_far_as_it_is_known(site: Any) -> None:
    study = optuna.create_study(
        storage=site.storage, study_name="their own: 50% {x}", direction="maximize", sampler=RandomSampler()
    )
    study.optimize(lambda trial: [math.inf, trial.suggest_float("x", 0, 1)][trial.number], n_trials=2)
    trial = study.ask()
    trial.report(math.nan, 1)
    trial.report(-math.inf, 2)
    for key, value in {"hyperparameters": 5, "failure": ["?"], "device": 1, "seconds": "long"}.items():
        trial.set_user_attr(key, value)
    study.set_user_attr("studyhall:definition", ["not", {"a": "definition"}])
    failed = study.ask()
    failed.set_user_attr("failure", ["?"])
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    report = site.ask("/api/studies/their%20own%3A%2050%25%20%7Bx%7D")
    assert report.status_code == 200
    assert (report.json()["best"]["number"], report.json()["best"]["value"]) == (0, None)
    assert report.json()["running"][0]["best_value"] is None
    assert report.json()["metric"] is None
    assert report.json()["failures"] == {"['?']": 1}
    assert site.ask(report.json()["url"]).status_code == 200
    assert site.ask(report.json()["url"].replace("/studies", "/api/studies") + "/trials").status_code == 200
    assert site.ask("/metrics").status_code == 200
    assert site.ask("/readyz").status_code == 200


@pytest.mark.parametrize("name", ["a/b c", "x?y#z", "ü [1]", "100%", "%2F", "..", "n" * 300])
def test_whatever_name_a_study_of_plain_optuna_has_its_page_and_its_report_are_found(
    site: Any, name: str
) -> None:
    optuna.create_study(storage=site.storage, study_name=name)
    (url,) = [each["url"] for each in site.ask("/api/overview").json()["studies"]]
    assert site.ask(f"/api{url}").json()["name"] == name
    page = site.ask(url)
    assert page.status_code == 200
    assert f'href="/api{url}"' in page.text


def test_database_that_is_away_is_one_line_and_no_traceback(site: Any) -> None:
    site.study()
    with closing(sqlite3.connect(site.folder / "studies.db")) as connection:
        connection.execute("ALTER TABLE studies RENAME TO gone")
    for path in ("/api/overview", "/api/studies/bss", "/api/studies/bss/trials", "/api/studies/bss/best"):
        answer = site.ask(path)
        assert answer.status_code == 503
        assert len(answer.json()["detail"].splitlines()) == 1
    for path in (
        "/metrics",
        "/studies/bss",
        "/studies",
        "/studies/bss/live",
        "/studies/bss/best/model.keras",
    ):
        assert site.ask(path, Accept="text/html").status_code == 503
    assert site.ask("/healthz").json() == {"status": "ok"}
    assert site.ask("/readyz").json() == {
        "status": "unavailable",
        "database": "unavailable",
        "artifacts": "unknown",
    }


def test_server_is_ready_as_long_as_database_and_artifact_store_are_there(site: Any) -> None:
    site.study()
    assert site.ask("/readyz").json() == {"status": "ok", "database": "ok", "artifacts": "ok"}
    (site.folder / "artifacts").rename(site.folder / "elsewhere")
    site.later()
    answer = site.ask("/readyz")
    assert (answer.status_code, answer.json()["artifacts"]) == (503, "unavailable")
    assert str(site.folder) not in answer.text
    (site.folder / "studies.db").rename(site.folder / "away.db")
    site.later()
    assert site.ask("/readyz").json()["database"] == "unavailable"
    assert site.ask("/healthz").status_code == 200


@contextmanager
def statements(catalogue: Catalogue) -> Iterator[list[str]]:
    """What is asked of the database inside the block."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        seen.append(statement)

    event.listen(catalogue._engine, "before_cursor_execute", note)
    yield seen
    event.remove(catalogue._engine, "before_cursor_execute", note)


def test_many_who_ask_at_once_cost_the_database_one_reading(site: Any) -> None:
    busy(site)
    with statements(site.catalogue) as alone:
        site.ask("/api/studies/bss")
    site.later()
    with statements(site.catalogue) as together:
        answers = site.ask_together(["/api/studies/bss", "/studies/bss/live", "/studies/bss"] * 20)
        assert {answer.status_code for answer in answers} == {200}
        site.ask("/api/studies/bss")  # and whoever comes a moment later costs none
    assert len(together) == len(alone) > 0
    site.later()
    with statements(site.catalogue) as later:
        site.ask("/api/studies/bss")
    assert len(later) == len(alone)


def test_report_takes_as_many_selects_for_many_trials_as_for_few(site: Any) -> None:
    study = busy(site)
    with statements(site.catalogue) as few:
        report(site.catalogue, "bss")
    study.extend(40)
    for number in range(10):
        study.results.complete(site.claim(study, (0.5,), hyperparameters={"n": number}), 0.5)
    for _ in range(5):
        site.claim(study, (0.5,))
    with statements(site.catalogue) as many:
        assert len(report(site.catalogue, "bss").running) == 6
    assert len(many) == len(few) <= 25


def test_metrics_have_the_names_units_and_numbers_that_prometheus_expects(site: Any) -> None:
    busy(site)
    answer = site.ask("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    values = {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels) if key != "study")): sample.value
        for family in families.values()
        for sample in family.samples
        if sample.labels["study"] == "bss"
    }
    assert values["studyhall_trials", "failed"] == 2
    assert values["studyhall_trials", "waiting"] == 1
    assert values[("studyhall_best_value",)] == 0.25
    assert values[("studyhall_workers",)] == 1
    assert values["studyhall_failed_trials_total", "oom"] == 1
    assert values[("studyhall_epochs_total",)] == 6
    assert values[("studyhall_images_per_second",)] == 1000
    assert values[("studyhall_trial_duration_seconds_total",)] > 0
    assert families["studyhall_epochs"].type == "counter"
    assert families["studyhall_trials"].type == "gauge"
    openmetrics = site.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")


def test_best_lists_the_files_of_the_bundle_with_their_addresses(site: Any) -> None:
    study = site.study()
    answer = site.ask("/api/studies/bss/best")
    assert (answer.status_code, "published nothing yet" in answer.json()["detail"]) == (404, True)
    site.publish(study, history_png=b"png")
    best = site.ask("/api/studies/bss/best").json()
    assert best["study"] == best["manifest"]["study"] == "bss"
    files = {each["name"]: each for each in best["files"]}
    assert sorted(files) == ["history.json", "history.png", "model.keras"]
    assert files["model.keras"]["url"] == "/studies/bss/best/model.keras"
    assert files["model.keras"]["sha256"] == best["manifest"]["files"]["model.keras"]["sha256"]
    manifest = site.ask("/studies/bss/best/manifest.json")
    assert json.loads(manifest.content) == best["manifest"]


def test_description_says_what_numbers_mean_and_hides_pages(site: Any) -> None:
    description = site.ask("/api/openapi.json").json()
    assert "/api/studies/{name}" in description["paths"]
    assert "/studies/{name}/best/{file}" in description["paths"]
    assert not [path for path in description["paths"] if path.startswith("/static")]
    worker = description["components"]["schemas"]["Worker"]["properties"]
    assert "in seconds" in worker["silent_seconds"]["description"]


@pytest.fixture
def stood(empty_storage_url: str, tmp_path: Path) -> Report:
    """The report of a study with two trials, on either database."""
    storage = open_storage(empty_storage_url, create=False)
    definition = Definition.model_validate(
        {"name": "bss", "search": {"trials": 3}, "objective": {"metric": "acc", "direction": "maximize"}}
    )
    study = Study.create_or_join(storage, definition)
    study.workers.register("w", host="node", pid=1, device="cpu")
    trials = [study.trials.claim(lambda number: RandomSampler(), NopPruner(), worker="w") for _ in range(2)]
    for trial in trials:
        assert trial is not None
        trial.report(0.25, 1)
        trial.report(0.5, 2)
        trial.report(0.375, 3)
    assert trials[0] is not None
    study.results.complete(trials[0], 0.5)
    with Catalogue(empty_storage_url) as catalogue:
        stood = report(catalogue, "bss")
    storage.close()
    return stood


def test_standing_is_read_alike_from_both_databases(stood: Report) -> None:
    (trial,) = stood.running
    assert (trial.number, trial.epoch, trial.value, trial.best_value) == (1, 3, 0.375, 0.5)
    assert (trial.worker, trial.device) == ("w", "cpu")
    assert 0 <= trial.seconds < 60
    assert trial.silent_seconds is not None
    assert 0 <= trial.silent_seconds < 60
    assert [(each.number, each.state, each.value) for each in stood.finished] == [(0, "COMPLETE", 0.5)]
    assert stood.finished[0].seconds is not None
    assert 0 <= stood.finished[0].seconds < 60
    assert stood.epochs == 6
    assert 0 <= stood.seconds < 60
    assert stood.throughput is not None
    assert stood.throughput.trials == 1
    assert stood.time_left is not None
