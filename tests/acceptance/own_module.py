"""What a person may have in a module: data of every sort, and models that are trained in every manner."""

MODULE = '''
import keras
import keras_tuner
import numpy as np
from keras import layers

R = np.random.default_rng(3)
X = R.normal(size=(48, 4)).astype("float32")
Y = (X @ R.normal(size=(4, 1))).astype("float32")
CLASSES = np.eye(3, dtype="float32")[np.argmax(X[:, :3], axis=1)]
LINE = np.array([[-1], [-1], [1], [1]], "float32")


def load():
    return (X[:32], Y[:32]), (X[32:], Y[32:])


def load_line():
    return (LINE, LINE), (LINE, LINE)


class Batches(keras.utils.PyDataset):
    @property
    def num_batches(self):
        return 4

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return X[rows], CLASSES[rows]


def load_py_dataset():
    return Batches(), (X[32:], CLASSES[32:])


def stream():
    """A data set of which nobody knows how long it is."""
    import tensorflow as tf

    kinds = tf.TensorSpec((4,), tf.float32), tf.TensorSpec((1,), tf.float32)
    return tf.data.Dataset.from_generator(lambda: zip(X[:32], Y[:32]), output_signature=kinds).batch(8)


def load_filtered():
    return stream().filter(lambda x, y: True), (X[32:], Y[32:])


def load_endless():
    return stream().repeat(), (X[32:], Y[32:])


def rate(hp):
    return hp.Float("rate", 0.01, 0.1)


def network(outputs=1):
    return keras.Sequential([
        keras.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(outputs, dtype="float32")
    ])


def build(hp):
    model = network()
    model.compile(keras.optimizers.SGD(rate(hp), momentum=0.9), "mse", metrics=["mae"], run_eagerly=True)
    return model


def per_class(hp):
    model = network(3)
    scores = [keras.metrics.F1Score(name="f1"), keras.metrics.F1Score(average="macro", name="macro")]
    model.compile(keras.optimizers.SGD(rate(hp)), "mse", metrics=scores, run_eagerly=True)
    return model


def scheduled(hp):
    model = network()
    decay = keras.optimizers.schedules.ExponentialDecay(rate(hp), 1, 0.9)
    model.compile(keras.optimizers.SGD(decay), "mse", run_eagerly=True)
    return model


@keras.saving.register_keras_serializable("own_projects")
class Configured(keras.Model):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.out = inner, layers.Dense(1)

    def call(self, x):
        return self.out(self.inner(x))

    def get_config(self):
        return {**super().get_config(), "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("inner")), **config)


@keras.saving.register_keras_serializable("own_projects")
def nearness(y, predicted):
    return 1 - keras.ops.abs(y - predicted)


def subclassed(hp):
    model = Configured(layers.Dense(hp.Int("units", 2, 4)))
    model.compile(keras.optimizers.SGD(rate(hp)), "mse", metrics=[nearness], run_eagerly=True)
    return model


class Bare(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(x)


def bare(hp):
    model = Bare()
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def nested(hp):
    model = keras.Sequential([keras.Input((4,))])
    kind = hp.Choice("kind", ["linear", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        if kind == "deep":
            shape = hp.Choice("shape", ["one", "two"])
            with hp.conditional_scope("shape", ["two"]):
                if shape == "two":
                    model.add(layers.Dense(hp.Int("units", 2, 4)))
            model.add(layers.Dense(3))
    model.add(layers.Dense(1))
    model.compile(keras.optimizers.SGD(0.05), "mse", run_eagerly=True)
    return model


class Loop(keras_tuner.HyperModel):
    """A training loop in the manner of KerasTuner's guide."""

    def build(self, hp):
        return keras.Sequential([keras.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])

    def fit(self, hp, model, x, y, validation_data, callbacks, epochs, **kwargs):
        step = rate(hp)
        for callback in callbacks:
            callback.set_model(model)
        best = float("inf")
        for epoch in range(epochs):
            kernel = model.get_weights()[0]
            model.set_weights([kernel - step * x.T @ (x @ kernel - y) / len(x), np.zeros(1)])
            loss = float(np.mean((np.asarray(model(validation_data[0])) - validation_data[1]) ** 2))
            best = min(best, loss)
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"val_loss": loss})
        return best


class Phases(keras_tuner.HyperModel):
    """Transfer learning: the last layer alone, then all of it."""

    def build(self, hp):
        model = build(hp)
        model.layers[0].trainable = False
        return model

    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        model.layers[0].trainable = True
        model.compile(keras.optimizers.SGD(rate(hp) / 2), "mse", metrics=["mae"], run_eagerly=True)
        return model.fit(*args, **kwargs)


class Computed(keras_tuner.HyperModel):
    """Its objective is known after the training."""

    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, validation_data, **kwargs):
        model.fit(*args, validation_data=validation_data, **kwargs)
        loss = model.evaluate(*validation_data, verbose=0)[0]
        return {"aic": 16 * float(np.log(loss)) + 2 * model.count_params()}


class Steps(keras_tuner.HyperModel):
    """Says itself how long an epoch of endless data is."""

    def build(self, hp):
        return nested(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, steps_per_epoch=3, **kwargs)


# The weight that a trial has in each epoch; the right one is 1, and the error is (1 - weight) ** 2.
COURSES = {"steady": [0.1, 0.2, 0.3, 0.4], "late": [0.2, 0.3, 0.4, 0.5], "peak": [0.5, 0.9, 0.3, 0.2]}


class Peak(keras_tuner.HyperModel):
    """The best of its courses is best in the second epoch, and its weights tell the epochs apart."""

    metrics = []

    def build(self, hp):
        hp.Choice("course", list(COURSES))
        model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(0.0), "mse", metrics=self.metrics, run_eagerly=True)
        return model

    def fit(self, hp, model, *args, callbacks=(), **kwargs):
        class Course(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.model.set_weights([np.array([[COURSES[hp.get("course")][epoch]]])])

        return model.fit(*args, callbacks=[Course(), *callbacks], **kwargs)


class Determined(Peak):
    metrics = ["r2_score"]
'''
