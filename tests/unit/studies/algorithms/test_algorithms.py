"""Samplers and pruners by name: all that Optuna ships, their options checked, one fair draw for
every trial.
"""

import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler

from studyhall.studies.algorithms import packages as optuna_packages
from studyhall.studies.algorithms.factory import (
    check_algorithms,
    check_packages,
    make_pruner,
    make_sampler,
    sampler_for_trial,
)
from studyhall.studies.algorithms.registry import FAMILIES, PRUNERS, SAMPLERS
from studyhall.studies.definition import Definition, PrunerSpec, SamplerSpec
from studyhall.studies.definition.training_sections import BUILT_IN_HYPERMODEL
from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.loading import define, load_definition

# What a class cannot do without; all other classes are tried with their defaults.
NEEDED: dict[str, dict[str, Any]] = {
    "GridSampler": {"search_space": {"x": [0.0, 0.25, 0.5, 0.75], "y": [0.0, 0.5, 1.0]}},
    "PartialFixedSampler": {"fixed_params": {}, "base_sampler": "random"},
    "PatientPruner": {"wrapped_pruner": "median", "patience": 1},
    "PercentilePruner": {"percentile": 25.0},
    "ThresholdPruner": {"upper": 1.0},
}
TRIALS = 12  # more than the startup trials of any sampler


def shipped(module: Any, base: type) -> list[str]:
    classes = (getattr(module, name) for name in module.__all__)
    return [
        each.__name__
        for each in classes
        if inspect.isclass(each) and issubclass(each, base) and not inspect.isabstract(each)
    ]


ALL_SAMPLERS = shipped(optuna.samplers, BaseSampler)
ALL_PRUNERS = shipped(optuna.pruners, optuna.pruners.BasePruner)


def sampler_spec(name: str, **options: Any) -> SamplerSpec:
    return SamplerSpec(name=name, options=NEEDED.get(name, {}) | options)


def pruner_spec(name: str, **options: Any) -> PrunerSpec:
    return PrunerSpec(name=name, options=NEEDED.get(name, {}) | options)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(verbosity)


def proposals(sampler: Callable[[int], BaseSampler], trials: int = TRIALS) -> list[tuple[float, float]]:
    """What is proposed to trials that run one after another, each with the sampler that `sampler(number)`
    returns.
    """
    study = optuna.create_study(sampler=sampler(0))
    proposed = []
    for number in range(trials):
        study.sampler = sampler(number)
        trial = study.ask()
        x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0)
        proposed.append((x, y))
        # Best inside: at a corner, the Gaussian process proposes that corner again and again, and is right
        # to.
        value = (x - 0.3) ** 2 + (y - 0.6) ** 2
        # Not study.tell: samplers of finite spaces call study.stop() at the end, which only study.optimize
        # allows.
        study._storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.COMPLETE, [value])
    return proposed


def needing_packages(name: str) -> Any:
    """A sampler as a parameter of a test, which is skipped where a package that it needs is not installed."""
    missing = optuna_packages.missing_packages(SAMPLERS.find(name, ""))
    return pytest.param(name, marks=pytest.mark.skipif(missing is not None, reason=missing or ""))


def test_everything_that_optuna_ships_is_found() -> None:
    assert len(ALL_SAMPLERS) >= 10
    assert len(ALL_PRUNERS) >= 8
    assert sorted(SAMPLERS.classes()) == sorted(ALL_SAMPLERS)
    assert sorted(PRUNERS.classes()) == sorted(ALL_PRUNERS)


@pytest.mark.parametrize("name", ALL_SAMPLERS)
def test_every_sampler_is_accepted_by_its_class_name_and_by_a_short_one(name: str) -> None:
    for spelling in (name, name.lower(), name.removesuffix("Sampler").lower()):
        definition = Definition(name="a", sampler=SamplerSpec(name=spelling, options=NEEDED.get(name, {})))
        assert check_algorithms(definition).sampler.name == name


@pytest.mark.parametrize("name", ALL_PRUNERS)
def test_every_pruner_is_accepted_by_its_class_name_and_by_a_short_one(name: str) -> None:
    for spelling in (name, name.lower(), name.removesuffix("Pruner").lower()):
        definition = Definition(name="a", pruner=PrunerSpec(name=spelling, options=NEEDED.get(name, {})))
        assert check_algorithms(definition).pruner.name == name


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("asha", "SuccessiveHalvingPruner"),
        ("successive_halving", "SuccessiveHalvingPruner"),
        ("none", "NopPruner"),
        ("Hyperband", "HyperbandPruner"),
    ],
)
def test_usual_spellings_of_pruners_are_understood(spelling: str, name: str) -> None:
    assert type(make_pruner(PrunerSpec(name=spelling))).__name__ == name


