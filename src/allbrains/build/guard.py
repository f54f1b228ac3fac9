"""A slot: one warm child process that runs scans, one at a time, under limits.

Rules:
* The child is a session of its own, so that all it starts can be killed at once.
* A scan that ends abnormally ends the child; the next scan gets a new one.
* The cause is told as it was: the signal, the exit code, the limit that was hit.
* Each child has a private temporary folder that the parent removes.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from allbrains.build.run import Job
from allbrains.build.wire import BadReply, dump, load_outcome
from allbrains.records import Cause, Failed, Outcome, Scan

_THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
_POLL_S = 0.25
_LONGEST_REPLY = 1 << 20  # bytes
_GOODBYE_S = 5.0  # from the end of its output to the end of the process
_TOKENS = ("TOKEN", "SECRET", "PASSWORD", "KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one scan may take.

    Attributes:
        wall_s: seconds from handing it over to its outcome; a 1 mm head takes 30 to 60.
        memory_mb: resident memory of the child and all that it started, MB.
    """

    wall_s: float = 1800.0
    memory_mb: float = 6000.0


class Guard:
    """One slot. Not safe to share between threads: the thread that made the child must outlive it."""

    def __init__(
        self,
        job: Job,
        limits: Limits,
        log: Path,
        stop: threading.Event,
        command: Sequence[str] = (sys.executable, "-m", "allbrains.build.worker"),
    ) -> None:
        self._job, self._limits, self._log, self._stop = job, limits, log, stop
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._scratch = ""
        self._lifeline = -1

    def __call__(self, scan: Scan) -> Outcome:
        """Return the scan's outcome; a child that dies, hangs or swells is an outcome too."""
        child = self._child or self._start()
        assert child.stdin
        try:
            child.stdin.write(dump(scan))
            child.stdin.flush()
        except BrokenPipeError:
            return self._ended(child, b"")
        return self._wait(child)

    def close(self) -> None:
        """Kill the child with all that it started, and remove its temporary folder."""
        if self._child is not None:
            _kill(self._child)
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    pipe.close()
            self._child.wait()
            os.close(self._lifeline)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._child = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._scratch = tempfile.mkdtemp(prefix="allbrains-")
        theirs, self._lifeline = os.pipe()
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [*self._command, str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=(theirs,),
                start_new_session=True,
                env=_environment(self._scratch),
                cwd=self._scratch,
            )
        os.close(theirs)
        assert self._child.stdin
        self._child.stdin.write(dump(self._job))
        return self._child

    def _wait(self, child: subprocess.Popen[bytes]) -> Outcome:
        assert child.stdout
        end, reply = time.monotonic() + self._limits.wall_s, b""
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while not self._stop.is_set():
                if selector.select(_POLL_S):
                    piece = os.read(child.stdout.fileno(), 1 << 16)
                    reply += piece
                    if not piece or len(reply) > _LONGEST_REPLY:
                        return self._ended(child, reply)
                    if reply.endswith(b"\n"):
                        return self._outcome(reply)
                if time.monotonic() > end:
                    return self._cut(Cause.TIMEOUT, f"not done after {self._limits.wall_s:g} s")
                memory = _tree_mb(child.pid)
                if memory > self._limits.memory_mb:
                    return self._cut(
                        Cause.MEMORY, f"{memory:.0f} MB in use; the limit is {self._limits.memory_mb:g} MB"
                    )
        raise Stopped

    def _outcome(self, reply: bytes) -> Outcome:
        try:
            return load_outcome(reply)
        except BadReply as error:
            return self._cut(Cause.EXCEPTION, str(error))

    def _cut(self, cause: Cause, detail: str) -> Failed:
        self.close()
        return Failed(cause=cause, detail=detail)

    def _ended(self, child: subprocess.Popen[bytes], reply: bytes) -> Failed:
        """Return what to say of a child that is gone, or that floods its reply."""
        if len(reply) > _LONGEST_REPLY:
            return self._cut(Cause.EXCEPTION, f"the reply is over {_LONGEST_REPLY} bytes")
        try:
            code = child.wait(_GOODBYE_S)
        except subprocess.TimeoutExpired:
            return self._cut(Cause.EXCEPTION, "the process closed its reply and went on")
        self.close()
        if code < 0:
            return Failed(cause=Cause.SIGNAL, detail=f"the process died of {signal.Signals(-code).name}")
        return Failed(cause=Cause.EXIT, detail=f"the process ended with exit code {code}; see {self._log}")


class Stopped(Exception):
    """The run was asked to stop while a scan was in flight; the scan has no outcome."""


def _environment(scratch: str) -> dict[str, str]:
    """Return the child's environment: one thread, its own temporary folder, no secrets."""
    kept = {k: v for k, v in os.environ.items() if not any(word in k.upper() for word in _TOKENS)}
    threads = {f"{name}_NUM_THREADS": "1" for name in _THREADS}
    return {**kept, **threads, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "TMPDIR": scratch}


def _tree_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants, MB; 0 when it is gone."""
    try:
        root = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (root, *root.children(recursive=True))) / 1e6
    except psutil.Error:
        return 0.0


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()
