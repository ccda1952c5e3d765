"""Options, arguments and help texts that several commands share."""

import os
import shlex
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import click

from studyhall.search.commands.limit_options import limits_options
from studyhall.search.core.tracebacks import VARIABLE, ask_for_tracebacks
from studyhall.studies.one_line import redact

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _or_from_file(context: click.Context, parameter: click.Parameter, url: str | None) -> str | None:
    """Return the URL that was given, else the one in the file of STUDYHALL_STORAGE_FILE, else None."""
    file = os.environ.get("STUDYHALL_STORAGE_FILE")
    if url is not None or not file:
        return url
    from studyhall.studies.database.address import read_url_file

    return read_url_file(Path(file))


storage_option: Decorator = click.option(
    "--storage",
    metavar="FILE|URL",
    envvar="STUDYHALL_STORAGE",
    show_envvar=True,
    callback=_or_from_file,
    help="Database of the studies: an SQLite file, or a URL. Default: the URL in the file that STUDYHALL_STORAGE_FILE "
    "names, else the study file's, else studies.db.",
)

artifacts_option: Decorator = click.option(
    "--artifacts",
    metavar="FOLDER|URL",
    envvar="STUDYHALL_ARTIFACTS",
    show_envvar=True,
    help="Artifact store: a folder, or s3://BUCKET/PREFIX. Default: the study's own, else 'artifacts' beside the "
    "database.",
)

plain_option: Decorator = click.option(
    "--plain",
    is_flag=True,
    envvar="STUDYHALL_PLAIN",
    show_envvar=True,
    help="Print one line per event instead of the live view. Without a terminal this is the default.",
)


def _ask_for_tracebacks(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given:
        ask_for_tracebacks()


traceback_option: Decorator = click.option(
    "--traceback",
    is_flag=True,
    envvar=VARIABLE,
    show_envvar=True,
    expose_value=False,
    callback=_ask_for_tracebacks,
    help="Show the whole traceback of what fails in the study's code, libraries' own lines included.",
)

scale_option: Decorator = click.option(
    "--scale",
    type=click.FloatRange(min=0, max=1, min_open=True),
    metavar="F",
    help="Multiply the study file's trials, epochs and samples of an epoch by F, for a small machine: at 0.1 the trials take "
    "about a thousandth of the work. Default: the file's own 'scale', else 1.",
)

project_option: Decorator = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    metavar="FOLDER",
    envvar="STUDYHALL_PROJECT",
    show_envvar=True,
    help="Folder of the study's code on this machine, where STUDY is a name. Default: the one in which the study was created.",
)

leave_option: Decorator = click.option(
    "--leave",
    is_flag=True,
    envvar="STUDYHALL_LEAVE",
    show_envvar=True,
    help="Leave as soon as no trial waits. Default: a worker stays while others have trials, which come back if they are "
    "told to stop, or die.",
)

study_argument: Decorator = click.argument("study", metavar="STUDY")


def launch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says how many workers run here, and on what: `workers`, `gpus` and `slots_per_gpu`."""
    for option in (
        click.option(
            "--slots-per-gpu",
            type=click.IntRange(min=1),
            metavar="K",
            envvar="STUDYHALL_SLOTS_PER_GPU",
            show_envvar=True,
            help="Run K workers on each GPU, each with its share of the GPU's memory.",
        ),
        click.option(
            "--gpus",
            metavar="all|0,2|none",
            envvar="STUDYHALL_GPUS",
            show_envvar=True,
            help="GPUs to train on: all, nvidia-smi's numbers, or none; a worker for each. Default: the first one.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            envvar="STUDYHALL_WORKERS",
            show_envvar=True,
            help="Run N workers, spread over the GPUs in turn; they share this machine's CPUs. Default: 1, or one "
            "for each GPU of --gpus.",
        ),
    ):
        command = option(command)
    return command


def study_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command that works on a study takes: the study, where it is, and how to work on it here.

    These are `study`, `storage`, `artifacts`, `scale`, `plain`, those of `launch_options`, and `settings`.
    """
    for option in reversed(
        (
            study_argument,
            storage_option,
            artifacts_option,
            scale_option,
            plain_option,
            traceback_option,
            launch_options,
            limits_options,
        )
    ):
        command = option(command)
    return command


KERAS_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow (the default) or jax: what trains and predicts",
    "KERAS_HOME": "the folder of Keras's data sets, ~/.keras by default",
    "CUDA_VISIBLE_DEVICES": "the GPUs that are used, CUDA's numbers or UUIDs; empty for none",
}

STORE_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE": "who may use an artifact store in S3",
    "AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE": "where it is, if not at Amazon's; and boto3's other variables",
}

WORK_ENVIRONMENT = (
    KERAS_ENVIRONMENT
    | {
        "STUDYHALL_WEBHOOK, STUDYHALL_WEBHOOK_FILE": "the URL to notify of what happens, or a file that holds it",
        "STUDYHALL_WEBHOOK_SECRET, STUDYHALL_WEBHOOK_SECRET_FILE": "the key that signs the notifications, or a file that holds it",
    }
    | STORE_ENVIRONMENT
)
"""Of a command that works on a study."""


def same_command(study: str, *, only: Container[str] | None = None, command: str | None = None) -> str:
    """Return the command that is running, to be pasted; a password in the storage's URL is not repeated.

    Args:
        study: The STUDY that was given.
        only: The options to repeat, by their parameters' names; by default all that were on the command line.
        command: Another command in place of this one, with the same study.
    """
    context = click.get_current_context()
    words = ["studyhall", command or context.info_name or "", study]
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not isinstance(option, click.Option) or not given or not (only is None or name in only):
            continue
        words.append(option.opts[0])
        if not option.is_flag:
            value = context.params[name]
            words.append(redact(value) if name == "storage" else f"{value}")
    return shlex.join(words)


def epilog(*examples: str, environment: dict[str, str] | None = None) -> str:
    """Return the end of a command's help: examples, and environment variables that are no option's."""
    lines = ["\b", "Example:" if len(examples) == 1 else "Examples:", *(f"  {line}" for line in examples)]
    if environment:
        width = max((len(names) for names in environment if "," not in names), default=0)
        lines += ["", "\b", "Environment:"]
        for names, meaning in environment.items():
            # Several variables stand above what they mean: beside it there is no room for their names.
            lines += (
                [f"  {names}", f"  {'':<{width}}  {meaning}"]
                if "," in names
                else [f"  {names:<{width}}  {meaning}"]
            )
    return "\n".join(lines)
