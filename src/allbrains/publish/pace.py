"""When the next commit may be made: no more than so many in any hour.

A stored log of the Hub shows refusals (429) at 128 commits an hour. What the target itself remembers of past
commits is counted too, so starting anew doesn't start a new hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

COMMITS_AN_HOUR = 100  # leaves room for what its owner does by hand
HOUR_S = 3600.0
_LONGEST_REST_S = 300.0


@dataclass(slots=True, kw_only=True)
class Pace:
    """Waits where it must.

    Attributes:
        limit: commits in any window.
        window_s: seconds.
        now: the clock, seconds since the epoch.
        wait: sleeps so many seconds.
        tell: says a sentence before a long wait.
        made: when commits were made.
    """

    limit: int = COMMITS_AN_HOUR
    window_s: float = HOUR_S
    now: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = lambda _: None
    made: list[float] = field(default_factory=list)

    def remember(self, times: Iterable[float]) -> None:
        """Count commits that were made before, by this process or another."""
        self.made = sorted({*self.made, *times})

    def before_commit(self) -> None:
        """Wait until a commit may be made."""
        now = self.now()
        recent = [when for when in self.made if when > now - self.window_s]
        if len(recent) >= self.limit:
            pause = recent[-self.limit] + self.window_s - now
            self.tell(f"{len(recent)} commits in the last hour: waiting {pause:.0f} s for the next")
            self.wait(pause)

    def after_commit(self) -> None:
        """Count a commit."""
        self.made.append(self.now())

    def rest(self, asked_s: float, failures: int) -> None:
        """Wait after a failure: as long as we were asked to, or longer each time."""
        pause = asked_s or min(_LONGEST_REST_S, 2.0 ** (failures - 1))
        if pause > 5:
            self.tell(f"waiting {pause:.0f} s before the next attempt")
        self.wait(pause)


def hours(commits: int, limit: int = COMMITS_AN_HOUR) -> float:
    """Return the fewest hours that so many commits take, from the limit alone."""
    return max(0, commits - 1) // limit * 1.0
