"""The first step of a fit, made cheap: a short trial spends more on it than on all the steps that follow."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

# What of Keras's Adam is used and promised by nobody; a version that has other names for it keeps its own
# step.
METHODS = ("_backend_update_step", "_get_variable_index")
MOMENTS = ("_momentums", "_velocities")  # it has them once it is built


class FirstStep(keras.callbacks.Callback):  # type: ignore[misc]
    """Has TensorFlow trace the training step once, and with fewer operations; other backends need neither.

    It acts where a fit begins, so that what a HyperModel's own `fit` changes in the model comes first. Adam's
    step becomes TensorFlow's own operation for it, which gives Keras's results up to rounding. An optimizer
    of another class keeps its own step, and a model with a step of its own its optimizer.
    """

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None or not self.model.built or keras.backend.backend() != "tensorflow":
            return
        if type(self.model).train_step is keras.Model.train_step and not optimizer.built:
            # Within the first step, as Keras would do it, TensorFlow would have to trace that step twice.
            optimizer.build(self.model.trainable_variables)
        if type(optimizer) is keras.optimizers.Adam:
            _fuse(optimizer)


def _fuse(adam: Any) -> None:
    """Replace the dozen operations that Keras traces for each variable by one, where they do the same."""
    import tensorflow as tf

    if not all(hasattr(adam, name) for name in METHODS) or "_backend_update_step" in vars(adam):
        return  # another Keras, or a fit that goes on
    each_by_itself = adam._backend_update_step

    def update(gradients: Sequence[Any], variables: Sequence[Any], learning_rate: Any) -> None:
        plain = all(isinstance(gradient, tf.Tensor) for gradient in gradients)  # an embedding's are sparse
        single = {variable.dtype for variable in variables} == {"float32"}
        known = all(hasattr(adam, name) for name in MOMENTS)
        if not known or adam.amsgrad or not plain or not single or tf.distribute.has_strategy():
            each_by_itself(gradients, variables, learning_rate)
            return
        step = tf.cast(adam.iterations.value, tf.float32) + 1.0
        beta1, beta2 = tf.constant(adam.beta_1, tf.float32), tf.constant(adam.beta_2, tf.float32)
        shared = {
            "beta1_power": tf.pow(beta1, step),
            "beta2_power": tf.pow(beta2, step),
            "lr": tf.cast(learning_rate, tf.float32),
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": tf.constant(adam.epsilon, tf.float32),
        }
        for gradient, variable in zip(gradients, variables, strict=True):
            index = adam._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=adam._momentums[index].value.handle,
                v=adam._velocities[index].value.handle,
                grad=tf.cast(gradient, tf.float32),
                **shared,
            )

    adam._backend_update_step = update
