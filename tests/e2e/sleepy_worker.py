"""A worker for tests of engines: it notes that it begins a scan, sleeps, and says that it is done."""

import os
import sys
import time
from pathlib import Path

from allbrains.records import Done
from allbrains.run.slot.wire import READY, dump_outcome, load_scan

sys.stdin.buffer.readline()  # the job
os.write(1, READY)
for line in sys.stdin.buffer:
    scan = load_scan(line)
    notes, seconds = scan.urls
    with (Path(notes) / scan.path).open("a") as note:
        note.write(f"{os.getpid()}\n")
    time.sleep(float(seconds))
    os.write(1, dump_outcome(Done(sha256=scan.scan_id, size=1)))
