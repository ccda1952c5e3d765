"""Every private name of another project that we touch, so that an upgrade that lacks one fails here and names
it.

The names are promised by nobody. Where one is gone, grep for it: each use says what it is needed for.
"""

import ast
import functools
import importlib
import inspect
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import optuna
import pytest
import sqlalchemy
from a2wsgi import WSGIMiddleware
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner, PatientPruner
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.trial import Trial
from packaging.requirements import Requirement

MODULES = {
    "keras.src.backend.common.global_state": ("get_global_attribute", "set_global_attribute"),
    "keras.src.dtype_policies.dtype_policy": ("set_dtype_policy",),
    "keras_tuner.src.engine.hypermodel": ("DefaultHyperModel", "get_hypermodel"),
    "keras_tuner.src.engine.metrics_tracking": ("infer_metric_direction",),
    "keras_tuner.src.engine.objective": (
        "DefaultObjective",
        "MultiObjective",
        "Objective",
        "create_objective",
    ),
    "keras_tuner.src.engine.oracle": ("Display",),
    "keras_tuner.src.engine.tuner_utils": ("TunerCallback",),
    "multiprocessing.connection": ("Connection",),  # made of a descriptor that was inherited
    "optuna.samplers._grid": ("_logger",),  # silenced by its name
    "optuna.storages._cached_storage": ("_CachedStorage", "_StudyInfo"),
    "optuna.storages._rdb.storage": ("_logger",),  # filtered by its name
    "optuna.study._frozen": ("FrozenStudy",),
}


def cached_storage() -> Any:
    with_tables = RDBStorage("sqlite://", engine_kwargs={"poolclass": sqlalchemy.StaticPool})
    with_tables.engine.dispose()
    return importlib.import_module("optuna.storages._cached_storage")._CachedStorage(with_tables)


def trial() -> Trial:
    return optuna.create_study(storage=InMemoryStorage()).ask()


def adam() -> keras.optimizers.Adam:
    adam = keras.optimizers.Adam()
    adam.build([keras.Variable([1.0])])
    return adam


def fitted(callback: Any) -> Any:
    callback.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    callback.on_train_begin()
    return callback


