"""Minutes of seeded chaos over one study: python tests/benchmarks/chaos.py --minutes 5 --workers 6 --seed S.

Prints one line of JSON with what happened and what was not as it must be, which should be nothing.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path


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
    parser.add_argument("--keep", type=Path, help="an empty folder for all files, to be looked at afterwards")
    options = parser.parse_args()
    weather = Weather(options.seed, 60 * options.minutes, options.workers, factor=options.factor)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as made, running_server() as server:
        storm = Storm(weather, server, server.url(server.create_database()), options.keep or Path(made))
        study = storm.run()
        found = invariants.violations(storm, study)
        record = {
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
