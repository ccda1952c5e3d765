"""A metric that is NaN in some epoch: null from the trial to the bundle, the pages and the API, and drawn as
a gap.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution

from studyhall.search.core.outcome import Failed
from studyhall.search.figures.for_bundle import read_history
from studyhall.search.figures.history import history_figure
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.session import publisher
from studyhall.search.session.publisher import Publisher
from studyhall.search.tuner.trials import as_keras_tuner_trial
from studyhall.search.views.status import show_status
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.bundle.record import published
from studyhall.studies.queue.failure_kind import FailureKind
from studyhall.studies.retention.best_models import KeptModels
from studyhall.studies.storage.suggesting import suggest_value
from studyhall.studies.study.study import Study
from tests.support.trainers import FACTS, PublishingTrainer

NAN, INFINITY = float("nan"), float("inf")
HISTORY: dict[str, list[Any]] = {
    "val_loss": [0.5, 0.25],
    "val_f1": [NAN, 0.75],
    "val_ratio": [[NAN, 1.0], [INFINITY, 2.0]],
}
AS_JSON = {"val_loss": [0.5, 0.25], "val_f1": [None, 0.75], "val_ratio": [[None, 1.0], [None, 2.0]]}


def strictly(text: str | bytes) -> Any:
    """Read JSON as other programs do, which know no NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def complete_with_nan(site: Any, folder: Path) -> Study:
    """A study with one complete trial, whose metrics were NaN in its first epoch and whose model is kept."""
    study: Study = site.study(trials=1)
    trial = site.claim(
        study, (0.5, 0.25), **FACTS, history=HISTORY, metrics={"val_loss": 0.25, "val_f1": NAN}
    )
    rate = suggest_value(trial, "rate", FloatDistribution(0, 1))
    trial.set_user_attr("hyperparameters", {"rate": rate})
    (folder / "own.keras").write_bytes(b"own weights")
    KeptModels(study, site.store).keep(trial.number, 0.25, folder / "own.keras")
    study.results.complete(trial, 0.25)
    return study


@pytest.mark.parametrize("fails", [True, False], ids=["the trial's own model", "a retrained model"])
def test_a_history_with_nan_is_json_from_the_trial_to_the_fetched_bundle_and_the_api(
    fails: bool, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publisher, "_attach_figures", lambda self, scratch: None)
    monkeypatch.setattr(publisher, "LOOK_SECONDS", 0.02)
    study = complete_with_nan(site, tmp_path)
    (trial,) = study.optuna().get_trials()
    assert trial.user_attrs["history"] == AS_JSON
    with PublishingTrainer() as trainer:
        trainer.failure = Failed(FailureKind.NAN, "val_loss is nan") if fails else None
        trainer.value, trainer.history = 0.125, HISTORY
        trainer.test_metrics = {"joint": {"mean": 0.1, "std": NAN}}
        assert Publisher(study, trainer, site.store, lambda event: None, StopSwitch()).publish_best()
    record = published(study.storage, study.id)
    assert record is not None
    fetch(record, site.store, tmp_path / "best")
    assert strictly((tmp_path / "best" / "history.json").read_bytes()) == AS_JSON
    manifest = strictly((tmp_path / "best" / "manifest.json").read_bytes())
    assert manifest["metrics"]["test"]["joint"] == {"mean": 0.1, "std": None}
    for path in ("/api/studies/bss", "/api/studies/bss/trials", "/api/studies/bss/best", "/api/overview"):
        answer = site.ask(path)
        assert answer.status_code == 200, path
        strictly(answer.text)
    assert strictly(site.ask("/studies/bss/best/history.json").text) == AS_JSON
    assert site.ask("/studies/bss").status_code == 200
    # Readers take null for no number.
    history = read_history(tmp_path / "best")
    assert history["val_f1"] == [None, 0.75]
    assert history_figure(history, "val_f1", direction="maximize").axes


def test_a_best_value_that_is_infinite_is_null_for_programs(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    study: Study = site.study(trials=1)
    study.optuna().tell(study.optuna().ask(), INFINITY)  # by hand: a worker refuses it
    show_status([site.catalogue.summary("bss")], "sqlite:///studies.db", as_json=True)
    assert strictly(capsys.readouterr().out)["studies"][0]["best"]["value"] is None
    assert strictly(site.ask("/api/studies/bss").text)["best"]["value"] is None


def test_a_tuners_trial_reads_null_as_not_a_number(site: Any, tmp_path: Path) -> None:
    import keras_tuner

    study = complete_with_nan(site, tmp_path)
    (frozen,) = study.optuna().get_trials()
    assert frozen.user_attrs["metrics"] == {"val_loss": 0.25, "val_f1": None}
    objective = keras_tuner.Objective("val_loss", "min")
    trial = as_keras_tuner_trial(frozen, keras_tuner.HyperParameters(), objective, 1)
    assert trial.score == trial.metrics.get_best_value("val_loss") == 0.25
    assert math.isnan(trial.metrics.get_history("val_f1")[0].value[0])
