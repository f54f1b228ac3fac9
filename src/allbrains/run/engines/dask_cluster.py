"""``engine=dask``: the same guarded slots, on other machines.

Distribution is Dask's, isolation is ours. Rules:

* A bounded window of futures, each released at once: results live in the memory of workers, and what was
  not released is computed anew when its worker dies.
* A lost worker's scans go to another one, and the attempt is not counted; a scan that takes eleven workers
  with it has failed.
* Batch jobs are adapted, not only scaled: that alone replaces the ones that die.
* A worker takes no more scans when its walltime nears, ends what it has, and goes.
* TLS with certificates of this run alone: Dask knows no other authentication, and an open port is a shell.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import math
import queue
import secrets
import threading
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import dask.config
import distributed
from distributed.security import Security

from allbrains.errors import AllbrainsError
from allbrains.records import Cause, Failed, Scan
from allbrains.run.engines.batch_jobs import start_batch
from allbrains.run.engines.cluster_settings import ClusterSite, drain_s
from allbrains.run.engines.local import Results
from allbrains.run.engines.submissions import Submissions
from allbrains.run.slot.guard import WORKER, CannotStart, Guard, Report, SlotLimits
from allbrains.run.slot.job import Job
from allbrains.run.slot.scratch import sweep_scratch
from allbrains.run.slot.wire import dump, dump_outcome, load_job, load_outcome, load_scan
from allbrains.store.layout import Layout

_AHEAD = 1.25  # futures a slot: enough that none waits for the driver
_COUNT_EVERY_S = 10.0  # between two looks at how many workers there are
_FETCH_S = 60.0  # of a job's last two minutes: how long a driver may take to fetch the last outcomes
_LOOK_EVERY_S = 5.0  # between two looks whether workers come
_FALSE_STARTS = 10  # workers that can't start, in a row, before the run gives up

# the guard limits memory, so the worker must not; only deaths of machines count as failures
SETTINGS: dict[str, Any] = {
    "distributed.worker.daemon": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.allowed-failures": 10,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.worker-ttl": "5 minutes",
    "distributed.scheduler.work-stealing": False,
    "distributed.comm.timeouts.connect": "30s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.admin.system-monitor.gil.enabled": False,
}

Answer = tuple[bytes, str, str]  # an outcome's line, what the scan printed, its excuse


class ClusterLost(AllbrainsError):
    """The scheduler is gone, or says what it can't mean; the ledger has all that was done."""


class Dask:
    """Slots on a cluster.

    Args:
        site: which.
        limits: of a scan.
        slots: scans at once that are expected; the cluster may have more.
        command: the worker behind each guard.
    """

    def __init__(
        self, *, site: ClusterSite, limits: SlotLimits, slots: int, command: Sequence[str] = WORKER
    ) -> None:
        self._site, self._limits, self.slots, self._command = site, limits, slots, command
        self._open = ExitStack()
        self._client: distributed.Client | None = None
        self._jobs: Submissions | None = None
        self._name = f"allbrains-{secrets.token_hex(8)}"
        self._numbers, self._counted = itertools.count(), float("-inf")

    def __call__(self, scans: Iterable[Scan], job: Job) -> Results:
        """Yield reports; scans are taken as there is room in the window."""
        client = self._client or self._connect(job)
        source, flying, false_starts = iter(scans), dict[str, tuple[Any, Scan]](), 0
        landed: queue.SimpleQueue[Any] = queue.SimpleQueue()
        again: list[Scan] = []
        try:
            while True:
                while len(flying) < self._window(client):
                    scan = again.pop() if again else next(source, None)
                    if scan is None:
                        break
                    future = self._submit(client, scan)
                    flying[future.key] = (future, scan)
                    future.add_done_callback(landed.put)
                if not flying:
                    return
                future, scan = flying.pop(self._next(client, landed).key)
                try:
                    report = _report(future)
                    false_starts = 0
                except CannotStart:
                    if (false_starts := false_starts + 1) >= _FALSE_STARTS:
                        raise
                    again.append(scan)
                    continue
                finally:
                    future.release()
                yield scan, report
        finally:
            for future, _ in flying.values():
                future.release()

    def close(self) -> None:
        """End what runs, and the cluster, where it is ours."""
        self._client = None
        self._open.close()

    def _connect(self, job: Job) -> distributed.Client:
        _quiet()
        self._open.enter_context(dask.config.set(SETTINGS))
        try:
            cluster, security = self._start(Path(job.out))
            client = self._open.enter_context(
                distributed.Client(cluster, security=security, set_as_default=False)
            )
            slots = _Slots(self._name, job, self._limits, self._command, drain_s(self._limits, self._site))
            client.register_plugin(slots)
        except (OSError, ValueError, RuntimeError) as error:
            self.close()
            raise CannotStart(f"no cluster: {error}") from error
        self._open.callback(_unregister, client, self._name)
        self._client = client
        return client

    def _start(self, out: Path) -> tuple[Any, Security | None]:
        """Return a cluster or an address, and our TLS credentials."""
        site = self._site
        if site.kind == "address":
            if site.plaintext:
                return site.address, None
            files = {"tls_ca_file": site.ca, "tls_client_cert": site.cert, "tls_client_key": site.key}
            return site.address, Security(**files, require_encryption=True)
        security = Security.temporary()
        if site.batch:
            cluster, self._jobs = start_batch(site, out, security, SETTINGS, self._open)
            return cluster, security
        return self._open.enter_context(
            distributed.LocalCluster(
                n_workers=1,
                threads_per_worker=self.slots,
                memory_limit=0,
                host="127.0.0.1",
                protocol="tls://",
                security=security,
                dashboard_address="127.0.0.1:0",  # serves nothing: there are no routes
                worker_dashboard_address="127.0.0.1:0",
            )
        ), security

    def _next(self, client: distributed.Client, landed: queue.SimpleQueue[Any]) -> Any:
        """Return the next future that is done.

        Raises:
            CannotStart: the batch system takes no jobs, or no worker comes of them.
        """
        while True:
            try:
                return landed.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                self._see_that_workers_come(client)

    def _see_that_workers_come(self, client: distributed.Client) -> None:
        if self._jobs is None:
            return
        if client.nthreads():
            self._jobs.came()
        elif said := self._jobs.trouble():
            raise CannotStart(f"no worker on the cluster: {said}")

    def _submit(self, client: distributed.Client, scan: Scan) -> Any:
        key = f"{scan.scan_id}-{next(self._numbers)}"
        return client.submit(_run_there, self._name, dump(scan), key=key, pure=False, retries=0)

    def _window(self, client: distributed.Client) -> int:
        if time.monotonic() - self._counted > _COUNT_EVERY_S:
            self._counted = time.monotonic()
            self.slots = max(self.slots, sum(client.nthreads().values()))
        return math.ceil(_AHEAD * self.slots)


