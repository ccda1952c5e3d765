"""Minutes of seeded chaos over one study: python tests/benchmarks/chaos.py --minutes 5 --workers 6 --seed S.

Prints one line of JSON with what happened and what was not as it must be, which should be nothing. As root,
the workers' scratch folder is a small disk, which gets full now and then; else it does not.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of 48 MiB on a folder for the block, where that may be done."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def main() -> int:
    """Run one storm; return 1 where anything was violated."""
    from tests.acceptance.chaos import invariants, schedule
    from tests.acceptance.chaos.storm import Storm, Weather
    from tests.support.postgres import running_server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--factor", type=int, help="have trials pause, at rungs that are so many times apart")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--keep", type=Path, help="an empty folder for all files, to be looked at afterwards")
    options = parser.parse_args()
    weather = Weather(options.seed, 60 * options.minutes, options.workers, factor=options.factor)
    began = time.monotonic()
    on_postgres = options.database == "postgresql"
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as made,
        running_server() if on_postgres else nullcontext() as server,
        small_disk((folder := options.keep or Path(made)) / "tmp"),
    ):
        url = server.url(server.create_database()) if server else f"sqlite:///{folder}/studies.db"
        storm = Storm(weather, server, url, folder)
        study = storm.run()
        found = invariants.violations(storm, study)
        record = {
            "database": options.database,
            "seed": weather.seed,
            "workers": weather.workers,
            "seconds": round(time.monotonic() - began, 1),
            "trials": storm.asked,
            "complete": study.counts().complete,
            "pruned": study.counts().pruned,
            "blows": dict(sorted(storm.happened.items())),
            "hits": len(storm.hits),
            "epochs_trained_twice": invariants.repeats(storm),
            "violations": found,
        }
        study.storage.close()
    sys.stdout.write(json.dumps(record) + "\n")
    if found:
        sys.stdout.write(schedule.in_words(weather.blows) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
