"""The options that hand a search's workers to an engine, in place of this machine."""

import functools
from collections.abc import Callable
from typing import Any

import click


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --on and what it takes; the command gets a RayRequest, or None, as `request`.

    Workers are counted by the `workers` of `launch_options`.
    """

    @click.option(
        "--on",
        "engine",
        type=click.Choice(["ray"]),
        help="Run the workers on the nodes of a Ray cluster instead of this machine.",
    )
    @click.option(
        "--address",
        metavar="HOST:PORT",
        envvar="RAY_ADDRESS",
        show_envvar=True,
        help="With --on ray: the Ray cluster. Default: the one that runs on this machine, else a new one on it.",
    )
    @click.option(
        "--gpus-per-worker",
        type=click.FloatRange(min=0, max=1),
        metavar="F",
        help="With --on ray: a worker's share of a GPU, and of its memory. Default: 1 where Ray has GPUs, else 0.",
    )
    @click.option(
        "--cpus-per-worker",
        type=click.FloatRange(min=0, min_open=True),
        metavar="C",
        help="With --on ray: a worker's CPUs. Default: 1.",
    )
    @click.option(
        "--detach",
        is_flag=True,
        help="With --on ray: leave the workers to Ray once they are at work; 'studyhall stop' ends them.",
    )
    @functools.wraps(command)
    def with_engine(
        *args: Any,
        engine: str | None,
        address: str | None,
        gpus_per_worker: float | None,
        cpus_per_worker: float | None,
        detach: bool,
        **kwargs: Any,
    ) -> Any:
        from studyhall.search.clusters.ray.request import RayRequest

        if engine is None:
            _require_engine(gpus_per_worker, cpus_per_worker, detach)
            return command(*args, request=None, **kwargs)
        for option in ("gpus", "slots_per_gpu"):
            if kwargs.get(option) is not None and _given(option):
                raise click.UsageError(
                    f"--{option.replace('_', '-')} is about this machine: with --on ray use --gpus-per-worker"
                )
        request = RayRequest(address, kwargs["workers"] or 1, cpus_per_worker or 1.0, gpus_per_worker, detach)
        return command(*args, request=request, **kwargs)

    return with_engine


def _require_engine(gpus_per_worker: float | None, cpus_per_worker: float | None, detach: bool) -> None:
    given = {"--gpus-per-worker": gpus_per_worker, "--cpus-per-worker": cpus_per_worker, "--detach": detach}
    for option, value in given.items():
        if value is not None and value is not False:
            raise click.UsageError(f"{option} goes with --on ray")


def _given(parameter: str) -> bool:
    """Whether an option was on the command line, not in the environment, which may be another command's."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.COMMANDLINE