class _Slots(distributed.WorkerPlugin):  # type: ignore[misc]
    """On each Dask worker: its guards, and the moment from which it takes no more scans."""

    def __init__(
        self, name: str, job: Job, limits: SlotLimits, command: Sequence[str], drain_s: float
    ) -> None:
        self.name, self._job, self._limits = name, dump(job), limits
        self._command, self._drain_s = tuple(command), drain_s

    def setup(self, worker: distributed.Worker) -> None:
        """Get ready; called when the worker starts."""
        self._stop, self._guards = threading.Event(), queue.SimpleQueue[Guard]()
        sweep_scratch()
        if self._drain_s > 0:
            worker.loop.call_later(self._drain_s, functools.partial(_drain, worker))

    def teardown(self, worker: distributed.Worker) -> None:
        """End what runs; called when the worker or the run ends."""
        self._stop.set()  # who is busy sees it, and closes its own
        with suppress(queue.Empty):
            while True:
                self._guards.get_nowait().close()

    def run(self, line: bytes) -> Answer:
        """Run a scan in a free slot of this worker."""
        job = load_job(self._job)
        if not Layout(Path(job.out)).manifest.exists():
            raise CannotStart(f"{job.out} is not there: the nodes must share the output folder's disk")
        try:
            guard = self._guards.get_nowait()
        except queue.Empty:
            guard = Guard(job, self._limits, self._stop, self._command)
        try:
            report = guard(load_scan(line))
        finally:
            if self._stop.is_set():
                guard.close()
            self._guards.put(guard)
        return dump_outcome(report.outcome), report.said, report.excuse


def _run_there(name: str, line: bytes) -> Answer:
    """Run a scan on the worker where this is called."""
    slots: _Slots = distributed.get_worker().plugins[name]
    return slots.run(line)


async def _drain(worker: distributed.Worker) -> None:
    """Take no more, end what runs, let the driver fetch it, go."""
    worker.status = distributed.core.Status.paused
    while worker.state.executing:
        await asyncio.sleep(1)
    fetched_by = time.monotonic() + _FETCH_S  # what is not fetched is computed anew elsewhere
    while worker.data and time.monotonic() < fetched_by:
        await asyncio.sleep(0.2)
    await worker.close(reason="its walltime nears")


def _report(future: Any) -> Report:
    """Return what a future that is done has brought."""
    if future.status == "cancelled":
        raise ClusterLost("the scheduler is gone; the same command goes on where this one stopped")
    error = future.exception() if future.status == "error" else None
    match error:
        case None:
            line, said, excuse = future.result()
            return Report(outcome=load_outcome(line), said=said, excuse=excuse)
        case CannotStart():
            raise error
        case distributed.KilledWorker():
            detail = "every worker that ran it was lost, eleven in all"
            return Report(outcome=Failed(cause=Cause.SIGNAL, detail=detail))
        case _:
            raise ClusterLost(f"a worker answered {type(error).__name__}: {error}") from error


def _unregister(client: distributed.Client, name: str) -> None:
    with suppress(OSError, RuntimeError, ValueError, TimeoutError):  # it may be gone already
        client.unregister_worker_plugin(name)


def _quiet() -> None:
    """Keep Dask's talk about its own affairs from the terminal."""
    # asyncio: a job that was refused is an exception that nobody waits for; ``submissions`` tells it
    for name in (
        "distributed",
        "distributed.worker",
        "distributed.scheduler",
        "distributed.nanny",
        "asyncio",
        "tornado.application",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
