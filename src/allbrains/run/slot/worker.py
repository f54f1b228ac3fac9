"""The guarded child: ``python -m allbrains.run.slot.worker``. Reads scans, answers outcomes, line by line.

Its first line is the job, its first answer that it is ready. It stays warm between scans, so that imports
are paid once, and ends by itself after a long time without a scan: a driver may be gone while its cluster
is not.
Standard output belongs to the replies; whatever a library prints goes to standard error.
"""

from __future__ import annotations

import os
import select
import sys

from allbrains.run.one_scan import Runner
from allbrains.run.slot.wire import READY, dump_outcome, load_job, load_scan

IDLE_S = 600.0


def main() -> None:
    """Serve scans until standard input ends."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lines = sys.stdin.buffer
    runner = Runner(load_job(lines.readline()))
    replies.write(READY)
    # the guard sends a scan only after the answer before: nothing hides in the reader's buffer
    while select.select([lines], [], [], IDLE_S)[0] and (line := lines.readline()):
        replies.write(dump_outcome(runner(load_scan(line))))


if __name__ == "__main__":
    main()
