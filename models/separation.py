"""The HyperModel of the reference workload: an encoder-decoder that separates a digit from an item."""

from typing import Any

import keras
import keras_tuner

from studyhall.models.network import build_network
from studyhall.models.space import make_space


class SeparationHyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """Compiled networks from a mixture (batch, 32, 32, 1) to its sources (batch, 32, 32, 2), digit first.

    Every hyperparameter can be fixed, be given choices, or a range:

        SeparationHyperModel(head="consistent", filters=[8, 16], learning_rate={"min": 1e-4, "max": 1e-2})

    and, in a study's TOML, `arguments = {head = "consistent", filters = [8, 16], pools = [2, 3]}`.

    Args:
        mix: "mean" or "sum", how the mixtures are made.
        preset: A name in `studyhall.models.presets.PRESETS`; its network is kept, except for what `settings`
            say. Its output is arranged as two channels, whatever the preset's layout: training's targets are.
        name, tunable: As in `keras_tuner.HyperModel`.
        settings: Of filters, pools, convolutions, decoder_convolutions, decoder_widening, activation,
            normalisation, momentum, upsampling, skips, decoders, head and output_activation (see
            `studyhall.models.architecture.Architecture`) and of learning_rate, Adam's.

    Raises:
        ConfigurationError: A setting's name or value is one that no network can have.
    """

    def __init__(
        self,
        mix: str = "mean",
        *,
        preset: str | None = None,
        name: str | None = None,
        tunable: bool = True,
        **settings: object,
    ) -> None:
        super().__init__(name=name, tunable=tunable)
        self.space = make_space(mix, preset, settings)

    def build(self, hp: Any) -> Any:
        """Return the network of `hp`'s values, compiled: its loss is the joint mean squared error."""
        point = self.space.draw(hp)
        model = build_network(point.architecture)
        # No metric of ours: a saved model must load where studyhall is not installed.
        model.compile(
            optimizer=keras.optimizers.Adam(point.learning_rate), loss="mse", jit_compile=_compilation()
        )
        return model


def _compilation() -> bool | str:
    """Return Keras's choice, except on TensorFlow without a GPU.

    There XLA takes twice as long for a step (about 300 ms for 160 ms, 8 filters, batch 64), and seven seconds
    more for the first.
    """
    if keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu"):
        return False
    return "auto"
