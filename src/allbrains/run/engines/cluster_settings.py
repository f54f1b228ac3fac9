"""Clusters, described: the settings of a TOML file, and what follows from them. Pure; Dask is in ``cluster``.

A file names a kind and what the site wants; everything else has a default::

    kind = "slurm"
    queue = "cpu"            # partition
    account = "brains"
    jobs = 40
    cores = 4                # scans at once in one job
    memory = "24GB"          # of one job
    walltime = "08:00:00"
    prologue = ["module load python/3.11"]
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from allbrains.errors import ConfigurationError
from allbrains.run.slot.guard import SlotLimits

Kind = Literal["local", "address", "slurm", "pbs", "sge", "lsf"]

_FOR_DASK_MB = 300.0  # the worker process itself, MB
_SHARE = 0.9  # of a job's memory: our limit must be hit before the scheduler's, which kills the whole job
_SLACK_S = 120.0  # from the last moment at which a scan may end to the job's end
_UNITS = {"MB": 1.0, "MIB": 1.048576, "GB": 1e3, "GIB": 1073.741824}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSite:
    """A cluster.

    Attributes:
        kind: ``local`` processes, a scheduler at an ``address``, or jobs of a batch system.
        address: of a running Dask scheduler, ``tls://host:port``.
        ca: file of the certificate authority, for an address.
        cert: file of our certificate, for an address.
        key: file of its key, for an address.
        plaintext: talk to an address without TLS, though whoever reaches it can run code.
        jobs: of the batch system, at most.
        cores: scans at once in one job.
        memory: of one job, such as ``24GB``.
        walltime: of one job, ``HH:MM:SS``.
        queue: partition or queue; empty: the site's default.
        account: project to charge; empty: the user's default.
        interface: network interface on which the workers reach this machine, such as ``ib0``.
        temporary: fast local folder on the nodes, as their shell writes it.
        prologue: shell lines before the worker starts.
        directives: further lines for the batch system, such as ``--constraint=avx2``.
    """

    kind: Kind = "local"
    address: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    plaintext: bool = False
    jobs: int = 4
    cores: int = 1
    memory: str = "8GB"
    walltime: str = "04:00:00"
    queue: str = ""
    account: str = ""
    interface: str = ""
    temporary: str = "${TMPDIR:-/tmp}"
    prologue: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()

    @property
    def batch(self) -> bool:
        """Whether the workers are jobs of a batch system."""
        return self.kind not in ("local", "address")

    def at_once(self, scans: int) -> ClusterSite:
        """Return the site with as many jobs as so many scans at once need."""
        return replace(self, jobs=-(-scans // self.cores))


def read_site(path: Path) -> ClusterSite:
    """Return the site that a TOML file describes.

    Raises:
        ConfigurationError: it can't be read, or has a setting that isn't one.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    known = {field.name for field in fields(ClusterSite)}
    if unknown := sorted(table.keys() - known):
        raise ConfigurationError(f"{path}: no such setting: {unknown[0]!r}; there are {sorted(known)}")
    try:
        site = msgspec.convert(table, ClusterSite)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return checked(site)


def checked(site: ClusterSite) -> ClusterSite:
    """Return the site.

    Raises:
        ConfigurationError: settings are missing, or contradict each other.
    """
    if site.kind == "address":
        scheme = urlsplit(site.address).scheme
        if scheme not in ("tls", "tcp") or not urlsplit(site.address).hostname:
            raise ConfigurationError(f"not the address of a scheduler: {site.address!r}, but tls://host:port")
        if scheme == "tcp" and not site.plaintext:
            raise ConfigurationError(
                f"{site.address} is without TLS: whoever reaches it can run code there and here. Start the "
                "scheduler with --tls-ca-file, --tls-cert and --tls-key, or say `plaintext = true`"
            )
        if scheme == "tls" and not (site.ca and site.cert and site.key):
            raise ConfigurationError(f"{site.address} needs the files ca, cert and key in --cluster FILE")
    if site.jobs < 1 or site.cores < 1:
        raise ConfigurationError("a cluster has at least one job with one core")
    megabytes(site.memory)
    seconds(site.walltime)
    return site


def fitted(limits: SlotLimits, site: ClusterSite, wanted_mb: float) -> SlotLimits:
    """Return the limits of a scan inside one of the site's jobs.

    Args:
        limits: as asked for.
        site: where.
        wanted_mb: what the recipe expects to need.

    Raises:
        ConfigurationError: a job has too little memory or time for a scan.
    """
    if not site.batch:
        return limits
    room = (megabytes(site.memory) - _FOR_DASK_MB) * _SHARE / site.cores
    if room < wanted_mb:
        raise ConfigurationError(
            f"memory = {site.memory!r} leaves {room:.0f} MB to each of {site.cores} scans at once; "
            f"the recipe wants {wanted_mb:.0f} MB"
        )
    if drain_s(limits, site) <= 0:
        raise ConfigurationError(
            f"walltime = {site.walltime!r} is too short for a scan that may take {limits.wall_s:.0f} s "
            "(--timeout), and time to end"
        )
    return replace(limits, memory_mb=min(limits.memory_mb, room))


def drain_s(limits: SlotLimits, site: ClusterSite) -> float:
    """Return after how many seconds a worker takes no more scans, so that the last ends in time; 0: never."""
    return seconds(site.walltime) - limits.wall_s - _SLACK_S if site.batch else 0.0


def megabytes(text: str) -> float:
    """Return a size such as ``24GB`` in MB.

    Raises:
        ConfigurationError: it is something else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B)\s*", text, re.IGNORECASE)
    if not found or found[2].upper() not in _UNITS:
        raise ConfigurationError(f"not a size in MB or GB: {text!r}")
    return float(found[1]) * _UNITS[found[2].upper()]


def seconds(text: str) -> float:
    """Return a time such as ``08:00:00`` or ``1-12:00:00`` in seconds.

    Raises:
        ConfigurationError: it is something else.
    """
    found = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d{2}):(\d{2})", text.strip())
    if not found:
        raise ConfigurationError(f"not a time like 08:00:00: {text!r}")
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)
