"""Pause the build while a shared resource is down; affected scans are retried and not counted.

A full disk or an outage would otherwise use up every scan's attempts in an hour. Each ``Check`` knows one
such resource: which failures its absence explains, and whether it is still down.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from allbrains.errors import NoSpace, TransientError
from allbrains.records import Cause, Failed, Scan
from allbrains.run.free_space import short_of_space
from allbrains.run.slot.guard import Report
from allbrains.transfer import Client, Network
from allbrains.transfer.http_client import Refused

Made = TypeVar("Made")

PAUSE_S, LONGEST_PAUSE_S = 20.0, 300.0
IN_A_ROW = 3  # scans that meet no answer, one after the other, are an outage, whatever a probe says
EXCUSES = 5  # how often a scan may plead so: it may be the last ones' own fault


class Check(Protocol):
    """One shared resource that can be down: a disk, a service."""

    def blame(self, scan: Scan, report: Report) -> str:
        """Return what is down, where that explains the outcome; else an empty text."""

    def complaint(self) -> str:
        """Return what is down now; empty where nothing is."""


class Disk:
    """The disks: the driver's, and that of the machine where the scan ran.

    Args:
        out: the output folder.
        short: tells which disk is full.
    """

    def __init__(self, out: Path, short: Callable[[Path], str] = short_of_space) -> None:
        self._out, self._short = out, short

    def blame(self, scan: Scan, report: Report) -> str:
        """Return which disk was full where the scan ran; empty where none was."""
        return report.excuse

    def complaint(self) -> str:
        """Return which of this machine's disks is full."""
        return self._short(self._out)


class Service:
    """The services that scans come from; down where no origin answers.

    Args:
        silence: asks for an origin once; returns what is wrong, or an empty text when it answers.
        origins: where scans come from.
    """

    def __init__(self, silence: Callable[[str], str], origins: Sequence[str]) -> None:
        self._silence, self._origins = silence, origins
        self._row, self._excused, self._asked = 0, Counter[str](), ""

    def blame(self, scan: Scan, report: Report) -> str:
        """Return that the service is out, where a probe or the row of failures says so."""
        failed = report.outcome if isinstance(report.outcome, Failed) else None
        self._row = self._row + 1 if failed and failed.cause is Cause.NETWORK else 0
        # a scan's time may end before the downloader's patience does: then an outage looks like a hang
        if not failed or failed.cause not in (Cause.NETWORK, Cause.TIMEOUT):
            return ""
        hosts = {urlsplit(url).netloc for url in scan.urls}
        self._asked = next((one for one in self._origins if urlsplit(one).netloc in hosts), "")
        if said := self.complaint():
            return said
        if self._row >= IN_A_ROW and self._excused[scan.scan_id] < EXCUSES:
            self._excused[scan.scan_id] += 1
            return f"{self._row} scans in a row met no answer: {failed.detail}"
        return ""

    def complaint(self) -> str:
        """Return why the origin that was silent does not answer a probe; empty where it answers."""
        return self._silence(self._asked) if self._asked else ""


def silence(network: Network) -> Callable[[str], str]:
    """Return a probe: it asks once, and takes any answer but "later" as a sign of life."""
    patience = replace(network, attempts=1)

    def ask(origin: str) -> str:
        client = Client(patience)
        try:
            for attempt in patience.tries(1):
                with attempt, client.get(origin, {"Range": "bytes=0-0"}):
                    pass
        except TransientError as error:
            return f"no answer: {error}"
        except Refused:  # "no" is an answer too
            return ""
        finally:
            client.close()
        return ""

    return ask


class Pause:
    """Holds a build while a shared resource is down.

    Args:
        checks: the kinds of trouble.
        tell: is given the trouble when a pause begins, and an empty text when it ends.
        pause_s: before the first look whether it is over; doubles, up to five minutes.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        tell: Callable[[str], None],
        *,
        pause_s: float = PAUSE_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._checks, self._tell, self._pause_s, self._sleep = checks, tell, pause_s, sleep
        self._trouble = ""

    def feed(self, scans: deque[Scan]) -> Iterator[Scan]:
        """Take scans from the left, until there are none or there is trouble."""
        while scans and not self._trouble:
            yield scans.popleft()

    def excuses(self, scan: Scan, report: Report) -> bool:
        """Return whether a failure is not the scan's; then the feed ends too."""
        # each check sees every outcome: a row of failures ends with a success
        said = [sentence for check in self._checks if (sentence := check.blame(scan, report))]
        if said:
            self._trouble = said[0]
        return bool(said)

    def wait(self) -> None:
        """Return when nothing is down any more; at once, where nothing was."""
        if not self._trouble:
            return
        self._tell(self._trouble)
        pause_s = self._pause_s
        while True:
            self._sleep(pause_s)
            if not any(check.complaint() for check in self._checks):
                break
            pause_s = min(2 * pause_s, max(LONGEST_PAUSE_S, self._pause_s))
        self._trouble = ""
        self._tell("")

    def patiently(self, call: Callable[[], Made]) -> Made:
        """Return what ``call`` returns; where it finds no space, wait and call again."""
        while True:
            try:
                return call()
            except NoSpace as error:
                self._trouble = str(error)
                self.wait()