OBJECTS: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "a2wsgi.WSGIMiddleware": (lambda: WSGIMiddleware(lambda environ, start: []), ("executor",)),
    "keras.Model": (
        lambda: keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
        ("_flatten_layers", "_initial_epoch", "train_function", "test_function", "train_step", "test_step"),
    ),
    "keras.callbacks.EarlyStopping": (
        lambda: fitted(keras.callbacks.EarlyStopping()),
        ("wait", "best", "best_epoch", "stopped_epoch"),
    ),
    "keras.callbacks.ReduceLROnPlateau": (
        lambda: fitted(keras.callbacks.ReduceLROnPlateau()),
        ("wait", "best", "cooldown_counter"),
    ),
    "keras.optimizers.Adam": (
        adam,
        ("_backend_update_step", "_get_variable_index", "_learning_rate", "_momentums", "_velocities"),
    ),
    "keras_tuner.HyperParameters": (
        keras_tuner.HyperParameters,
        (
            "_conditions",
            "_exists",
            "_get_name",
            "_hps",
            "_maybe_conditional_scope",
            "_register",
            "_retrieve",
            "_validate_name",
        ),
    ),
    "keras_tuner.engine.hyperparameters.Int": (
        lambda: keras_tuner.engine.hyperparameters.Int("units", 1, 2),
        ("_default",),
    ),
    "keras_tuner.Oracle": (lambda: keras_tuner.Oracle(max_trials=1), ("_display",)),
    "keras_tuner.Tuner": (
        lambda: keras_tuner.Tuner,
        (
            "_build_and_fit_model",
            "_build_hypermodel",
            "_configure_tensorboard_dir",
            "_deepcopy_callbacks",
            "_get_tensorboard_dir",
            "_populate_initial_space",
            "_run_and_update_trial",
            "_try_build",
            "_try_run_and_update_trial",
        ),
    ),
    "optuna.distributions.BaseDistribution": (lambda: FloatDistribution(0.0, 1.0), ("_contains",)),
    "optuna.pruners.PatientPruner": (lambda: PatientPruner(NopPruner(), patience=1), ("_wrapped_pruner",)),
    "optuna.storages.RDBStorage": (
        lambda: RDBStorage,
        ("_create_new_trial", "_get_best_trial_id", "_get_trials", "_set_trial_param"),
    ),
    "optuna.storages._CachedStorage": (
        cached_storage,
        (
            "_add_trials_to_cache",
            "_backend",
            "_lock",
            "_read_trials_from_remote_storage",
            "_studies",
            "_trial_id_to_study_id_and_number",
        ),
    ),
    "optuna.storages._cached_storage._StudyInfo": (
        lambda: importlib.import_module("optuna.storages._cached_storage")._StudyInfo(),
        ("last_finished_trial_id", "trials", "unfinished_trial_ids"),
    ),
    "optuna.trial.FrozenTrial": (lambda: optuna.trial.create_trial(value=1.0), ("_trial_id",)),
    "optuna.trial.Trial": (
        trial,
        ("_cached_frozen_trial", "_fixed_params", "_get_latest_trial", "_trial_id"),
    ),
    "sqlalchemy.engine.Dialect": (
        lambda: sqlalchemy.create_engine("sqlite://").dialect,
        ("_do_ping_w_event",),
    ),
}
OURS = ("studies", "search", "models", "data")


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in MODULES.items() for name in names]
)
def test_module_has_what_we_use_of_it(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    ("what", "name"), [(what, name) for what, (_, names) in OBJECTS.items() for name in names]
)
def test_object_has_what_we_use_of_it(what: str, name: str) -> None:
    assert hasattr(_made(what), name)


@functools.cache
def _made(what: str) -> Any:
    return OBJECTS[what][0]()


def test_what_we_use_the_insides_of_has_an_upper_bound(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = {
        requirement.name: str(requirement.specifier)
        for requirement in map(Requirement, project["dependencies"])
    }
    packages = {each.partition(".")[0].replace("_", "-") for each in (*MODULES, *OBJECTS)}
    packages |= {"optuna-dashboard"}  # whose notes and artifacts we write as it does
    for package in packages - sys.stdlib_module_names:
        assert "<" in bounds[package], package


def test_optuna_warns_of_a_failed_statement_in_the_words_that_we_leave_out() -> None:
    storage = importlib.import_module("optuna.storages._rdb.storage")
    assert '"Caught an error from sqlalchemy' in inspect.getsource(storage)
    assert storage._logger.name == storage.__name__


def test_no_other_private_name_is_used(repository: Path) -> None:
    known = {name for _, names in OBJECTS.values() for name in names}
    files = [path for folder in OURS for path in (repository / folder).rglob("*.py")]
    trees = {str(path.relative_to(repository)): ast.parse(path.read_text(encoding="utf-8")) for path in files}
    own = {name for tree in trees.values() for name in _defined(tree)} | {"_exit"}  # of os
    for where, tree in trees.items():
        assert _private_attributes(tree) - own <= known, f"list what {where} uses"
        assert _private_imports(tree) <= MODULES.keys(), f"list what {where} imports"


def _defined(tree: ast.AST) -> Iterator[str]:
    """What a module gives a name to."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def _private_attributes(tree: ast.AST) -> set[str]:
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in found if _is_private(name)}


def _private_imports(tree: ast.AST) -> set[str]:
    """The modules that a module imports from, where they, or what it takes of them, are private."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported = [(each.name, each.name) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [(str(node.module), f"{node.module}.{each.name}") for each in node.names]
        else:
            continue
        found |= {
            (full if full in MODULES else module)
            for module, full in imported
            if any(part == "src" or _is_private(part) for part in full.split("."))
        }
    return found


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")
