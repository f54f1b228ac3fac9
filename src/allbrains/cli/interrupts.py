"""Ctrl-C, SIGTERM and SIGHUP: once ends the run in order, twice at once. Both can be taken up again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly() -> Iterator[None]:
    """Make the first such signal a ``KeyboardInterrupt``, and the second the end.

    At the second nothing is put in order here: the keepers kill the workers when this process is gone, and
    the next run sweeps. For the main thread only.
    """
    seen = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            os.write(2, b"ended at once\n")
            os._exit(128 + signal.SIGINT)
        os.write(2, b"\nstopping; once more to end at once\n")
        raise KeyboardInterrupt

    # what the parent ignores stays ignored: nohup and background jobs mean it
    wanted = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
