"""Projects of people's own through the Tuner, in a script of theirs, compared with plain Keras."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from studyhall.search import Tuner
from studyhall.search.user.keras_settings import kept
from studyhall.studies.seeds import trial_seed
from tests.acceptance.by_hand import Work, imported
from tests.acceptance.own_projects import PROJECTS, ROUNDING, Own

pytestmark = [
    # The second phase has an optimizer of more variables.
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer"),
    pytest.mark.filterwarnings("ignore:Your input ran out of data"),
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored"),
]

# A subclassed model has to be built by `build(hp)` before KerasTuner, or the Tuner, can load weights into it.
# The median pruner is within the patient one.
TUNED = [own for own in PROJECTS if own.name not in ("subclassed", "peak-median")]


@pytest.mark.parametrize("own", TUNED, ids=lambda own: own.name)
def test_a_tuners_best_model_has_the_numbers_of_plain_keras(
    own: Own, train_by_hand: Callable[[Work], dict[str, Any]], tmp_path: Path
) -> None:
    own.write(tmp_path)
    given = tomllib.loads(f"pruner = {own.pruner}\nenqueue = {own.enqueue}")
    with kept():
        module = imported(own.module, tmp_path)
        made = getattr(module, own.build)
        tuner = Tuner(
            made() if isinstance(made, type) else made,
            objective=keras_tuner.Objective(own.metric, own.direction[:3]),
            max_trials=own.trials,
            seed=7,
            directory=tmp_path,
            **given,
        )
        train, validation = getattr(module, own.load)()
        arrays = isinstance(train, tuple)
        tuner.search(
            *(train if arrays else (train,)),
            validation_data=validation,
            epochs=own.epochs,
            verbose=0,
            **({"batch_size": 8} if arrays else {}),
        )
        trial = tuner.oracle.get_best_trials()[0]
        tuner.get_best_models()[0].save(tmp_path / "best.keras")
    found = train_by_hand(
        Work(
            folder=str(tmp_path),
            module=own.module,
            build=own.build,
            load=own.load,
            metric=own.metric,
            model=str(tmp_path / "best.keras"),
            loading=None,
            values=json.loads(json.dumps(trial.hyperparameters.values)),
            seed=trial_seed(7, int(trial.trial_id)),
            epochs=own.epochs,
        )
    )
    curve = [found["returned"]["aic"]] if own.metric == "aic" else found["history"][own.metric]
    assert trial.score == pytest.approx(own.best_of(curve), rel=ROUNDING)
    assert found["value"] == pytest.approx(trial.score, rel=ROUNDING)
    if own.name.startswith("peak"):
        assert trial.hyperparameters.values == {"course": "peak"}
