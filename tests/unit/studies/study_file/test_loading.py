"""Reading a study's TOML: defaults, short forms, and one line for everything that is wrong."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studyhall.studies.definition import Definition, EarlyStoppingSpec, PlateauSpec
from studyhall.studies.definition.section import Section
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.loading import define, load_definition
from studyhall.studies.study_file.messages import section_at
from studyhall.studies.study_name import is_study_name

Load = Callable[..., Definition]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a text to a study file and loads it, as a study of our HyperModel where the text names none."""

    def write_and_load(text: str = "", **overrides: object) -> Definition:
        path = tmp_path / "first.toml"
        path.write_text(text, encoding="utf-8")
        model = {} if "hypermodel" in text else {"hypermodel.path": BUILT_IN_HYPERMODEL}
        return load_definition(
            path, model | {key.replace("__", "."): value for key, value in overrides.items()}
        )

    return write_and_load


def refusal(load: Load, text: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        load(text)
    message = str(caught.value)
    assert "\n" not in message
    return message.partition("first.toml")[2]


def test_file_that_names_our_hypermodel_alone_is_a_study_of_the_reference_workload(load: Load) -> None:
    definition = load("hypermodel = 'studyhall.models:SeparationHyperModel'")
    assert definition.name == "first"
    assert definition.data.source == "mnist-fashion"
    assert definition.objective.metric == "val_loss"
    assert definition.objective.direction == "minimize"
    assert definition.sampler.name == "TPESampler"
    assert definition.sampler.options == {"multivariate": True, "group": True, "n_startup_trials": 5}
    assert isinstance(definition.training.early_stopping, EarlyStoppingSpec)
    assert isinstance(definition.training.reduce_learning_rate, PlateauSpec)


def test_every_key_describes_itself() -> None:
    for path, section in sections():
        for name, field in section.model_fields.items():
            assert field.description, f"{'.'.join((*path, name))} has no description"


def test_short_forms_mean_the_same_as_the_long_ones(load: Load) -> None:
    short = load(
        """
        storage = "sqlite:///other.db"
        objective = "val_accuracy"
        sampler = "random"
        pruner = "none"
        hypermodel = "package.module:build"
        data = "synthetic"
        training = {early_stopping = false, reduce_learning_rate = true}
        """
    )
    long = load(
        """
        training = {early_stopping = false}
        [storage]
        url = "sqlite:///other.db"
        [objective]
        metric = "val_accuracy"
        direction = "maximize"
        [sampler]
        name = "RandomSampler"
        [pruner]
        name = "NopPruner"
        [hypermodel]
        path = "package.module:build"
        [data]
        source = "synthetic"
        """
    )
    assert short == long
    assert short.training.early_stopping is False


def test_overrides_win_over_the_file_and_open_its_short_forms(load: Load) -> None:
    definition = load(
        'search = {trials = 3, seed = 4}\nhypermodel = "a.b:c"\ndata = "synthetic"\ntraining = {early_stopping = false}',
        search__trials=7,
        hypermodel__arguments={"units": 3},
        training__early_stopping__patience=9,
    )
    assert (definition.search.trials, definition.search.seed) == (7, 4)
    assert definition.hypermodel.path == "a.b:c"
    assert definition.hypermodel.arguments == {"units": 3}
    assert definition.training.early_stopping == EarlyStoppingSpec(patience=9)


def test_overrides_are_checked_like_the_file(load: Load) -> None:
    with pytest.raises(DefinitionError, match=r"search\.trial: unknown key; did you mean 'trials'\?"):
        load("", search__trial=7)
    with pytest.raises(DefinitionError, match=r"training: must be a table, to have 'training\.epochs' set"):
        load("training = 3", training__epochs=7)


def test_overrides_leave_what_they_were_given_alone(tmp_path: Path) -> None:
    tables = {"name": "a", "hypermodel": BUILT_IN_HYPERMODEL, "search": {"trials": 3}}
    define(tables, tmp_path, {"search.trials": 4})
    assert tables == {"name": "a", "hypermodel": BUILT_IN_HYPERMODEL, "search": {"trials": 3}}


def test_pruner_that_nobody_chose_gives_two_epochs_of_grace_from_the_third_trial_on(load: Load) -> None:
    assert load("").pruner.options == {"n_startup_trials": 2, "n_warmup_steps": 2}
    assert load('pruner = "median"').pruner.options == {}


def test_tpe_groups_and_begins_after_five_trials_unless_told_otherwise(load: Load) -> None:
    assert load('sampler = {name = "TPE", options = {n_startup_trials = 3}}').sampler.options == {
        "multivariate": True,
        "group": True,
        "n_startup_trials": 3,
    }
    assert load("sampler = {options = {multivariate = false}}").sampler.options == {
        "multivariate": False,
        "n_startup_trials": 5,
    }
    assert load("sampler = {options = {group = false}}").sampler.options == {
        "multivariate": True,
        "group": False,
        "n_startup_trials": 5,
    }


def test_direction_comes_from_the_metric_where_its_name_says_it(load: Load) -> None:
    for metric in ("val_loss", "val_mean_squared_error", "mae"):
        assert load(f'objective = "{metric}"').objective.direction == "minimize"
    for metric in ("val_accuracy", "val_sparse_categorical_accuracy", "val_auc"):
        assert load(f'objective = "{metric}"').objective.direction == "maximize"
    assert "add direction = 'minimize' or 'maximize'" in refusal(load, 'objective = "reward"')
    assert load('objective = {metric = "reward", direction = "maximize"}').objective.direction == "maximize"


def test_synthetic_source_gets_defaults_that_fit_it(load: Load) -> None:
    data = load('data = {source = "synthetic", validation_samples = 9}').data
    assert data.validation_images < 256
    assert data.validation_samples == 9


def test_our_networks_are_told_how_the_mixtures_are_made(load: Load) -> None:
    assert load('data = {mix = "sum"}').hypermodel.arguments == {"mix": "sum"}
    ours = f'hypermodel = {{path = "{BUILT_IN_HYPERMODEL}", arguments = {{filters = 8}}}}'
    assert load(f'data = {{mix = "sum"}}\n{ours}').hypermodel.arguments == {"mix": "sum", "filters": 8}
    summed = 'data = {source = "mnist-fashion", mix = "sum"}\n'
    assert load(f'{summed}hypermodel = "mine:build"').hypermodel.arguments == {}
    assert load(f'{summed}hypermodel = "studyhall.models_of_mine:build"').hypermodel.arguments == {}
    assert "is 'mean' but data.mix is 'sum'" in refusal(
        load, 'data = {mix = "sum"}\nhypermodel = {arguments = {mix = "mean"}}'
    )


def sections(
    section: type[Section] = Definition, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    yield path, section
    for name in section.model_fields:
        inner = section_at([*path, name])
        if inner is not None:
            yield from sections(inner, (*path, name))


def test_every_misspelt_key_is_refused_with_the_one_that_was_meant(load: Load, tmp_path: Path) -> None:
    tried = 0
    for path, section in sections():
        for name in section.model_fields:
            if {"origin", "also", "from_study"} & {*path, name}:  # no key of a TOML, and lists of tables
                continue
            dotted = ".".join((*path, name[:-1]))
            with pytest.raises(DefinitionError) as caught:
                define({"name": "a"}, tmp_path, {dotted: 1})
            # It is the name of another section's key, too.
            other = " or 'retraining.schedule'" if name == "scheduler" else ""
            assert str(caught.value) == f"{dotted}: unknown key; did you mean '{name}'{other}?"
            tried += 1
    assert tried > 40


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs = 3", ": epochs: unknown key; did you mean 'search.epochs' or 'training.epochs'?"),
        ("[retraining]\nqqq = 1", ": retraining.qqq: unknown key; there is epochs, samples_per_epoch, "),
        ("origin = {folder = 'x'}", ": origin: unknown key; there is name, description, "),
        ("training = 3", ": training: must be a table, not 3"),
        ("training.epochs = 'three'", ": training.epochs: must be a whole number, not 'three'"),
        ("training.epochs = 2.0", ": training.epochs: must be a whole number, not 2.0"),
        ("training.epochs = true", ": training.epochs: must be a whole number, not true"),
        ("training.epochs = 0", ": training.epochs: must be greater than or equal to 1, not 0"),
        ("training.early_stopping = 3", ": training.early_stopping: must be a table, true or false, not 3"),
        (
            "[training.early_stopping]\npatience = -1",
            ": training.early_stopping.patience: must be greater than or equal to 0, not -1",
        ),
        ("search.seed = 4294967296", ": search.seed: must be less than 4294967296, not 4294967296"),
        ("description = 3", ": description: must be text, not 3"),
        (
            "objective.direction = 'min'",
            ": objective.direction: must be 'minimize' or 'maximize', not 'min'; did you mean 'minimize'?",
        ),
        ("data = 'mnist_fashion'", ": data.source: there is no source 'mnist_fashion', and a function of yours is named 'file.py:name'; did you mean 'mnist-fashion'?"),
        ("data = {source = 'synthetic', arguments = {a = 1}}", ": data: source 'synthetic' takes no arguments; remove them"),
        ("data = {arguments = {a = 1}}", ": data: arguments are for a function of yours, and source names none; write source = "),
        ("data = {source = 'a:b', mix = 'sum'}", ": data: mix does not apply to 'a:b'; pass it in arguments"),
        ("hypermodel = 'my_model.py'", ": hypermodel.path: 'my_model.py' names no class or function; write 'file.py:name'"),
        ("hypermodel.arguments = {a = [nan]}", ": hypermodel.arguments: nan cannot be used here; give a finite number"),
        ("hypermodel.arguments = {a = 2020-01-01}", ": hypermodel.arguments: datetime.date(2020, 1, 1) cannot be used here"),
        ("enqueue = [{}]", ": enqueue: an empty configuration is the default one"),
        ("enqueue = [{units = [1]}]", ": enqueue.0.units: must be text, a number, true or false, not [1]"),
        ("storage = 'me:secret@db/x'", ": storage.url: is neither a file's name nor a URL; write a file's name"),
        ("name = ' '", ": name: is empty; write a name, or leave it out"),
        ("sampler = 'tpee'", ": sampler.name: Optuna has no sampler 'tpee'; did you mean 'TPESampler'?"),
        ("pruner = 'medium'", ": pruner.name: Optuna has no pruner 'medium'; did you mean 'MedianPruner'?"),
        (
            "retraining = {schedule = 'plateau', reduce_learning_rate = false}",
            ": retraining: schedule 'plateau' needs reduce_learning_rate; ",
        ),
        (
            "training = {epochs = 0, batch_size = 0, epoch = 1}",
            ": training.epoch: unknown key; did you mean 'epochs'? (and 2 more)",
        ),
        ("\n\nname = \n", ", line 3, column 8: TOML syntax error: Invalid value"),
        ("name = 'a'\nname = 'b'\n", ", line 2, column 11: TOML syntax error: Cannot overwrite a value"),
        ("name = 'a'\n[search", ", line 2, at its end: TOML syntax error: Expected ']'"),
        ("[[[[", ", line 1, column 3: TOML syntax error: "),
        (f"search.seed = {'9' * 5000}", ", line 1, at its end: TOML syntax error: "),
        (f"enqueue = {'[' * 5000}", " nests tables or lists too deeply"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_that_names_the_key_and_what_is_allowed(
    load: Load, text: str, said: str
) -> None:
    assert refusal(load, text).startswith(said)


def test_long_values_are_cut_in_messages(load: Load) -> None:
    assert len(refusal(load, f"training.epochs = '{'x' * 5000}'")) < 150


def test_passwords_are_never_repeated(load: Load) -> None:
    for text in ("storage = 'u:secret@host'", "storage.ulr = 'postgresql://u:secret@host/db'"):
        assert "secret" not in refusal(load, text)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a/b", "a-b"),
        ("..", "study"),
        (".hidden", "hidden"),
        ("with space", "with-space"),
        ("a\nb", "a-b"),
        ("a%2f", "a-2f"),
        ("a?b", "a-b"),
        ("<b>[1] (2)", "b-1-2"),
        ("e\u0301tude 1", "étude-1"),
        ("日本 語", "日本-語"),
    ],
)
def test_name_that_would_break_a_url_is_made_into_one_that_does_not(load: Load, name: str, made: str) -> None:
    assert load("", name=name).name == made
    assert is_study_name(made)


def test_long_names_are_shortened_and_stay_apart(load: Load) -> None:
    one, other = (load("", name="x" * 300 + end).name for end in "ab")
    assert (len(one), len(other)) == (100, 100)
    assert one != other


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my study.toml", "my-study"),
        ("spirals/study.toml", "spirals"),
        ("spirals/search/study.toml", "spirals"),
        ("My spirals (2)/study.toml", "My-spirals-2"),
        ("tune [v1].toml", "tune-v1"),
    ],
)
def test_study_is_called_as_its_file_or_as_the_folder_of_a_study_toml(
    file: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text('hypermodel = "studyhall.models:SeparationHyperModel"\n')
    assert load_definition(path).name == name


@pytest.mark.parametrize("name", ["a", "separation-2", "v1.5_b", "étude", "7"])
def test_ordinary_names_are_accepted(load: Load, name: str) -> None:
    assert load("", name=name).name == name


def test_missing_file_is_named_with_those_that_look_like_it(tmp_path: Path) -> None:
    for name in ("quickstart.toml", "separation.toml"):
        (tmp_path / name).touch()
    with pytest.raises(
        DefinitionError, match=r"there is no file .*quickstrat\.toml; did you mean 'quickstart\.toml'\?"
    ):
        load_definition(tmp_path / "quickstrat.toml")
    with pytest.raises(DefinitionError, match=r"there is quickstart\.toml, separation\.toml"):
        load_definition(tmp_path / "zzz.toml")
    with pytest.raises(DefinitionError, match=r"there is no file .*; give the path of a study's TOML"):
        load_definition(tmp_path / "nowhere" / "a.toml")


def test_folder_and_binary_file_are_told_from_a_study_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").touch()
    with pytest.raises(DefinitionError, match=r"is a folder; name one of its files: a\.toml"):
        load_definition(tmp_path)
    (tmp_path / "b.toml").write_bytes(b"\x89PNG\xff")
    with pytest.raises(DefinitionError, match="is not UTF-8 text"):
        load_definition(tmp_path / "b.toml")
    with pytest.raises(DefinitionError, match="cannot be read: embedded null"):
        load_definition(Path("a\0.toml"))


def test_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(
        b"\xef\xbb\xbfname = 'b'\r\nhypermodel = 'studyhall.models:SeparationHyperModel'\r\n"
    )
    assert load_definition(tmp_path / "a.toml").name == "b"


def test_definitions_never_change(load: Load) -> None:
    definition = load("")
    with pytest.raises(ValueError, match="frozen"):
        definition.training.epochs = 3


def test_shipped_quickstart_is_a_study(repository: Path) -> None:
    definition = load_definition(repository / "studies" / "quickstart.toml")
    assert definition.name == "quickstart"
    assert definition.data.source == "mnist-fashion"
    assert definition.retraining.schedule == "cosine"


def test_reading_a_definition_imports_no_heavy_library() -> None:
    code = (
        "import sys, studyhall.studies.study_file.loading\n"
        "print([name for name in ('optuna', 'keras', 'tensorflow', 'numpy', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
