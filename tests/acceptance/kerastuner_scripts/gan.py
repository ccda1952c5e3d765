"""A GAN with a `train_step` of its own, compiled with two optimizers; generator and discriminator compete."""

import keras
import keras_tuner as kt
import numpy as np
import tensorflow as tf

real = np.random.default_rng(0).normal(1, 0.3, (32, 4)).astype("float32")


class GAN(keras.Model):
    def __init__(self, generator, discriminator, latent_dim):
        super().__init__()
        self.generator, self.discriminator, self.latent_dim = generator, discriminator, latent_dim
        self.d_loss_metric, self.g_loss_metric = keras.metrics.Mean("d_loss"), keras.metrics.Mean("g_loss")

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    @property
    def metrics(self):
        return [self.d_loss_metric, self.g_loss_metric]

    def call(self, noise):
        return self.generator(noise)

    def train_step(self, images):
        n = tf.shape(images)[0]
        fake = self.generator(tf.random.normal((n, self.latent_dim)))
        labels = tf.concat([tf.ones((n, 1)), tf.zeros((n, 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(tf.concat([fake, images], axis=0)))
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        with tf.GradientTape() as tape:
            fooled = self.discriminator(self.generator(tf.random.normal((n, self.latent_dim))))
            g_loss = self.loss_fn(tf.zeros((n, 1)), fooled)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


def build_gan(hp):
    latent = hp.Int("latent_dim", 2, 6, step=2)
    generator = keras.Sequential([keras.Input((latent,)), keras.layers.Dense(4)])
    discriminator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(hp.Choice("units", [4, 8]), "relu")]
    )
    discriminator.add(keras.layers.Dense(1))
    gan = GAN(generator, discriminator, latent)
    gan(np.zeros((1, latent), "float32"))
    gan.compile(
        d_optimizer=keras.optimizers.Adam(hp.Float("d_lr", 1e-4, 1e-2, sampling="log")),
        g_optimizer=keras.optimizers.Adam(hp.Float("g_lr", 1e-4, 1e-2, sampling="log")),
        loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return gan


tuner = kt.RandomSearch(
    build_gan, kt.Objective("g_loss", "min"), max_trials=2, directory="gan", project_name="points"
)
tuner.search(real, epochs=2, batch_size=32, verbose=0)
hp = tuner.get_best_hyperparameters(1)[0]
gan = tuner.hypermodel.build(hp)
history = gan.fit(real, epochs=1, batch_size=32, verbose=0)

results = {
    "values": hp.values,
    "trained anew": history.history,
    "scores": [trial.score for trial in tuner.oracle.get_best_trials(2)],
    "samples of the best": tuner.get_best_models()[0].generator.predict(
        np.zeros((3, hp["latent_dim"])), verbose=0
    ),
}
