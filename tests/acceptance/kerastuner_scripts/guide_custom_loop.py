"""KerasTuner's guide to custom training loops: GradientTape in `HyperModel.fit`, callbacks called by hand."""

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

x = np.random.default_rng(0).random((32, 8), dtype="float32")
y = (x.sum(axis=1) > 4).astype("int64")


class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        inputs = keras.Input((8,))
        hidden = keras.layers.Dense(hp.Int("units", 4, 8, step=2), activation="relu")(inputs)
        return keras.Model(inputs, keras.layers.Dense(2)(hidden))

    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        batch_size = hp.Int("batch_size", 16, 32, step=16, default=32)
        train_ds = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
        validation_ds = tf.data.Dataset.from_tensor_slices(validation_data).batch(batch_size)
        optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3))
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        epoch_loss_metric = keras.metrics.Mean()

        def run_train_step(images, labels):
            with tf.GradientTape() as tape:
                loss = loss_fn(labels, model(images, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

        for callback in callbacks:
            callback.set_model(model)

        best_epoch_loss = float("inf")
        for epoch in range(2):
            for images, labels in train_ds:
                run_train_step(images, labels)
            for images, labels in validation_ds:
                epoch_loss_metric.update_state(loss_fn(labels, model(images)))
            epoch_loss = float(epoch_loss_metric.result().numpy())
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
            epoch_loss_metric.reset_state()
            best_epoch_loss = min(best_epoch_loss, epoch_loss)
        return best_epoch_loss


tuner = keras_tuner.RandomSearch(
    objective=keras_tuner.Objective("my_metric", "min"),
    max_trials=2,
    hypermodel=MyHyperModel(),
    directory="results",
    project_name="custom_training",
    overwrite=True,
)
tuner.search(x=x, y=y, validation_data=(x, y))

best_hps = tuner.get_best_hyperparameters()[0]
best_model = tuner.get_best_models()[0]

results = {
    "values": dict(best_hps.values),
    "the best model": best_model,
    "predictions": best_model.predict(x, verbose=0),
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
}
