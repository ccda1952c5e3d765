"""The architecture: every choice that makes one encoder-decoder, as a value that needs no Keras."""

from dataclasses import asdict, dataclass

from studyhall.models.errors import ConfigurationError
from studyhall.models.rules import FREE_HEADS, LAYOUTS, MIXES, RULES, SIDE, OneOf, Value


@dataclass(frozen=True)
class Level:
    """One block of convolutions, with the sizes of what passes through it."""

    side: int  # height and width, in pixels
    incoming: int  # channels that enter the first convolution
    filters: int  # channels that leave it
    convolutions: int
    upsampled: int = 0  # channels that come from below, before the skip joins (decoder only)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """An encoder-decoder from a mixture (32, 32, 1) to its two sources.

    Args:
        filters: Channels at full resolution; they double after each pool.
        pools: How many times the encoder halves the sides (2x2 max pooling), 1 to 4.
        convolutions: 3x3 convolutions in each block of the encoder and in the bottleneck.
        decoder_convolutions: The same for the decoder; 0 means as many as the encoder has.
        decoder_widening: How many times wider a level's decoder is than its encoder.
        activation: After each convolution of a block.
        normalisation: "batch" or "none", between convolution and activation.
        momentum: Of the batch normalisation's moving averages. Keras's own 0.99 makes the validation error of
            the first few hundred steps meaningless.
        upsampling: "transposed-2x2" and "transposed-3x3" are convolutions to the level's width, with stride
            2; "nearest" and "bilinear" only resize.
        skips: Whether each level's encoder is joined to its decoder.
        decoders: 1, or 2 for a decoder of its own for each source.
        head: See `studyhall.models.heads`.
        output_activation: Of the independent and depthwise heads; None is their default. "same" is
            `activation`.
        layout: "channels" gives (32, 32, 2), "side-by-side" (32, 64, 1) with the digit on the left.
        mix: Whether mixtures are the mean or the sum of their sources; the consistent head depends on it.

    Raises:
        ConfigurationError: A value, or a combination of values, that no network can have.
    """

    filters: int = 16
    pools: int = 2
    convolutions: int = 2
    decoder_convolutions: int = 0
    decoder_widening: int = 1
    activation: str = "relu"
    normalisation: str = "batch"
    momentum: float = 0.9
    upsampling: str = "transposed-2x2"
    skips: bool = True
    decoders: int = 1
    head: str = "consistent"
    output_activation: str | None = None
    layout: str = "channels"
    mix: str = "mean"

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name in RULES and value is not None:
                RULES[name].check(name, value)
        OneOf(LAYOUTS).check("layout", self.layout)
        OneOf(MIXES).check("mix", self.mix)
        if self.output_activation is not None and self.head not in FREE_HEADS:
            raise ConfigurationError(
                f"the {self.head} head is bounded by construction and takes no output_activation; leave it out, "
                f"or use head = {' or '.join(repr(head) for head in FREE_HEADS)}"
            )

    @property
    def final_activation(self) -> str:
        """The name of the head's activation, as Keras knows it."""
        if self.output_activation == "same":
            return self.activation
        return self.output_activation or ("linear" if self.head == "depthwise" else "sigmoid")

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a prediction."""
        return (SIDE, SIDE, 2) if self.layout == "channels" else (SIDE, 2 * SIDE, 1)

    @property
    def encoder(self) -> tuple[Level, ...]:
        """The encoder's blocks, from full resolution downwards."""
        widths = [1, *(self.filters * 2**level for level in range(self.pools))]
        return tuple(
            Level(SIDE // 2**level, widths[level], widths[level + 1], self.convolutions)
            for level in range(self.pools)
        )

    @property
    def bottleneck(self) -> Level:
        """The block below the last pool."""
        above = self.encoder[-1]
        return Level(above.side // 2, above.filters, above.filters * 2, self.convolutions)

    @property
    def decoder(self) -> tuple[Level, ...]:
        """The blocks of one decoder, from the bottleneck upwards."""
        levels: list[Level] = []
        below = self.bottleneck.filters
        for mirror in reversed(self.encoder):
            filters = mirror.filters * self.decoder_widening
            upsampled = filters if self.upsampling.startswith("transposed") else below
            incoming = upsampled + (mirror.filters if self.skips else 0)
            convolutions = self.decoder_convolutions or self.convolutions
            levels.append(Level(mirror.side, incoming, filters, convolutions, upsampled))
            below = filters
        return tuple(levels)

    def hyperparameters(self) -> dict[str, Value]:
        """The values that a HyperModel's space needs to build this network; mix and layout are not tuned."""
        return {name: value for name, value in asdict(self).items() if name in RULES and value is not None}
