"""The presets: the seeds' networks and ours, by name, with what is known about how they were trained.

Structures and figures are those of the seeds' own documents and notebooks; where a document is silent
(momentum, seed 000's and 001's training) the field is None or Keras's default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from studyhall.did_you_mean import did_you_mean
from studyhall.models.architecture import Architecture
from studyhall.models.errors import ConfigurationError
from studyhall.models.rules import Value
from studyhall.models.size import count_parameters


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network was trained and what it reached, as published; None where nothing was said."""

    learning_rate: float | None = None  # of Adam, at the start
    batch_size: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    samples: float | None = None  # mixtures seen in all
    hours: float | None = None
    device: str | None = None
    error: float | None = None  # joint mean squared error, 10 rounds x 5000 test mixtures
    deviation: float | None = None  # standard deviation of the rounds


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named architecture."""

    name: str
    description: str
    architecture: Architecture
    training: Training = Training()
    stated_parameters: int | None = None  # by its author

    @property
    def parameters(self) -> int:
        """How many parameters the network has, as Keras counts them."""
        return count_parameters(self.architecture)

    def hyperparameters(self) -> dict[str, Value]:
        """What a study enqueues to try this network in a wider space; an unknown learning rate is Adam's."""
        return self.architecture.hyperparameters() | {"learning_rate": self.training.learning_rate or 1e-3}


_SEED_002 = Training(learning_rate=1e-3, batch_size=32)
_SEED_002_BEST = Training(
    learning_rate=1e-3,
    batch_size=32,
    samples=3.65e6,
    hours=3.6,
    device="GTX 1060",
    error=3.857e-4,
    deviation=8.1e-6,
)


def _seed_002(filters: int) -> Preset:
    return Preset(
        name=f"seed-002-{filters}",
        description=f"U-Net of seed 002 with {filters} filters, one of the three sizes that its search tunes",
        architecture=Architecture(
            filters=filters,
            upsampling="transposed-3x3",
            momentum=0.99,
            head="independent",
            output_activation="same",
        ),
        training=_SEED_002_BEST if filters == 128 else _SEED_002,
    )


_ALL = (
    Preset(
        name="seed-000",
        description="U-Net of seed 000's description: 3 pools, sigmoid maps",
        architecture=Architecture(
            filters=64, pools=3, momentum=0.99, head="independent", output_activation="sigmoid"
        ),
    ),
    Preset(
        name="seed-001",
        description="Seed 001: encoder-decoder without skips, one decoder for each source; our sizes, its own are unstated",
        architecture=Architecture(
            filters=64,
            momentum=0.99,
            upsampling="nearest",
            skips=False,
            decoders=2,
            head="independent",
            output_activation="sigmoid",
        ),
    ),
    _seed_002(32),
    _seed_002(64),
    _seed_002(128),
    Preset(
        name="seed-003",
        description="U-Net of seed 003: 3 convolutions per block, ReLU maps",
        architecture=Architecture(
            filters=64,
            convolutions=3,
            momentum=0.99,
            upsampling="transposed-3x3",
            head="independent",
            output_activation="relu",
        ),
        training=Training(
            learning_rate=1e-3,
            batch_size=32,
            epochs=69,
            steps_per_epoch=1687,
            samples=3.7e6,
            hours=4 / 3,
            device="T4",
            error=3.881e-4,
            deviation=8.0e-6,
        ),
        stated_parameters=3_033_346,
    ),
    Preset(
        name="seed-004",
        description="U-Net of seed 004: a decoder wider than its encoder, depthwise head, sources side by side",
        architecture=Architecture(
            filters=32,
            decoder_convolutions=4,
            decoder_widening=4,
            normalisation="none",
            head="depthwise",
            output_activation="linear",
            layout="side-by-side",
        ),
        training=Training(samples=19.4e6, hours=4.5, error=3.6e-4, deviation=2.1e-6),
        stated_parameters=3_684_214,
    ),
    Preset(
        name="studyhall-small",
        description="Studyhall's own for two CPU cores: 8 filters and the consistent head",
        architecture=Architecture(filters=8),
        training=Training(learning_rate=1e-2, batch_size=32),
    ),
    Preset(
        name="studyhall-wide",
        description="Studyhall's own for a GPU: the width that scored best, and the consistent head; not trained yet",
        architecture=Architecture(filters=128),
        training=Training(learning_rate=1e-3, batch_size=32),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})


def find_preset(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if name in PRESETS:
        return PRESETS[name]
    raise ConfigurationError(f"no preset {name!r}; {did_you_mean(str(name), PRESETS)}")
