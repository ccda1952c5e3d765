"""`studyhall predict`: both sources of people's own images."""

from pathlib import Path

import click

from studyhall.search.commands.options import KERAS_ENVIRONMENT, epilog, traceback_option

PATH = click.Path(path_type=Path)


@click.command(
    epilog=epilog(
        "studyhall predict best/separation mixture.png --to separated",
        "studyhall predict best/separation photos/ --fit",
        "studyhall predict best/separation --mix seven.png shoe.png",
        environment=KERAS_ENVIRONMENT,
    )
)
@click.argument("model", metavar="BUNDLE-OR-MODEL", type=PATH)
@click.argument("images", metavar="IMAGE...", nargs=-1, type=PATH)
@click.option("--to", metavar="DIR", type=PATH, default="separated", show_default=True, help="Output folder.")
@click.option(
    "--fit",
    is_flag=True,
    help="Resize and convert pictures of any size and colours, instead of refusing them.",
)
@click.option(
    "--mix", "pair", metavar="A B", nargs=2, type=PATH, help="Mix two images first, a digit and an item."
)
@click.option(
    "--allow-code",
    is_flag=True,
    help="Run Python code that the model holds or needs, as Lambda layers and classes of its author's do. Trust its author first.",
)
@traceback_option
def command(
    model: Path,
    images: tuple[Path, ...],
    to: Path,
    fit: bool,
    pair: tuple[Path, Path] | None,
    allow_code: bool,
) -> None:
    """Separate images, or all images of a folder, and write both sources as PNGs beside each other.

    An IMAGE is a PNG, a JPEG or a .npy array, greyscale, of 28x28 or 32x32: NAME.png gives NAME.digit.png and
    NAME.item.png.
    """
    from studyhall.search.actions.score import predict_and_show

    predict_and_show(model, images, to, fit=fit, pair=pair, allow_code=allow_code)
