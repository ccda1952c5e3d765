"""All commands: finds one, runs it, and turns an error into one line and an exit status."""

import sys
import traceback
from importlib import import_module

import click

from studyhall.data.errors import DataError
from studyhall.search.commands.usage_errors import no_command, with_the_option_that_was_meant
from studyhall.search.core.tracebacks import tracebacks_asked_for
from studyhall.search.processes.stop_switch import StoppedError
from studyhall.studies.errors import WORK_FAILED, StudyhallError

COMMANDS = {  # in the order people meet them; the function is the module's `command`
    "init": "init",
    "check": "check",
    "create": "create",
    "search": "search",
    "worker": "worker",
    "slurm": "slurm",
    "status": "status",
    "extend": "extend",
    "enqueue": "enqueue",
    "import": "import_kerastuner",
    "stop": "stop",
    "serve": "serve",
    "fetch": "fetch",
    "retrain": "retrain",
    "clean": "clean",
    "evaluate": "evaluate",
    "predict": "predict",
    "figures": "figures",
    "models": "models",
    "show": "show",
}


EXIT_STATUSES = (
    "Exit status: 0 success; 1 the work failed; 2 wrong input; 129, 130 or 143 interrupted by a signal. "
    "docs/exit-statuses.md says what each command means by them."
)


class CommandsOnDemand(click.Group):
    """Imports a command's module only when that command, or the list of all, is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"studyhall.search.commands.{COMMANDS[cmd_name]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is asked for, and its arguments."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise no_command(args[0], self, ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=CommandsOnDemand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nBegin with: studyhall init spirals && studyhall search spirals/study.toml\n\n"
    + EXIT_STATUSES,
)
@click.version_option(package_name="studyhall")
def cli() -> None:
    """Studyhall searches for good hyperparameters of Keras models, with any number of workers."""


def run() -> int:
    """Run the command line, say what went wrong, and return the exit status.

    What a signal raises is left to the caller.
    """
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        with_the_option_that_was_meant(error).show()
        return error.exit_code
    except (StudyhallError, DataError) as error:
        for note in getattr(error, "__notes__", ()):
            click.echo(note.rstrip(), err=True)
        if tracebacks_asked_for():
            click.echo(_whole(error).rstrip(), err=True)
        click.echo(f"Error: {error}", err=True)
        return error.exit_status
    except click.Abort:  # click's word for Ctrl-C
        raise KeyboardInterrupt from None
    except StoppedError as stopped:
        return stopped.exit_status
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; Python must not complain when it closes stdout.
        sys.stdout = None
        return WORK_FAILED
    except Exception as error:
        from studyhall.search.core.machine import machine_error

        fault = machine_error(error)
        if fault is None:
            raise
        click.echo(f"Error: {fault}", err=True)
        return fault.exit_status
    return status if isinstance(status, int) else 0


def _whole(error: Exception) -> str:
    """Return the traceback of other people's code that an error stands for; else its own."""
    return getattr(error, "details", "") or "".join(traceback.format_exception(error))