@pytest.mark.parametrize("spelling", ["nsga-ii", "NSGA2", "nsgaii"])
def test_usual_spellings_of_samplers_are_understood(spelling: str) -> None:
    assert type(make_sampler(SamplerSpec(name=spelling), 0)).__name__ == "NSGAIISampler"


def test_checking_twice_changes_nothing() -> None:
    checked = check_algorithms(
        Definition(name="a", sampler=sampler_spec("tpe"), pruner=pruner_spec("hyperband"))
    )
    assert check_algorithms(checked) == checked


def test_hyperband_knows_the_epochs_of_a_trial_unless_told() -> None:
    definition = Definition(name="a", pruner=pruner_spec("hyperband"))
    assert check_algorithms(definition).pruner.options == {"max_resource": definition.training.epochs}
    told = Definition(name="a", pruner=pruner_spec("hyperband", max_resource="auto"))
    assert check_algorithms(told).pruner.options == {"max_resource": "auto"}


def test_options_reach_the_constructor() -> None:
    assert make_pruner(pruner_spec("median", n_startup_trials=7))._n_startup_trials == 7  # type: ignore[attr-defined]
    sampler = make_sampler(sampler_spec("tpe", n_startup_trials=7), 0)
    assert sampler._n_startup_trials == 7  # type: ignore[attr-defined]
    assert sampler._group is True  # type: ignore[attr-defined]


def test_pruner_can_wrap_another() -> None:
    nested = {"name": "percentile", "options": {"percentile": 10.0}}
    wrapping: Any = make_pruner(pruner_spec("PatientPruner", wrapped_pruner=nested))
    assert type(wrapping._wrapped_pruner).__name__ == "PercentilePruner"
    assert wrapping._wrapped_pruner._percentile == 10.0


