"""Where people and programs see the trials that a study's scheduler has paused."""

import json
import re
from typing import Any

import pytest

from studyhall.search.views.narration import counts_in_words
from studyhall.search.views.status import show_status
from studyhall.studies.study.study import Study


@pytest.fixture
def study(site: Any) -> Study:
    """A study of five trials, of which two are paused after an epoch and one after two."""
    study: Study = site.study(trials=5, scheduler={"name": "asha", "reduction_factor": 2})
    taken = [site.claim(study, (value, value)) for value in (0.5, 0.6, 0.7)]
    for trial, values in zip(taken, ((0.5, 0.4), (0.6,), (0.7,)), strict=True):
        lease = study.trials.lease_of(trial)
        for epochs, value in enumerate(values, 1):
            study.rungs.reach(lease, epochs, value)
        study.trials.hand_back(trial)
    return study


RUNGS = [{"epochs": 1, "reached": 3, "paused": 2}, {"epochs": 2, "reached": 1, "paused": 1}]


def test_status_says_how_many_are_paused_and_where(
    site: Any, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    show_status(site.catalogue.summaries(), site.url, as_json=False)
    assert "paused trials of bss: 2 after 1 epoch, 1 after 2 epochs" in capsys.readouterr().out
    show_status(site.catalogue.summaries(), site.url, as_json=True)
    (entry,) = json.loads(capsys.readouterr().out)["studies"]
    assert (entry["rungs"], entry["counts"]["paused"]) == (RUNGS, 3)
    assert counts_in_words(study.counts()) == "5 waiting (3 of them paused)"


def test_the_server_says_how_many_are_paused_and_where(site: Any, study: Study) -> None:
    report = site.ask("/api/studies/bss").json()
    assert (report["rungs"], report["counts"]["paused"]) == (RUNGS, 3)
    metrics = site.ask("/metrics").text
    assert 'studyhall_paused_trials{epochs="1",study="bss"} 2.0' in metrics
    assert 'studyhall_paused_trials{epochs="2",study="bss"} 1.0' in metrics
    page = " ".join(re.sub(r"<[^>]*>", "", site.ask("/studies/bss", accept="text/html").text).split())
    assert "5 waiting (paused: 2 after 1 epoch, 1 after 2 epochs)" in page
