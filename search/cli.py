"""The command line: finds a command, runs it, and turns an error into one line and an exit status."""

import sys
from importlib import import_module

import click

from studyhall.data.errors import DataError
from studyhall.studies.errors import StudyhallError

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


@click.group(
    cls=CommandsOnDemand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: studyhall search studies/quickstart.toml",
)
@click.version_option(package_name="studyhall")
def cli() -> None:
    """Studyhall searches for good hyperparameters of Keras models, with any number of workers."""


def main() -> None:
    """Run the command line; exits with 0, 2 for bad input, 130 when interrupted."""
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (StudyhallError, DataError) as error:
        for note in getattr(error, "__notes__", ()):
            click.echo(note.rstrip(), err=True)
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; Python must not complain when it closes stdout.
        sys.stdout = None
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
