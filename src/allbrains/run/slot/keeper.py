"""The keeper of a slot: ``python -m allbrains.run.slot.keeper LIFELINE SCRATCH BYTES COMMAND…``.

It stands between the guard and the worker, imports nothing heavy and runs no stranger's code, so that it
is there when the worker hangs with Python's lock held, and when the driver is gone. Its rules:

* It is the subreaper of all that the worker starts: what leaves the worker's session comes back to it.
* When the lifeline (a pipe that only the guard holds open) ends, or the worker does, no process survives.
* When the lifeline ends, the private folder goes too: no other process may be left to remove it.
* It ends as the worker ended, by the same signal or with the same exit code.

On macOS there is no subreaper: what leaves the session there outlives the worker.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PATIENCE_S = 4.0  # for the kernel to end what was killed; less than the guard's own patience


def main() -> None:
    """Run the command and end with it, or before it when the guard is gone."""
    lifeline, scratch, largest = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file of torch is gigabytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # one thread so far: a function between fork and exec is safe
    worker = subprocess.Popen(sys.argv[4:], preexec_fn=_die_with_keeper)  # noqa: PLW1509
    _let_go_of_pipes()
    while worker.poll() is None:
        ready, _, _ = select.select([lifeline, heard], [], [])
        if lifeline in ready:
            break
        os.read(heard, 4096)
    alone = worker.returncode is None
    _end_all()
    if alone:
        shutil.rmtree(scratch, ignore_errors=True)
    _end_like(worker.wait(_PATIENCE_S))


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _die_with_keeper() -> None:
    _control(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _let_go_of_pipes() -> None:
    """Leave the pipes to the worker, so that their other end sees when it closes them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _end_all() -> None:
    """Kill all descendants, also those that are born meanwhile."""
    end = time.monotonic() + _PATIENCE_S
    while (left := _living()) and time.monotonic() < end:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.005)


def _living() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _end_like(code: int) -> None:
    if code < 0:
        with suppress(OSError):  # SIGKILL's handler can't be set, and needn't
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
