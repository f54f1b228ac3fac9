"""One writer for each folder."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from allbrains.errors import ConfigurationError
from allbrains.files import make_folder, translated
from allbrains.regular_files import read_regular
from allbrains.store.layout import Layout
from allbrains.text import json_of


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process ends, however it ends.

    Raises:
        ConfigurationError: another process holds it; or the folder can't be made or written to.
    """
    holder = layout.root / "driver.json"
    lock = FileLock(layout.root / "driver.lock", timeout=0)
    try:
        make_folder(layout.root)
        held = lock.acquire()
    except Timeout as error:
        raise ConfigurationError(f"{layout.root} is being written by {_who(holder)}") from error
    except OSError as error:
        raise translated(error, layout.root) from error
    with held:
        about = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        with suppress(OSError):  # a full disk: the lock is what counts
            holder.write_text(json.dumps(about))
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _who(holder: Path) -> str:
    try:
        about: dict[str, Any] = json_of(read_regular(holder, most=1 << 16))
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(about["since"]))
        return f"process {int(about['pid'])} on {about['host']!r}, since {since}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "another process"
