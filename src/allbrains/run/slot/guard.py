"""A slot: one warm child process that runs scans, one at a time, under limits.

Rules:
* A keeper stands between (see ``keeper``): whatever the child started ends with it, and it with us.
* A scan that ends abnormally ends the child; the next scan gets a new one, and so does every 200th.
* The cause is told as it was: the signal, the exit code, the limit that was hit.
* A child that can't even start has failed no scan: that is ``CannotStart``, and the run's affair.
* What the child prints is kept, its end at least, and returned with the outcome.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from allbrains.errors import ConfigurationError
from allbrains.records import Cause, Failed, Outcome, Scan
from allbrains.run.causes import cause_of, said
from allbrains.run.free_space import short_of_space
from allbrains.run.slot.environment import worker_environment
from allbrains.run.slot.job import Job
from allbrains.run.slot.memory import tree_mb
from allbrains.run.slot.scratch import Scratch
from allbrains.run.slot.wire import READY, BadReply, dump, load_outcome

WORKER = (sys.executable, "-m", "allbrains.run.slot.worker")

_POLL_S = 0.25
_LONGEST_REPLY = 1 << 20  # bytes
_LONGEST_TALK = 1 << 15  # bytes of what a scan prints that are kept
_GOODBYE_S = 5.0  # from the end of its output to the end of the process
_STARTS = 3  # tries to get a child going


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """What one scan may take.

    Attributes:
        wall_s: seconds from handing it over to its outcome; a 1 mm head takes 30 to 60.
        memory_mb: resident memory of the child and all that it started, MB.
        disk_mb: what lies in its private folder, and any one file that it writes, MB.
        start_s: seconds for a child to import what it needs; minutes on a busy network disk.
        scans: after so many, a child is replaced: libraries leak.
    """

    wall_s: float = 1800.0
    memory_mb: float = 6000.0
    disk_mb: float = 4000.0
    start_s: float = 600.0
    scans: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of handing a scan to a slot.

    Attributes:
        outcome: exactly one.
        said: the end of what the child printed meanwhile.
        excuse: why the failure is not the scan's: what is wrong with this machine; else empty.
    """

    outcome: Outcome
    said: str = ""
    excuse: str = ""


class CannotStart(ConfigurationError):
    """No worker comes up: something is wrong with the installation, not with a scan."""


class Stopped(Exception):
    """The run was asked to stop while a scan was in flight; the scan has no outcome."""


class Guard:
    """One slot, for one thread at a time."""

    def __init__(
        self, job: Job, limits: SlotLimits, stop: threading.Event, command: Sequence[str] = WORKER
    ) -> None:
        self._job, self._limits, self._stop, self._command = job, limits, stop, command
        self._child: _Child | None = None

    def __call__(self, scan: Scan) -> Report:
        """Return the scan's outcome; a child that dies, hangs or swells is an outcome too.

        Raises:
            CannotStart: no child comes up.
            Stopped: the run ends.
        """
        try:
            child = self._warm(scan)
            outcome = load_outcome(child.hear(self._limits.wall_s))
            report = Report(outcome=outcome, said=child.talk())
        except _Lost as lost:
            self.close()
            report = Report(outcome=lost.failed, said=lost.said)
        except BadReply as error:
            self.close()
            report = Report(outcome=Failed(cause=Cause.EXCEPTION, detail=str(error)))
        except OSError as error:  # no room for a private folder, no process to be had
            self.close()
            report = Report(outcome=Failed(cause=cause_of(error), detail=said(error)))
        if isinstance(report.outcome, Failed) and report.outcome.cause is Cause.DISK:
            full = short_of_space(self._job.out)
            return Report(outcome=report.outcome, said=report.said, excuse=full)
        return report

    def close(self) -> None:
        """Kill the child with all that it started, and remove its temporary folder."""
        if self._child is not None:
            self._child.close()
        self._child = None

    def _warm(self, scan: Scan) -> _Child:
        """Return a child that has been given the scan."""
        complaint = ""
        for _ in range(_STARTS):
            if self._child is not None and self._child.used_up(self._limits.scans):
                self.close()
            try:
                self._child = self._child or _Child(self._job, self._limits, self._stop, self._command)
                self._child.send(scan)
                return self._child
            except BrokenPipeError:  # it had died while it waited: the scan has done nothing yet
                complaint = "the process ended before it was given a scan"
            except _Lost as lost:
                complaint = f"{lost.failed.detail}\n{lost.said}".strip()
            self.close()
        raise CannotStart(f"no worker can be started: {complaint}")


class _Lost(Exception):
    """The child is of no more use."""

    def __init__(self, cause: Cause, detail: str, talk: str) -> None:
        super().__init__(detail)
        self.failed, self.said = Failed(cause=cause, detail=detail), talk


