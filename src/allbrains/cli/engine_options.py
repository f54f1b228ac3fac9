"""``--engine``, ``--scheduler``, ``--slurm``, ``--cluster``: where scans run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from allbrains.errors import ConfigurationError

Command = TypeVar("Command", bound=Callable[..., Any])


def engine_options(command: Command) -> Command:
    """Add what says where scans run.

    The command takes ``engine: str, scheduler: str, slurm: bool, cluster: Path | None``.
    """
    for option in (
        click.option(
            "--cluster",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="A TOML file that describes a cluster; see docs/how-to/slurm.md.",
        ),
        click.option("--slurm", is_flag=True, help="Run in SLURM jobs, with the site's defaults."),
        click.option("--scheduler", default="", metavar="ADDRESS", help="Run on this Dask scheduler."),
        click.option(
            "--engine",
            type=click.Choice(["local", "dask"]),
            default="local",
            show_default=True,
            help="Where scans run. The other options of a cluster imply dask.",
        ),
    ):
        command = option(command)
    return command


def cluster_of(engine: str, *, scheduler: str, slurm: bool, file: Path | None) -> str:
    """Return what the options say, as ``library.build_corpus.Resources`` takes it.

    Raises:
        ConfigurationError: they contradict each other.
    """
    if sum([bool(scheduler), slurm, file is not None]) > 1:
        raise ConfigurationError("--scheduler, --slurm and --cluster: one of them")
    if file is not None:
        return str(file)
    if scheduler and "://" not in scheduler:
        raise ConfigurationError(f"--scheduler is {scheduler!r}, expected an address such as tcp://host:8786")
    return scheduler or ("slurm" if slurm else "dask" if engine == "dask" else "")
