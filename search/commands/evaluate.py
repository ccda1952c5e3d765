"""`studyhall evaluate`: a model's error by the protocol that all published scores share."""

from pathlib import Path

import click

from studyhall.search.commands.options import KERAS_ENVIRONMENT, epilog, traceback_option


@click.command(
    epilog=epilog(
        "studyhall evaluate best/spirals",
        "studyhall evaluate model.keras --mix sum --json score.json",
        environment=KERAS_ENVIRONMENT,
    )
)
@click.argument("model", metavar="BUNDLE-OR-MODEL", type=click.Path(path_type=Path))
@click.option(
    "--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Rounds of mixtures."
)
@click.option(
    "--samples", type=click.IntRange(min=1), default=5000, show_default=True, help="Mixtures in a round."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the mixtures."
)
@click.option(
    "--mix", type=click.Choice(["mean", "sum"]), help="How to mix. Default: as the bundle was, else 'mean'."
)
@click.option(
    "--source",
    type=click.Choice(["mnist-fashion", "synthetic"]),
    help="Test images. Default: the bundle's own, else 'mnist-fashion'.",
)
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="Write JSON too.")
@click.option(
    "--allow-code",
    is_flag=True,
    help="Run Python code that the model holds or needs, as Lambda layers and classes of its author's do. Trust its author first.",
)
@traceback_option
def command(
    model: Path,
    rounds: int,
    samples: int,
    seed: int,
    mix: str | None,
    source: str | None,
    json_file: Path | None,
    allow_code: bool,
) -> None:
    """Score a bundle's folder, or a .keras or .h5 file, on mixtures of test images.

    Prints the mean squared error of the digit, the item and both, with the standard deviation over the
    rounds.
    """
    from studyhall.search.actions.score import evaluate_and_show

    evaluate_and_show(model, rounds, samples, seed, mix, source, json_file, allow_code=allow_code)
