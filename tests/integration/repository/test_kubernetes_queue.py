"""KEDA's query, asked of a real study in PostgreSQL: it counts the trials that need a worker."""

import datetime
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from sqlalchemy import delete, text, update

from studyhall.studies.database.dialects import now
from studyhall.studies.database.optuna_tables import trials as trial_rows
from studyhall.studies.database.studyhall_tables import leases
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import load_definition

LONG_AGO = datetime.datetime(2020, 1, 1)
FOLDER = Path(__file__).resolve().parents[3] / "docs" / "kubernetes"


def test_keda_starts_workers_for_trials_that_wait_or_lost_theirs_and_for_none_of_a_stopped_study(
    postgres_url: str,
) -> None:
    scaled = next(yaml.safe_load_all((FOLDER / "components/keda/template/scaled-job.yaml").read_text()))
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    definition = load_definition(FOLDER / "base" / "study.toml")
    storage = open_storage(postgres_url, create=True)
    other = definition.model_copy(update={"name": "another"})
    Study.create_or_join(storage, other)
    study = Study.create_or_join(storage, definition)

    with Catalogue(postgres_url) as catalogue:

        def counted() -> list[tuple[int]]:
            return catalogue.read(lambda connection: [(row[0],) for row in connection.execute(text(query))])

        trials = definition.search.trials
        assert counted() == [(trials,)]
        for _ in range(2):
            trial = study.trials.claim(lambda number: RandomSampler(seed=number), NopPruner())
        assert trial is not None
        study.results.complete(trial, 0.5)
        assert (study.counts().running, counted()) == (1, [(trials - 2,)])
        silent = update(leases).values(renewed_at=now() - 61.0)
        storage.transact(lambda connection: connection.execute(silent))
        assert counted() == [(trials - 1,)]
        unleased = delete(leases)
        storage.transact(lambda connection: connection.execute(unleased))
        assert counted() == [(trials - 2,)]
        storage.transact(
            lambda connection: connection.execute(update(trial_rows).values(datetime_start=LONG_AGO))
        )
        assert counted() == [(trials - 1,)]
        study.request_stop()
        assert counted() == [(0,)]
        study.clear_stop()
        assert counted() == [(trials - 1,)]
    storage.close()
