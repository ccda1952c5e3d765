"""The sampler and the pruner of a definition, as Optuna's objects."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studyhall.studies.algorithms.options import Constructor
from studyhall.studies.algorithms.registry import PRUNERS, SAMPLERS, parameters
from studyhall.studies.definition import Definition, PrunerSpec, SamplerSpec
from studyhall.studies.errors import DefinitionError
from studyhall.studies.seeds import derived_seed

if TYPE_CHECKING:  # importing Optuna takes 0.3 s, which those who only read a definition need not wait for
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

# Samplers that follow one plan through the whole study, which their seed lays down: the order of a grid's
# points, of which a trial takes the one with its number, and the scrambling of a quasi-random sequence. All
# others keep what they know in the storage, and a seed says no more than what one proposal draws.
_PLANNED = frozenset({"GridSampler", "QMCSampler"})


def make_sampler(spec: SamplerSpec, seed: int | None = None) -> "BaseSampler":
    """Construct a sampler; it gets the seed if it takes one.

    Raises:
        DefinitionError: No such sampler, options that it does not take, or a package that it needs is
            missing.
    """
    return _sampler(spec, Constructor(lambda cls: _seeds(cls, seed, seed)))


def sampler_for_trial(spec: SamplerSpec, study_seed: int, number: int) -> "BaseSampler":
    """Construct the sampler that proposes one trial's hyperparameters, whichever worker runs it.

    Given the same earlier trials, a trial's proposal is the same wherever and whenever it is made, and no two
    trials draw the same by accident. Samplers that follow a plan get the study's seed for it, and the trial's
    own seed for what lies outside of it.

    Args:
        spec: The definition's section.
        study_seed: The definition's `search.seed`.
        number: The trial's number in its study, from 0.

    Raises:
        DefinitionError: As for `make_sampler`.
    """
    drawn = derived_seed("sampler", study_seed, number)
    return _sampler(spec, Constructor(lambda cls: _seeds(cls, study_seed, drawn)))


def is_grid(spec: SamplerSpec) -> bool:
    """Whether a sampler tries the points of a grid, one for each trial."""
    return SAMPLERS.find(spec.name, "sampler.name").__name__ == "GridSampler"


def grid_of(spec: SamplerSpec) -> Mapping[str, Sequence[Any]]:
    """Return the values of a grid's parameters, or nothing for a sampler that is no grid."""
    return spec.options.get("search_space", {}) if is_grid(spec) else {}


def make_pruner(spec: PrunerSpec) -> "BasePruner":
    """Construct a pruner.

    Raises:
        DefinitionError: No such pruner, options that it does not take, or a package that it needs is missing.
    """
    return _pruner(spec, Constructor())


def check_algorithms(definition: Definition) -> Definition:
    """Check the names and options of a definition's sampler and pruner.

    Packages that they would need are another matter: a study can be looked at without them
    (`check_packages`).

    Returns:
        The definition with their classes' names in full, and with the epochs of a trial as the greatest
        resource of a pruner that asks for one: Optuna would take the first trial's, which may have stopped
        early.

    Raises:
        DefinitionError: No such algorithm, or options that it does not take.
    """
    unready = Constructor(packages=False)
    _sampler(definition.sampler, unready)
    pruner, options = PRUNERS.find(definition.pruner.name, "pruner.name"), definition.pruner.options
    if "max_resource" in parameters(pruner):
        options = {"max_resource": definition.training.epochs} | options
    checked = definition.model_copy(
        update={
            "sampler": definition.sampler.model_copy(
                update={"name": SAMPLERS.find(definition.sampler.name, "sampler.name").__name__}
            ),
            "pruner": PrunerSpec(name=pruner.__name__, options=options),
        }
    )
    _pruner(checked.pruner, unready)
    return checked


def check_packages(definition: Definition) -> None:
    """Check that the sampler and the pruner can run here, before a study is created or joined.

    Raises:
        DefinitionError: A package is missing, and the line says how to install it; or the sampler refuses
            several objectives, which Optuna would say only when it proposes.
    """
    sampler = make_sampler(definition.sampler)
    make_pruner(definition.pruner)
    if len(definition.directions) == 1:
        return
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        directions = [optuna.study.StudyDirection[each.upper()] for each in definition.directions]
        _ = optuna.create_study(sampler=sampler, directions=directions).ask().relative_params  # proposes
    except ValueError as error:
        raise DefinitionError(
            f"sampler {definition.sampler.name!r} cannot search for several objectives ({error}); "
            "use 'tpe' or 'nsgaii', or one objective"
        ) from error
    finally:
        optuna.logging.set_verbosity(before)


def _sampler(spec: SamplerSpec, constructor: Constructor) -> "BaseSampler":
    cls = SAMPLERS.find(spec.name, "sampler.name")
    if cls.__name__ == "GridSampler":
        # It warns that a point of the grid is tried again, which here happens only where somebody asked for
        # it.
        logging.getLogger("optuna.samplers._grid").setLevel(logging.ERROR)
    sampler: BaseSampler = constructor.construct(cls, spec.options, "sampler")
    return sampler


def _pruner(spec: PrunerSpec, constructor: Constructor) -> "BasePruner":
    cls = PRUNERS.find(spec.name, "pruner.name")
    pruner: BasePruner = constructor.construct(cls, spec.options, "pruner")
    return pruner


def _seeds(cls: Callable[..., Any], plan: int | None, drawn: int | None) -> Mapping[str, Any]:
    """Return the arguments of a class that have to do with chance."""
    takes = parameters(cls)
    arguments: dict[str, Any] = {}
    if "seed" in takes:
        arguments["seed"] = plan if cls.__name__ in _PLANNED else drawn
    if "independent_sampler" in takes:  # it would get the plan's seed, and draw the same for every trial
        arguments["independent_sampler"] = SAMPLERS.classes()["RandomSampler"](seed=drawn)
    return arguments
