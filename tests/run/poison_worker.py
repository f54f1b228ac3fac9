"""A worker for tests that speaks the protocol and misbehaves as the scan's path says."""

import ctypes
import os
import subprocess
import sys
import time

import msgspec

from allbrains.records import Done
from allbrains.run.slot.wire import READY, dump_outcome, load_scan

sys.stdin.buffer.readline()  # the job
os.write(1, READY)
for line in sys.stdin.buffer:
    scan = load_scan(line)
    word, _, argument = scan.urls[0].rpartition("|") if scan.urls else ("", "", "")
    match scan.path:
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "abort":
            os.abort()
        case "killed":
            os.kill(os.getpid(), 9)
        case "hang":
            time.sleep(1000)
        case "hang-with-gil":
            ctypes.PyDLL(None).sleep(1000)
        case "memory":
            hoard = bytearray(400 << 20)
            time.sleep(1000)
        case "memory-of-a-child":
            subprocess.run([sys.executable, "-c", "import time; x = bytearray(400 << 20); time.sleep(1000)"])
        case "large-file":  # SIGXFSZ is ignored by Python: the write fails, and so does the scan
            with open("large", "wb") as file:
                file.write(b"x" * (60 << 20))
        case "many-files":
            for number in range(1000):
                with open(f"{number}", "wb") as file:
                    file.write(b"x" * (1 << 20))
            time.sleep(1000)
        case "grandchild-hang" | "grandchild-escapes":
            child = subprocess.Popen(
                ["sleep", "1000"],
                start_new_session=scan.path == "grandchild-escapes",
            )
            with open(argument, "w") as note:
                note.write(f"{os.getpid()} {child.pid} {os.environ['TMPDIR']} ")
            if word == "die":
                os._exit(4)
            time.sleep(1000)
        case "nap":
            with open(argument, "w") as note:
                note.write("asleep ")
            time.sleep(8)
        case "flood":
            sys.stdout.buffer.write(b"x" * (3 << 20))
            sys.stdout.flush()
        case "babble":
            sys.stdout.buffer.write(b"hello\n")
            sys.stdout.flush()
            continue
        case "talk":
            for number in range(200_000):
                sys.stderr.write(f"line {number} \x1b[31m of much talk\n")
        case "close-stdout":
            os.close(1)
            time.sleep(1000)
        case "die-after":
            said = msgspec.json.encode({"pid": os.getpid()}).decode()
            os.write(1, dump_outcome(Done(sha256=said, size=1)))
            os._exit(0)
    said = msgspec.json.encode({"pid": os.getpid(), "tmp": os.environ["TMPDIR"]}).decode()
    os.write(1, dump_outcome(Done(sha256=said, size=1)))
