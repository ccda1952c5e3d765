"""The tables: how soon each search was as good as RandomSearch at its very end, and how good it was at the
same time.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any

NEVER = float("inf")
Lines = list[dict[str, Any]]


def report(folder: Path) -> str:
    """Return the tables of all traces in a folder, as Markdown."""
    traces: dict[str, dict[int, dict[str, Lines]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        variant, seed, system = path.stem.split("-")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        traces.setdefault(variant, {}).setdefault(int(seed), {})[system] = lines
    return "\n".join(_table(variant, seeds) for variant, seeds in traces.items())


def _table(variant: str, seeds: dict[int, dict[str, Lines]]) -> str:
    seeds = {seed: systems for seed, systems in seeds.items() if "random" in systems}
    columns = (
        "system",
        "seeds",
        "CPU s until RandomSearch's best",
        "times less than all of RandomSearch",
        "times less than RandomSearch until it had it",
        "error at equal time, of RandomSearch's",
        "epochs trained",
    )
    rows = [
        f"\n### {variant}: medians (and ranges)\n",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
    ]
    for system in sorted({name for systems in seeds.values() for name in systems}):
        both = [(systems["random"], systems[system]) for systems in seeds.values() if system in systems]
        times = [time_to(best(random), lines) for random, lines in both]
        whole = [float(random[-1]["cpu"]) / took for (random, _), took in zip(both, times, strict=True)]
        had = [time_to(best(random), random) / took for (random, _), took in zip(both, times, strict=True)]
        errors = [best(lines) / best(random) for random, lines in both]
        epochs = [len(lines) - 1 for _, lines in both]
        cells = (_shown(times, 0), _shown(whole, 1), _shown(had, 1), _shown(errors, 3), _shown(epochs, 0))
        rows.append(f"| {system} | {len(both)} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def best(lines: Lines) -> float:
    """Return the least error of a trace."""
    return float(min(line["value"] for line in lines if "value" in line))


def time_to(target: float, lines: Lines) -> float:
    """Return the CPU seconds after which an error was reached; infinity where it never was."""
    return next((float(line["cpu"]) for line in lines if line.get("value", NEVER) <= target), NEVER)


def _shown(values: list[float] | list[int], digits: int) -> str:
    def number(value: float) -> str:
        return "never" if value == NEVER else f"{value:.{digits}f}"

    return f"{number(median(values))} ({number(min(values))} to {number(max(values))})"
