"""The entry point: finds the command, runs it, turns errors into exit codes.

stdout is data, stderr is talk. Exit codes: 0 all done, 1 stopped, 2 usage or configuration,
3 finished with failed scans, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import click

from allbrains import extras
from allbrains.cli.commands import COMMANDS, GROUPS
from allbrains.cli.interrupts import orderly
from allbrains.cli.terminal import echo, speakable
from allbrains.errors import AllbrainsError, ConfigurationError
from allbrains.version import VERSION

STOPPED, USAGE, SOME_FAILED, INTERRUPTED = 1, 2, 3, 130


class _Commands(click.Group):
    """A group that imports a command's module only when it is asked for by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # what a killed `scan` of an own head left is removed by the next command; the list of commands
        # imports nothing
        importlib.import_module("allbrains.run.slot.scratch").sweep_scratch()
        entry = COMMANDS[cmd_name]
        command: click.Command = importlib.import_module(f"allbrains.cli.{entry.module}").command
        command.short_help = entry.summary
        command.epilog = f"\b\nExample:\n  {entry.example}"  # \b: click breaks no line of it
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and name[:1].isalnum():
            close = get_close_matches(name, COMMANDS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else "`allbrains --help` lists them"
            ctx.fail(f"no command {name!r}; {meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.summary) for name, entry in group.items()])
                first = next(iter(group.values()))
                formatter.write_text(f"$ {first.example}")

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            name = ctx.invoked_subcommand
            if not name or extras.is_our_own(error):
                raise
            raise extras.lacking(error, f"`allbrains {name}`", COMMANDS[name].extras) from error


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="allbrains")
def cli() -> None:
    """Turn OpenNeuro's structural MRI into a machine-learning dataset."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    speakable()
    try:
        with orderly():
            code = run(arguments)
    except KeyboardInterrupt:  # between the command's end and ours
        code = INTERRUPTED
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a command may return its own."""
    try:
        code: Any = cli.main(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        echo("interrupted; the same command goes on where this one stopped", err=True)
        return INTERRUPTED
    except ConfigurationError as error:
        echo(f"allbrains: {error}", err=True)
        return USAGE
    except AllbrainsError as error:
        echo(f"allbrains: {error}", err=True)
        return STOPPED
    except BrokenPipeError:  # the reader of our lines went away, as `head` does
        with suppress(OSError, ValueError):  # so that there is nothing to complain of at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STOPPED
    except UnicodeError as error:
        echo(f"allbrains: a name or a text can't be used, it is not UTF-8: {error}", err=True)
        return STOPPED
    except OSError as error:  # a disk that fails or is full, in a place that has no better words for it
        echo(f"allbrains: {_of_system(error)}; nothing that was finished is lost", err=True)
        return STOPPED
    except MemoryError:
        echo("allbrains: this machine's memory is not enough for it", err=True)
        return STOPPED
    return code if isinstance(code, int) else 0


def _of_system(error: OSError) -> str:
    """Return an error of the operating system as a sentence: what, and which file."""
    said = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {said}" if error.filename else said
