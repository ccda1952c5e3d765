"""A network that was trained before is frozen, or trained on; its head is searched, its size is limited."""

import keras
import keras_tuner as kt
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.random((16, 8, 8, 3), dtype="float32"), keras.utils.to_categorical(rng.integers(0, 2, 16), 2)

base = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, activation="relu")], name="base")
base.add(keras.layers.GlobalAveragePooling2D())


class Transfer(kt.HyperModel):
    def __init__(self, base, classes):
        super().__init__()
        self.base, self.classes = base, classes

    def build(self, hp):
        network = keras.models.clone_model(self.base)
        network.set_weights(self.base.get_weights())
        network.trainable = hp.Boolean("fine_tune", default=False)
        inputs = keras.Input((8, 8, 3))
        features = keras.layers.Dropout(hp.Float("dropout", 0.1, 0.5, step=0.1))(network(inputs))
        model = keras.Model(inputs, keras.layers.Dense(self.classes, activation="softmax")(features))
        model.compile(
            keras.optimizers.Adam(hp.Choice("lr", [1e-3, 1e-4])),
            "categorical_crossentropy",
            metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(1, name="top")],
        )
        return model


tuner = kt.RandomSearch(
    Transfer(base, 2),
    objective=kt.Objective("val_top", "max"),
    max_trials=2,
    max_model_size=10_000,
    directory="transfer",
    project_name="head",
)
tuner.search(x, y, validation_data=(x, y), epochs=1, batch_size=16, verbose=0)
best = tuner.get_best_models()[0]
best.save("best.keras")

results = {
    "values": tuner.get_best_hyperparameters()[0].values,
    "saved and loaded": keras.models.load_model("best.keras").predict(x, verbose=0),
    "metrics": {*tuner.oracle.get_best_trials()[0].metrics.metrics},
    "number of layers": len(best.layers),
}
