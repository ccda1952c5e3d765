"""What is said of a command or an option that there is not."""

from collections.abc import Iterator

import click

from studyhall.did_you_mean import closest, did_you_mean, suggested


def no_command(name: str, group: click.Group, context: click.Context) -> click.UsageError:
    """Return the error for a command that there is not, with the closest that there is."""
    return click.UsageError(
        f"there is no command {name!r}; {did_you_mean(name, group.list_commands(context))}", context
    )


def with_the_option_that_was_meant(error: click.ClickException) -> click.ClickException:
    """Return the error for an option that a command does not have, with the closest that there is.

    Any other error is returned as it is.
    """
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error
    name, command = error.option_name, error.ctx.command
    near = closest(name, _options(command, error.ctx))
    others = [] if near or error.ctx.parent is None else _having(name, error.ctx.parent)
    hint = f"; {suggested(near)}" if near else f"; {', '.join(others)} has it" if others else ""
    return click.UsageError(f"{error.ctx.info_name} has no option {name}{hint}", error.ctx)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for each in command.get_params(context):
        yield from each.opts if isinstance(each, click.Option) else ()


def _having(name: str, context: click.Context) -> list[str]:
    """Return the commands that have an option of that name."""
    group = context.command
    if not isinstance(group, click.Group):
        return []
    commands = {each: group.get_command(context, each) for each in group.list_commands(context)}
    return [each for each, found in commands.items() if found and name in _options(found, context)]