def test_samplers_can_hold_samplers_and_parts_of_them() -> None:
    fixed: Any = make_sampler(sampler_spec("partial-fixed", fixed_params={"x": 1}, base_sampler="nsgaii"), 0)
    assert type(fixed._base_sampler).__name__ == "NSGAIISampler"
    crossover = {"name": "sbx", "options": {"eta": 3.0}}
    genetic: Any = make_sampler(sampler_spec("nsgaii", crossover=crossover, mutation="polynomial"), 0)
    assert type(genetic._child_generation_strategy._crossover).__name__ == "SBXCrossover"
    reference = make_sampler(sampler_spec("nsgaiii", reference_points=[[0.0, 1.0], [1.0, 0.0]]), 0)
    assert type(reference).__name__ == "NSGAIIISampler"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (sampler_spec("tpe", n_startup=3), "sampler.options.n_startup: unknown option of TPESampler; did you mean 'n_startup_trials'?"),
        (sampler_spec("random", q=3), "sampler.options.q: unknown option of RandomSampler; it takes none"),
        (sampler_spec("tpe", n_startup_trials="3"), "sampler.options.n_startup_trials: must be a whole number, not '3'"),
        (sampler_spec("tpe", n_startup_trials=True), "sampler.options.n_startup_trials: must be a whole number, not True"),
        (sampler_spec("tpe", constant_liar=1), "sampler.options.constant_liar: must be true or false, not 1"),
        (sampler_spec("tpe", group=True, multivariate=False), "sampler.options: TPESampler refuses them: "),
        (sampler_spec("tpe", gamma=0.1), "sampler.options.gamma: takes Python objects, which no study file can hold"),
        (sampler_spec("tpe", seed=1), "sampler.options.seed: set search.seed instead"),
        (sampler_spec("tpe", prior_weight=2.0), "sampler.options.prior_weight: remove it: `prior_weight` has been deprecated"),
        (sampler_spec("cmaes", x0={"x": 1.0}), "sampler.options.x0: remove it: `x0` has been deprecated"),
        (sampler_spec("cmaes", inc_popsize=2), "sampler.options: remove it: `restart_strategy` has been deprecated"),
        (sampler_spec("cmaes", source_trials=[1]), "sampler.options.source_trials: takes Python objects"),
        (sampler_spec("grid"), "sampler.options.search_space: is missing; GridSampler needs it"),
        (sampler_spec("nsgaii", crossover={"eta": 1}), "sampler.options.crossover: must be a crossover's name, or {name"),
        (sampler_spec("nsgaii", crossover={"name": "sbx", "options": {"etta": 1.0}}), "sampler.options.crossover.options.etta: unknown option of SBXCrossover; did you mean 'eta'?"),
        (sampler_spec("gausian"), "sampler.name: Optuna has no sampler 'gausian'; there is BruteForceSampler, "),
        (sampler_spec("BaseSampler"), "sampler.name: Optuna has no sampler 'BaseSampler'; "),
        (sampler_spec("median"), "sampler.name: Optuna has no sampler 'median'; "),
    ],
)  # fmt: skip
def test_sampler_that_cannot_be_is_refused_in_one_line(spec: SamplerSpec, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_algorithms(Definition(name="a", sampler=spec))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (pruner_spec("median", n_warmup_steps=-1), "pruner.options: MedianPruner refuses them: Number of warmup steps"),
        (pruner_spec("median", n_warmup=1), "pruner.options.n_warmup: unknown option of MedianPruner; did you mean 'n_warmup_steps'?"),
        (pruner_spec("asha", min_resource=0.5), "pruner.options.min_resource: must be text or a whole number, not 0.5"),
        (pruner_spec("percentile"), "pruner.options.percentile: is missing; PercentilePruner needs it"),
        (pruner_spec("patient", wrapped_pruner="medan", patience=1), "pruner.options.wrapped_pruner.name: Optuna has no pruner 'medan'; did you mean 'MedianPruner'?"),
        (pruner_spec("patient", wrapped_pruner=3, patience=1), "pruner.options.wrapped_pruner: must be a pruner's name, or {name"),
        (pruner_spec("patient", wrapped_pruner={"name": "median", "options": 3}, patience=1), "pruner.options.wrapped_pruner.options: must be a table, not 3"),
        (pruner_spec("hyperbend"), "pruner.name: Optuna has no pruner 'hyperbend'; did you mean 'HyperbandPruner'?"),
    ],
)  # fmt: skip
def test_pruner_that_cannot_be_is_refused_in_one_line(spec: PrunerSpec, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_algorithms(Definition(name="a", pruner=spec))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_nobody_is_warned_of_experiments() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_sampler(sampler_spec("tpe", group=True), 0)
        make_pruner(pruner_spec("PatientPruner"))
    assert not [each for each in caught if issubclass(each.category, optuna.exceptions.ExperimentalWarning)]


def optunas_own(name: str) -> BaseSampler:
    """The sampler as Optuna gives it to anybody, without our checks."""
    options = NEEDED.get(name, {})
    cls: Any = getattr(optuna.samplers, name)
    if name == "PartialFixedSampler":
        options = options | {"base_sampler": optuna.samplers.RandomSampler()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler: BaseSampler = cls(**options)
    return sampler


@pytest.mark.parametrize("name", ALL_SAMPLERS)
def test_sampler_is_known_to_lack_a_package_exactly_when_it_fails_for_it(name: str) -> None:
    cls = SAMPLERS.find(name, "")
    study = optuna.create_study(sampler=optunas_own(name))
    failed = None
    try:
        for _ in range(TRIALS):
            trial = study.ask()
            for parameter in ("x", "y"):
                trial.suggest_float(parameter, 0.0, 1.0, step=0.25)
            study._storage.set_trial_state_values(
                trial._trial_id, optuna.trial.TrialState.COMPLETE, [float(trial.number)]
            )
    except ImportError as error:
        failed = (error.name or "").partition(".")[0]
    missing = [
        package for package in optuna_packages.packages_of(cls) if importlib.util.find_spec(package) is None
    ]
    assert (failed in missing) if failed is not None else not missing


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hides packages, as if they were not installed."""
    find = importlib.util.find_spec

    def hide(*packages: str) -> None:
        monkeypatch.setattr(
            "importlib.util.find_spec",
            lambda name: None if name in packages else (name == "torch") or find(name),
        )

    return hide


def test_missing_package_is_refused_with_the_command_that_installs_it(
    without: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "importlib.metadata.requires",
        lambda name: [
            "pydantic>=2",
            'torch>=2; extra == "gp"',
            "scipy; python_version > '3' and extra == 'gp'",
        ],
    )
    without("scipy", "cmaes")
    for spec, said in (
        (sampler_spec("gp"), "sampler: GPSampler needs scipy; run: pip install 'studyhall[gp]'"),
        (sampler_spec("qmc"), "sampler: QMCSampler needs scipy; run: pip install scipy"),
        (sampler_spec("cmaes"), "sampler: CmaEsSampler needs cmaes; run: pip install cmaes"),
        (
            sampler_spec("partialfixed", fixed_params={}, base_sampler="cmaes"),
            "sampler.options.base_sampler: CmaEsSampler needs cmaes; run: pip install cmaes",
        ),
    ):
        definition = check_algorithms(Definition(name="a", sampler=spec))  # it can be looked at all the same
        with pytest.raises(DefinitionError) as caught:
            check_packages(definition)
        assert str(caught.value) == said
    with pytest.raises(DefinitionError, match="pruner: WilcoxonPruner needs scipy; run: pip install scipy"):
        check_packages(Definition(name="a", pruner=pruner_spec("wilcoxon")))


def test_usual_study_needs_no_package() -> None:
    check_packages(Definition(name="a"))


# BruteForceSampler searches no continuous parameters.
@pytest.mark.parametrize(
    "name", [needing_packages(name) for name in ALL_SAMPLERS if name != "BruteForceSampler"]
)
def test_trials_draw_different_proposals_and_the_same_ones_again(name: str) -> None:
    spec = sampler_spec(name)
    first = proposals(lambda number: sampler_for_trial(spec, 5, number))
    assert len(set(first)) == TRIALS, "two trials were proposed the same"
    assert first == proposals(lambda number: sampler_for_trial(spec, 5, number))
    if name != "QMCSampler":  # its sequence is the same for every seed, unless scrambled
        assert first != proposals(lambda number: sampler_for_trial(spec, 6, number))


def test_grid_is_covered_once_though_every_trial_has_its_own_sampler() -> None:
    spec = sampler_spec("GridSampler")
    points = proposals(lambda number: sampler_for_trial(spec, 1, number), 12)
    assert len(set(points)) == 12


@pytest.mark.parametrize("name", [needing_packages("QMCSampler")])
def test_scrambled_sequence_is_one_sequence_for_all_trials(name: str) -> None:
    spec = sampler_spec(name, scramble=True)
    whole = make_sampler(spec, 9)
    assert (
        proposals(lambda number: whole)[1:]
        == proposals(lambda number: sampler_for_trial(spec, 9, number))[1:]
    )


def test_parameters_outside_of_a_plan_differ_between_trials() -> None:
    spec = sampler_spec("qmc")
    study = optuna.create_study()
    values = set()
    for number in range(4):
        sampler = sampler_for_trial(spec, 3, number)
        trial = study.ask()
        distribution = optuna.distributions.FloatDistribution(0.0, 1.0)
        frozen = study.get_trials()[trial.number]
        values.add(sampler.sample_independent(study, frozen, "late", distribution))
    assert len(values) == 4


def test_families_hold_no_abstract_class() -> None:
    for family in FAMILIES:
        assert family.classes()
        assert family.base not in family.classes()


class ForOneObjective(optuna.samplers.RandomSampler):
    """Refuses several objectives when it proposes, as Optuna's CMA-ES does, whose package is not installed
    here.
    """

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        self._raise_error_if_multi_objective(study)
        return {}


def test_a_sampler_for_one_objective_is_refused_for_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objectives = [{"metric": "val_loss"}, {"metric": "parameters", "direction": "minimize"}]
    model = {"hypermodel": BUILT_IN_HYPERMODEL}
    one = define(model | {"name": "one"}, tmp_path)
    two = define(model | {"name": "two", "pruner": "none", "objective": objectives}, tmp_path)
    check_packages(two)
    monkeypatch.setattr("studyhall.studies.algorithms.factory.make_sampler", lambda spec: ForOneObjective())
    check_packages(one)
    with pytest.raises(DefinitionError, match="several objectives"):
        check_packages(two)


def test_the_pruner_of_the_separation_study_judges_from_the_second_epoch_on_as_its_comment_says(
    repository: Path,
) -> None:
    path = repository / "studies" / "separation.toml"
    assert "from its second\n# epoch on" in path.read_text(encoding="utf-8")
    definition = load_definition(path)
    study = optuna.create_study(pruner=make_pruner(definition.pruner))
    for _ in range(definition.pruner.options["n_startup_trials"]):
        trial = study.ask()
        for epoch in (1, 2):
            trial.report(0.1, epoch)
        study.tell(trial, 0.1)
    late = study.ask()
    late.report(0.9, 1)
    assert not late.should_prune()
    late.report(0.9, 2)
    assert late.should_prune()
