"""A `tf.data` pipeline and a `PyDataset`, with augmentation that `HyperModel.fit` chooses; images."""

import keras
import keras_tuner as kt
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
images, labels = rng.random((24, 8, 8, 1), dtype="float32"), rng.integers(0, 2, 24)


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(12 * index, 12 * index + 12)
        return images[part], labels[part]


class Classifier(kt.HyperModel):
    def __init__(self, classes):
        super().__init__(name="classifier")
        self.classes = classes

    def build(self, hp):
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(hp.Int("filters", 2, 4), 3)])
        model.add(keras.layers.GlobalAveragePooling2D())
        model.add(keras.layers.Dense(self.classes))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        return model

    def fit(self, hp, model, train, **kwargs):
        if isinstance(train, tf.data.Dataset) and hp.Boolean("flip"):
            train = train.map(lambda x, y: (tf.reverse(x, [2]), y))
        return model.fit(train, **kwargs)


train = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(24, seed=0).batch(12).prefetch(1)
validation = tf.data.Dataset.from_tensor_slices((images, labels)).batch(24).cache()
of_dataset = kt.RandomSearch(
    Classifier(2), "val_accuracy", max_trials=2, directory="data", project_name="pipeline"
)
of_dataset.search(train, validation_data=validation, epochs=1, verbose=0)
of_sequence = kt.RandomSearch(
    Classifier(2), "val_loss", max_trials=1, directory="data", project_name="sequence"
)
of_sequence.search(Sequence(), validation_data=Sequence(), epochs=1, verbose=0)

results = {
    "scores": [trial.score for trial in of_dataset.oracle.get_best_trials(2)],
    "values": {*of_dataset.get_best_hyperparameters()[0].values},
    "predictions": of_dataset.get_best_models()[0].predict(validation, verbose=0),
    "scores of a PyDataset": [trial.score for trial in of_sequence.oracle.get_best_trials()],
}
