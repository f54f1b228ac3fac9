"""The entry point: finds the command, runs it, turns errors into exit codes.

stdout is data, stderr is talk. Exit codes: 0 all done, 1 stopped, 2 usage or configuration,
3 finished with failed scans, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from allbrains.cli.interrupts import orderly
from allbrains.errors import AllbrainsError, ConfigurationError
from allbrains.run.slot.scratch import sweep_scratch
from allbrains.version import VERSION

# name → (module with a click command called `command`, extra that it needs). Imported when called.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("allbrains.cli.demo", "build,sandbox"),
    "catalog": ("allbrains.cli.catalog", "build"),
    "download": ("allbrains.cli.download", "build"),
    "plan": ("allbrains.cli.plan", "build"),
    "build": ("allbrains.cli.build", "build"),
    "status": ("allbrains.cli.status", ""),
    "verify": ("allbrains.cli.verify", ""),
    "repair": ("allbrains.cli.repair", "build"),
    "remove": ("allbrains.cli.remove", "build"),
    "splits": ("allbrains.cli.splits", ""),
    "verify-splits": ("allbrains.cli.verify_splits", ""),
    "bench": ("allbrains.cli.bench", ""),
    "learn": ("allbrains.cli.learn", "learn"),
    "report": ("allbrains.cli.report", ""),
    "serve": ("allbrains.cli.serve", ""),
    "export": ("allbrains.cli.export", "build"),
    "sandbox": ("allbrains.cli.sandbox", "sandbox"),
    "doctor": ("allbrains.cli.doctor", ""),
    "participants": ("allbrains.cli.participants", "build"),
    "publish": ("allbrains.cli.publish", "publish"),
    "cite": ("allbrains.cli.cite", ""),
    "scan": ("allbrains.cli.scan", "build,dicom"),
}

STOPPED, USAGE, SOME_FAILED, INTERRUPTED = 1, 2, 3, 130


class _Commands(click.Group):
    """A group that imports a command's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, extra = COMMANDS[cmd_name]
        try:
            command: click.Command = importlib.import_module(module).command
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"`allbrains {cmd_name}` needs the package {error.name!r}: pip install 'allbrains[{extra}]'"
            ) from error
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="allbrains")
def cli() -> None:
    """Turn OpenNeuro's structural MRI into a machine-learning dataset."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        with orderly():
            sweep_scratch()  # what a killed `scan` of an own head left is removed by the next command
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
        click.echo("interrupted; the same command goes on where this one stopped", err=True)
        return INTERRUPTED
    except ConfigurationError as error:
        click.echo(f"allbrains: {error}", err=True)
        return USAGE
    except AllbrainsError as error:
        click.echo(f"allbrains: {error}", err=True)
        return STOPPED
    return code if isinstance(code, int) else 0
