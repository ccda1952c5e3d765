"""What a study reaches in the minutes it has, beside seed 003's network trained the seed's way for the same
minutes.

Run it by hand, on an idle machine; it takes twice the study's time, and the evaluations:

    KERAS_HOME=../shared/keras .venv/bin/python tests/benchmarks/quality.py

First `studyhall search studies/half-hour.toml` (or `--study`), from the command to the published bundle:
minutes count from the command, so they hold imports, compilation and everything else. Its curve is the best
validation error so far: of the trials, then of the retraining. Then a process of its own trains seed 003's
network as its author did (Adam at 1e-3, batches of 32, epochs of 1,687 batches, the rate reduced by 0.3 after
8 epochs without improvement) for as many minutes of training; its curve is the error on the same validation
mixtures, measured every `--every` minutes with the clock stopped. Both models are then scored by `studyhall
evaluate`: ours with 10 rounds of 5,000 mixtures of test images, the seed's with `--seed-rounds`, because its
network is a hundred times slower here.

Prints both curves, the scores, and one line of JSON.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STUDIES = Path(__file__).resolve().parents[2] / "studies"
STEPS, PATIENCE, FACTOR = 1687, 8, 0.3  # seed 003's

Curve = list[tuple[float, float]]  # minutes, best validation error so far


def studyhall(*arguments: str) -> list[str]:
    """The command that runs Studyhall's own command line."""
    return [sys.executable, "-m", "studyhall.search", *arguments]


def search(study: Path, folder: Path) -> tuple[Curve, float]:
    """Search and publish in `folder`; returns the curve and the minutes from the command to the published
    bundle.
    """
    curve: Curve = []
    began = time.monotonic()
    published = None
    with subprocess.Popen(
        studyhall("search", str(study), "--plain"), cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            minutes = (time.monotonic() - began) / 60
            sys.stdout.write(f"{minutes:6.2f}  {line}")
            sys.stdout.flush()
            if found := re.search(r"(?:retraining|trial \d+): epoch \d+: ([\d.e-]+)", line):
                value = float(found[1])
                curve.append((round(minutes, 3), min(value, curve[-1][1]) if curve else value))
            if line.startswith("published"):
                published = minutes
    if process.returncode != 0 or published is None:
        raise RuntimeError(f"the search ended with status {process.returncode} and published nothing")
    return curve, published


def score(model: Path, rounds: int, samples: int) -> dict[str, Any]:
    """Evaluate a bundle or model on the test images; returns mean and standard deviation over the rounds."""
    found = model.parent / f"{model.name}-{rounds}.json"
    subprocess.run(
        studyhall(
            "evaluate", str(model), "--rounds", str(rounds), "--samples", str(samples), "--json", str(found)
        ),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return {"rounds": rounds, "samples": samples, **json.loads(found.read_text())["joint"]}


def train_the_seeds_way(study: Path, minutes: float, every: float, path: Path) -> Curve:
    """Train seed 003's network for so many minutes and save it; returns its curve, of the same validation
    mixtures as the study's.
    """
    import keras
    import keras_tuner

    from studyhall.data.separation import load
    from studyhall.models import SeparationHyperModel
    from studyhall.studies.study_file.loading import load_definition

    data = load_definition(study).data
    examples = load(data.source, data.mix, STEPS * 32, data.validation_samples, data.validation_images, 32, 0)
    model = SeparationHyperModel(preset="seed-003").build(keras_tuner.HyperParameters())
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    x, y = zip(*(examples.validation[index] for index in range(len(examples.validation))), strict=True)
    curve: Curve = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        """Stops training when its minutes are over, and measures every so often with the clock stopped."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.began = time.monotonic()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            passed = (time.monotonic() - self.began) / 60
            if passed < min(minutes, every * (len(curve) + 1)):
                return
            paused = time.monotonic()
            errors = [
                float(((model.predict_on_batch(a) - b) ** 2).mean()) * len(b)
                for a, b in zip(x, y, strict=True)
            ]
            value = sum(errors) / sum(len(b) for b in y)
            curve.append((round(passed, 3), min(value, curve[-1][1]) if curve else value))
            self.began += time.monotonic() - paused
            self.model.stop_training = passed >= minutes

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            examples.train.set_epoch(epoch)

    model.fit(
        examples.train,
        validation_data=examples.validation,
        epochs=69,
        shuffle=False,
        verbose=0,
        callbacks=[Clock(), keras.callbacks.ReduceLROnPlateau(factor=FACTOR, patience=PATIENCE)],
    )
    model.save(path)
    return curve


def main(arguments: Sequence[str] | None = None) -> int:
    """Search, train, score and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", type=Path, default=STUDIES / "half-hour.toml")
    parser.add_argument(
        "--every", type=float, default=3.0, help="minutes between two points of the seed's curve"
    )
    parser.add_argument("--seed-rounds", type=int, default=1, help="rounds of the seed's score")
    parser.add_argument("--seed-samples", type=int, default=5000, help="mixtures in each of them")
    parser.add_argument("--skip-seed", action="store_true", help="run the study alone")
    # What the other process is started with.
    parser.add_argument("--seed-way", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    study = options.study.resolve()
    if not study.is_file():
        parser.error(f"there is no study file {options.study}")
    if options.seed_way:
        minutes, folder = float(options.seed_way[0]), Path(options.seed_way[1])
        curve = train_the_seeds_way(study, minutes, options.every, folder / "seed.keras")
        (folder / "seed.json").write_text(json.dumps(curve))
        return 0
    result: dict[str, Any] = {
        "study": study.stem,
        "cpus": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
    }
    with tempfile.TemporaryDirectory(prefix="quality-") as name:
        folder = Path(name)
        shutil.copy(study, folder)
        curve, minutes = search(folder / study.name, folder)
        subprocess.run(studyhall("fetch", study.name, "--to", "best"), cwd=folder, check=True)
        result["ours"] = {
            "minutes": round(minutes, 2),
            "curve": curve,
            "score": score(folder / "best", 10, 5000),
        }
        if not options.skip_seed:
            again = [__file__, "--study", str(study), "--every", str(options.every)]
            subprocess.run([sys.executable, *again, "--seed-way", str(minutes), str(folder)], check=True)
            result["seed-003"] = {
                "curve": json.loads((folder / "seed.json").read_text()),
                "score": score(folder / "seed.keras", options.seed_rounds, options.seed_samples),
            }
    for way in ("ours", "seed-003"):
        if way in result:
            said = result[way]["score"]
            sys.stdout.write(
                f"{way}: test error {said['mean']:.3e} +- {said['std']:.1e} ({said['rounds']} x {said['samples']})\n"
            )
            for at, value in result[way]["curve"]:
                sys.stdout.write(f"{at:8.2f} min  {value:.3e}\n")
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
