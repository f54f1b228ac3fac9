"""One writer a folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from allbrains.errors import ConfigurationError
from allbrains.store.layout import Layout


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process ends, however it ends.

    Raises:
        ConfigurationError: another process holds it.
    """
    holder = layout.root / "driver.json"
    lock = FileLock(layout.root / "driver.lock", timeout=0)
    try:
        with lock:
            holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout as error:
        who = holder.read_text() if holder.exists() else "another process"
        raise ConfigurationError(f"{layout.root} is being written by {who}") from error
