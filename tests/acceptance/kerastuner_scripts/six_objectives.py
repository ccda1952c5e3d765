"""Six objectives at once, of a model with three outputs."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x = rng.random((24, 5), dtype="float32")
targets = {name: rng.random((24, 1), dtype="float32") for name in "abc"}


def build(hp):
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(hp.Int("units", 4, 8, step=2), activation="relu")(inputs)
    model = keras.Model(inputs, {name: keras.layers.Dense(1, name=name)(hidden) for name in targets})
    model.compile(
        optimizer=keras.optimizers.SGD(hp.Choice("lr", [0.1, 0.01])),
        loss=dict.fromkeys(targets, "mse"),
        metrics={
            name: [keras.metrics.MeanAbsoluteError(name="mae"), "cosine_similarity"] for name in targets
        },
    )
    return model


objectives = [kt.Objective(f"val_{name}_mae", "min") for name in targets]
objectives += [kt.Objective(f"val_{name}_cosine_similarity", "max") for name in targets]
tuner = kt.RandomSearch(build, objective=objectives, max_trials=2, directory="six", project_name="objectives")
tuner.search(x, targets, validation_data=(x, targets), epochs=1, batch_size=24, verbose=0)
best = tuner.oracle.get_best_trials(2)

results = {
    "scores": [trial.score for trial in best],
    "names": [{each.name} for each in tuner.oracle.objective.objectives],
    "each objective's value": [best[0].metrics.get_best_value(each.name) for each in objectives],
    "values": tuner.get_best_hyperparameters()[0].values,
    "outputs": tuner.get_best_models()[0].predict(x, verbose=0),
}
