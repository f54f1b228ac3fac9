"""What the tests of the guard and of the engines share: scans that are poison, and slots that run them."""

import sys
import time
from pathlib import Path

import psutil

from allbrains.records import Algorithm, Digest, Scan

POISON = (sys.executable, str(Path(__file__).with_name("poison_worker.py")))


def scan(path: str, url: str = "", number: int = 0) -> Scan:
    """Return a scan that does to the poison worker what its path says."""
    return Scan(
        dataset="ds1",
        snapshot="1",
        path=path,
        subject="01",
        session="",
        suffix="T1w",
        entities=(("sub", "01"),),
        size=1,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{number:032x}"),
        urls=(url,),
    )


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