class _Child:
    """A running worker behind its keeper."""

    def __init__(self, job: Job, limits: SlotLimits, stop: threading.Event, command: Sequence[str]) -> None:
        self._limits, self._stop = limits, stop
        self._scratch = Scratch()
        self._talk, self._scans = bytearray(), 0
        theirs, self._lifeline = os.pipe()
        keeper = [sys.executable, "-m", "allbrains.run.slot.keeper", str(theirs), str(self._scratch.path)]
        try:
            self._process = subprocess.Popen(
                [*keeper, str(int(limits.disk_mb * 1e6)), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(theirs,),
                start_new_session=True,
                env=worker_environment(os.environ, str(self._scratch.path)),
                cwd=self._scratch.path,
            )
        except OSError:
            self._scratch.remove()
            os.close(self._lifeline)
            raise
        finally:
            os.close(theirs)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._in, self._out, self._err = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._err.fileno(), False)
        try:
            self._write(dump(job))
            if (word := self.hear(limits.start_s)) != READY:
                self._lose(Cause.EXCEPTION, f"its first word is {word[:80]!r}")
        except (BrokenPipeError, _Lost, Stopped):
            self.close()
            raise

    def used_up(self, scans: int) -> bool:
        """Return whether it ended while it waited, or has done enough."""
        return self._process.poll() is not None or self._scans >= scans

    def send(self, scan: Scan) -> None:
        """Hand a scan over."""
        self._talk.clear()
        self._write(dump(scan))
        self._scans += 1

    def hear(self, limit_s: float) -> bytes:
        """Return its next line, within limits; raise ``_Lost`` or ``Stopped``."""
        reply, spent, last = b"", 0.0, time.monotonic()
        looked = last
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            while not self._stop.is_set():
                ready = {key.fileobj for key, _ in selector.select(_POLL_S)}
                if self._err in ready and not self._listen():
                    selector.unregister(self._err)
                if self._out in ready:
                    piece = os.read(self._out.fileno(), 1 << 16)
                    reply += piece
                    if not piece or len(reply) > _LONGEST_REPLY:
                        self._gone(reply)
                    if reply.endswith(b"\n"):
                        return reply
                now = time.monotonic()
                # a machine that was asleep, or a driver that was stopped, is no time that the scan took
                spent, last = spent + min(now - last, 8 * _POLL_S), now
                if spent > limit_s:
                    self._lose(Cause.TIMEOUT, f"not done after {limit_s:g} s")
                if now - looked > _POLL_S:
                    looked = now
                    self._weigh()
        raise Stopped

    def talk(self) -> str:
        """Return the end of what it printed since the scan was handed over."""
        self._listen()
        return self._talk.decode(errors="replace")

    def close(self) -> None:
        """End it with all that it started, and remove its folder."""
        for pipe in (self._in, self._out, self._err):
            with suppress(OSError):  # what could not be flushed is of no interest
                pipe.close()
        os.close(self._lifeline)
        try:
            self._process.wait(_GOODBYE_S)
        except subprocess.TimeoutExpired:  # the keeper itself is stuck: less thorough, but sure
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._scratch.remove()

    def _write(self, data: bytes) -> None:
        self._in.write(data)
        self._in.flush()

    def _listen(self) -> bool:
        """Keep the end of what it printed; return whether it may print more."""
        while True:
            try:
                piece = os.read(self._err.fileno(), 1 << 16)
            except BlockingIOError:
                return True
            self._talk += piece
            del self._talk[:-_LONGEST_TALK]
            if len(piece) < 1 << 16:  # all that there is, so that a flood can't hold us here
                return bool(piece)

    def _weigh(self) -> None:
        """Compare with the limits what it takes."""
        memory, most = tree_mb(self._process.pid), self._limits.memory_mb
        if memory > most:
            self._lose(Cause.MEMORY, f"{memory:.0f} MB in use; the limit is {most:g} MB")
        disk, most = self._scratch.megabytes(), self._limits.disk_mb
        if disk > most:
            self._lose(Cause.DISK, f"{disk:.0f} MB written; the limit is {most:g} MB")

    def _gone(self, reply: bytes) -> None:
        """Raise what became of a child after its output ended or flooded the pipe."""
        if len(reply) > _LONGEST_REPLY:
            self._lose(Cause.EXCEPTION, f"the reply is over {_LONGEST_REPLY} bytes")
        try:
            code = self._process.wait(_GOODBYE_S)
        except subprocess.TimeoutExpired:
            self._lose(Cause.EXCEPTION, "the process closed its reply and went on")
        if code == -signal.SIGKILL:
            self._lose(Cause.SIGNAL, "the process was killed (SIGKILL): by a person, or for want of memory")
        if code < 0:
            self._lose(Cause.SIGNAL, f"the process died of {signal.Signals(-code).name}")
        self._lose(Cause.EXIT, f"the process ended with exit code {code}")

    def _lose(self, cause: Cause, detail: str) -> None:
        raise _Lost(cause, detail, self.talk())
