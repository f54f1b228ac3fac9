"""The guarded child: ``python -m allbrains.build.worker``. Reads scans, answers outcomes, one a line.

Its first line is the job. It stays warm between scans, so that imports are paid once. It dies with its
parent: by the kernel's signal on Linux, and everywhere when the pipe that only the parent holds open
closes. Standard output belongs to the replies; whatever a library prints goes to standard error.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading

from allbrains.build.run import Runner
from allbrains.build.wire import dump_outcome, load_job, load_scan

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve scans until standard input ends."""
    lifeline = int(sys.argv[1])
    _die_with_parent(lifeline)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file of torch is gigabytes
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lines = sys.stdin.buffer
    runner = Runner(load_job(lines.readline()))
    for line in lines:
        replies.write(dump_outcome(runner(load_scan(line))))


def _die_with_parent(lifeline: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)  # the parent never writes: this returns when the parent is gone
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
