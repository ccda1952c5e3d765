"""A variational autoencoder, trained with GradientTape in `HyperModel.fit`, which returns its loss."""

import keras
import keras_tuner as kt
import numpy as np
import tensorflow as tf
from keras import layers

x = np.random.default_rng(0).random((32, 12), dtype="float32")


class Sampling(layers.Layer):
    def call(self, inputs):
        mean, log_var = inputs
        return mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))


class VAE(kt.HyperModel):
    def build(self, hp):
        latent = hp.Int("latent", 2, 4)
        inputs = keras.Input((12,))
        hidden = layers.Dense(hp.Int("width", 4, 8, step=4), activation="relu")(inputs)
        mean, log_var = layers.Dense(latent)(hidden), layers.Dense(latent)(hidden)
        decoded = layers.Dense(12, activation="sigmoid")(Sampling()([mean, log_var]))
        return keras.Model(inputs, [decoded, mean, log_var])

    def fit(self, hp, model, data, epochs=1, **kwargs):
        optimizer = keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2, sampling="log"))
        beta = hp.Choice("beta", [0.5, 1.0])
        loss = None
        for _ in range(epochs):
            for batch in tf.data.Dataset.from_tensor_slices(data).batch(16):
                with tf.GradientTape() as tape:
                    decoded, mean, log_var = model(batch, training=True)
                    reconstruction = tf.reduce_mean(tf.square(batch - decoded))
                    kl = -0.5 * tf.reduce_mean(1 + log_var - tf.square(mean) - tf.exp(log_var))
                    loss = reconstruction + beta * kl
                gradients = tape.gradient(loss, model.trainable_weights)
                optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return float(loss)


tuner = kt.BayesianOptimization(VAE(), max_trials=2, directory="vae", project_name="by_tape", overwrite=True)
tuner.search(x, epochs=2)
best = tuner.get_best_hyperparameters()[0]
model = VAE().build(best)
scores = [trial.score for trial in tuner.oracle.get_best_trials(2)]

results = {
    "values": best.values,
    "number of outputs": len(model.outputs),
    "scores": scores,
    "the least is first": scores == sorted(trial.score for trial in tuner.oracle.trials.values()),
}
