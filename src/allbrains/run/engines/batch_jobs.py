"""Jobs of a batch system as a Dask cluster, by dask-jobqueue. Run on SLURM; the others by its own tests."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import Any

import dask.config
from distributed.security import Security

from allbrains.extras import lacking
from allbrains.run.engines.cluster_settings import ClusterSite
from allbrains.run.engines.submissions import Submissions, noting
from allbrains.run.slot.environment import python_path

_CLASSES = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}
# a lost worker comes back only where it has a nanny, as in a LocalCluster: here ask for the next job soon
_LOST = {"distributed.deploy.lost-worker-timeout": "2s"}
_CERTIFICATES = ".cluster-"  # folders in the output folder; the build's lock is held


def start_batch(
    site: ClusterSite, out: Path, security: Security, settings: Mapping[str, Any], closing: ExitStack
) -> tuple[Any, Submissions]:
    """Return a cluster of jobs that is kept at its number of jobs, and what becomes of the jobs.

    Args:
        site: which, and how many jobs of what kind.
        out: the output folder, on a disk that the nodes share.
        security: of this run alone; the nodes read it from a folder of mode 0700 in ``out``.
        settings: of Dask, for the workers too.
        closing: ends the cluster, and then removes that folder.

    Raises:
        ConfigurationError: dask-jobqueue is not there.
    """
    try:
        import dask_jobqueue
    except ModuleNotFoundError as error:
        raise lacking(error, f"kind = {site.kind!r}", ("cluster",)) from error
    closing.enter_context(dask.config.set(_LOST))
    certificates, logs = _folders(out)
    closing.callback(shutil.rmtree, certificates, ignore_errors=True)
    kind = getattr(dask_jobqueue, _CLASSES[site.kind])
    notes = Submissions(kind.job_cls.submit_command, logs)
    cluster = kind(
        job_cls=noting(kind.job_cls, notes),
        cores=site.cores,
        processes=1,
        memory=site.memory,
        queue=site.queue or None,
        account=site.account or None,
        walltime=site.walltime,
        interface=site.interface or None,
        security=security,
        protocol="tls://",
        shared_temp_directory=str(certificates),
        local_directory=site.temporary,
        log_directory=str(logs),
        nanny=False,  # it would restart a worker that went because its walltime neared
        death_timeout=60,
        # exec: a worker that doesn't end by SIGTERM is the job itself, and gets the batch system's SIGKILL
        python=f"exec {quote(sys.executable)}",
        job_name="allbrains",
        job_script_prologue=[*_exports(settings), *site.prologue],
        job_extra_directives=list(site.directives),
        worker_extra_args=["--no-dashboard", "--dashboard-address", "127.0.0.1:0"],
        scheduler_options={"dashboard_address": "127.0.0.1:0"},
    )
    closing.callback(_close_certificates, cluster)  # after the cluster, before their folder goes
    closing.enter_context(cluster)
    cluster.scale(jobs=site.jobs)  # now, and not after the first interval
    cluster.adapt(minimum_jobs=site.jobs, maximum_jobs=site.jobs, interval="5s")
    return cluster, notes


def _folders(out: Path) -> tuple[Path, Path]:
    """Return a new folder for certificates, that no one else may enter, and one for the jobs' output."""
    for left in out.glob(f"{_CERTIFICATES}*"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    certificates = out / f"{_CERTIFICATES}{secrets.token_hex(4)}"
    certificates.mkdir(mode=0o700)
    logs = out / "logs" / "jobs"
    logs.mkdir(parents=True, exist_ok=True)
    return certificates, logs


def _close_certificates(cluster: Any) -> None:
    """Remove the files that dask-jobqueue holds open in the folder of certificates."""
    for name in ("ca_file", "cert", "key"):
        if (file := getattr(cluster, f"_job_{name}", None)) is not None:
            file.close()


def _exports(settings: Mapping[str, Any]) -> list[str]:
    """Return the shell lines that give the workers our settings, and our packages."""
    lines = [
        f"export DASK_{name.replace('.', '__').replace('-', '_').upper()}={quote(str(value))}"
        for name, value in settings.items()
    ]
    if "PYTHONPATH" in os.environ:
        lines.append(f"export PYTHONPATH={quote(python_path(os.environ['PYTHONPATH']))}")
    return lines
