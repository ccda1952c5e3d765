"""Small projects as people have them: what each one trains, and what its study file says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.own_module import MODULE

# What is left of float32 over a few steps, relative to a value.
ROUNDING = 1e-5

STUDY = """
name = "{name}"
hypermodel = "{module}.py:{build}"
data = "{module}.py:{load}"
objective = {{ metric = "{metric}", direction = "{direction}" }}
pruner = {pruner}
enqueue = {enqueue}
search = {{ trials = {trials}, seed = 7 }}
training = {{ epochs = {epochs}, batch_size = 8, early_stopping = false, reduce_learning_rate = false }}

[retraining]
epochs = {again}
schedule = "constant"
early_stopping = false
"""


@dataclass(frozen=True)
class Own:
    """One study of a person's own."""

    name: str
    build: str = "build"
    load: str = "load"
    metric: str = "val_loss"
    direction: str = "minimize"
    pruner: str = '"none"'
    enqueue: str = "[]"
    trials: int = 2
    epochs: int = 2
    # The epochs of the retraining.
    again: int = 3
    # What stands before the module's code.
    first: str = ""

    @property
    def module(self) -> str:
        """The name of its module, which no other test's has."""
        return f"own_{self.name}".replace("-", "_")

    def best_of(self, values: list[float]) -> float:
        """The best of an objective's values."""
        return max(values) if self.direction == "maximize" else min(values)

    def write(self, folder: Path) -> None:
        """Write the project's files into a folder."""
        code = self.first + MODULE.replace('"own_projects"', f'"{self.module}"')
        (folder / f"{self.module}.py").write_text(code)
        (folder / f"{self.name}.toml").write_text(STUDY.format(**vars(self), module=self.module))


MIXED = 'import keras\n\nkeras.config.set_dtype_policy("mixed_bfloat16")\n'

# The default is linear; one configuration has a scope within a scope.
NESTED = '[{ kind = "deep", shape = "two", units = 4 }]'


def peak(pruner: str, options: str, **changes: Any) -> Own:
    """A study of three courses, the best of which is best in its second epoch of four."""
    return Own(
        f"peak-{pruner}",
        **{
            "build": "Peak",
            "load": "load_line",
            "pruner": f'{{ name = "{pruner}", options = {options} }}',
            "enqueue": '[{ course = "late" }, { course = "peak" }]',
            "trials": 3,
            "epochs": 4,
            "again": 4,
            **changes,
        },
    )


PROJECTS = [
    Own("f1", "per_class", "load_py_dataset", "val_macro", "maximize"),
    Own("loop", "Loop"),
    Own("phases", "Phases"),
    Own("schedule", "scheduled", "load_filtered", first=MIXED),
    Own("subclassed", "subclassed"),
    Own("computed", "Computed", metric="aic"),
    Own("nested", "Steps", "load_endless", trials=3, enqueue=NESTED),
    # One whose best trial is retrained, one whose retraining is worse, and one that is maximized.
    peak("hyperband", "{ min_resource = 1, max_resource = 4, reduction_factor = 2 }"),
    peak("median", "{ n_startup_trials = 1 }", again=1),
    peak(
        "patient",
        '{ wrapped_pruner = { name = "median", options = { n_startup_trials = 1 } }, patience = 1 }',
        build="Determined",
        metric="val_r2_score",
        direction="maximize",
    ),
]
