"""The size of an architecture: its parameters, counted from shapes alone, without Keras."""

from studyhall.models.architecture import Architecture, Level

# Weights of a square kernel, per pair of channels.
_KERNEL = {"transposed-2x2": 4, "transposed-3x3": 9, "nearest": 0, "bilinear": 0}


def count_parameters(architecture: Architecture) -> int:
    """Count what `keras.Model.count_params` counts: weights, biases and all four vectors of a batch norm."""
    encoder = sum(_block(architecture, level) for level in (*architecture.encoder, architecture.bottleneck))
    decoder, below = 0, architecture.bottleneck.filters
    for level in architecture.decoder:
        decoder += _upsampling(architecture, below, level.upsampled) + _block(architecture, level)
        below = level.filters
    return encoder + architecture.decoders * decoder + _head(architecture, below)


def _block(architecture: Architecture, level: Level) -> int:
    inputs = level.incoming + (level.convolutions - 1) * level.filters
    per_filter = 5 if architecture.normalisation == "batch" else 1  # the bias, and the norm's four numbers
    return 9 * inputs * level.filters + per_filter * level.convolutions * level.filters


def _upsampling(architecture: Architecture, below: int, upsampled: int) -> int:
    weights = _KERNEL[architecture.upsampling]
    return weights * below * upsampled + upsampled if weights else 0


def _head(architecture: Architecture, width: int) -> int:
    if architecture.head == "consistent":
        return architecture.decoders * width + 1
    maps = 2 * (width + 1)
    return maps + 2 * (9 + 1) if architecture.head == "depthwise" else maps
