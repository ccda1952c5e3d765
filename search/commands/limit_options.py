"""The options by which a worker's patience and memory are limited."""

import functools
from collections.abc import Callable
from typing import Any

import click

from studyhall.search.devices.host_memory import GIB
from studyhall.search.processes.limits import STALL_SECONDS, Limits
from studyhall.studies.queue.lease import LEASE_SECONDS


def limits_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --lease, --stall-limit and --memory-limit; the command gets a WorkerSettings as `settings`."""

    @click.option(
        "--lease",
        type=click.FloatRange(min=1),
        default=LEASE_SECONDS,
        show_default=True,
        metavar="SECONDS",
        envvar="STUDYHALL_LEASE_SECONDS",
        show_envvar=True,
        help="How long a worker may be silent before its trial goes to another one.",
    )
    @click.option(
        "--stall-limit",
        type=click.FloatRange(min=1),
        default=STALL_SECONDS,
        show_default=True,
        metavar="SECONDS",
        envvar="STUDYHALL_STALL_SECONDS",
        show_envvar=True,
        help="How long a trial may train no batch before it fails.",
    )
    @click.option(
        "--memory-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="GIB",
        envvar="STUDYHALL_MEMORY_LIMIT",
        show_envvar=True,
        help="Memory of a training process beyond which it is killed. Default: four fifths of the machine's memory.",
    )
    @functools.wraps(command)
    def with_settings(
        *args: Any, lease: float, stall_limit: float, memory_limit: float | None, **kwargs: Any
    ) -> Any:
        from studyhall.search.workers.settings import WorkerSettings

        memory = None if memory_limit is None else int(memory_limit * GIB)
        settings = WorkerSettings(lease, Limits(memory=memory, stall_seconds=stall_limit))
        return command(*args, settings=settings, **kwargs)

    return with_settings
