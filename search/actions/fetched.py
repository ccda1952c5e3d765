"""A fetch as people see it: a progress bar, then what came."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from studyhall.studies.bundle import fetching


def fetch_and_show(fetch: Callable[[fetching.Progress], Path]) -> None:
    """Run `fetch`, which returns the folder of a bundle, with a progress bar; then print what came."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("fetching")
        folder = fetch(
            lambda name, done, total: bars.update(bar, description=name, completed=done, total=total)
        )
    manifest = fetching.load_manifest(folder)
    out = Console()
    for name, file in manifest.files.items():
        out.print(
            f"{folder / name}  {file.size:,} bytes  sha256 {file.sha256[:12]}", markup=False, soft_wrap=True
        )
    out.print(
        f"The {manifest.source} model of trial {manifest.trial}: {manifest.why}.",
        markup=False,
        soft_wrap=True,
    )
