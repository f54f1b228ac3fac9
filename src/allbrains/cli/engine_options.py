"""``--engine``, ``--scheduler``, ``--slurm``, ``--cluster``: where scans run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from allbrains.errors import ConfigurationError
from allbrains.run.engines.cluster_settings import ClusterSite, checked, fitted, read_site
from allbrains.run.engines.local import Engine, Local
from allbrains.run.slot.guard import SlotLimits

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where scans run: in this process's own slots, or at a site."""

    site: ClusterSite | None

    @classmethod
    def of(cls, engine: str, *, scheduler: str, slurm: bool, file: Path | None) -> Where:
        """Return what the options say.

        Raises:
            ConfigurationError: they contradict each other, or the file is wrong.
        """
        if sum([bool(scheduler), slurm, file is not None]) > 1:
            raise ConfigurationError("--scheduler, --slurm and --cluster: one of them")
        if file is not None:
            return cls(site=read_site(file))
        if scheduler:
            return cls(site=checked(ClusterSite(kind="address", address=scheduler)))
        if slurm:
            return cls(site=ClusterSite(kind="slurm"))
        return cls(site=ClusterSite() if engine == "dask" else None)

    def engine(self, jobs: int | None, default: int, limits: SlotLimits, wanted_mb: float) -> Engine:
        """Return the engine.

        Args:
            jobs: scans at once, where the user says so.
            default: scans at once that this machine can bear.
            limits: of a scan.
            wanted_mb: memory that the recipe expects to need.

        Raises:
            ConfigurationError: a job of the site is too small for a scan, or Dask is not there.
        """
        if self.site is None:
            return Local(slots=jobs or default, limits=limits)
        try:
            from allbrains.run.engines.dask_cluster import Dask
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"this needs the package {error.name!r}: pip install 'allbrains[cluster]'"
            ) from error
        site = self.site.at_once(jobs) if jobs and self.site.batch else self.site
        slots = site.jobs * site.cores if site.batch else jobs or default
        return Dask(site=site, limits=fitted(limits, site, wanted_mb), slots=slots)
