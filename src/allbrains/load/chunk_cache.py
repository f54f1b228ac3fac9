"""A folder of chunks that came over the network, never above its limit."""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ROOM = 0.9  # of the limit is left after tidying up, so that not every chunk tidies
_lock = threading.Lock()  # one for all caches: it is held for moments


@dataclass(frozen=True, slots=True)
class Cache:
    """Chunks that were read are kept until newer ones need the room. Several processes may share a folder.

    Attributes:
        folder: made when first needed.
        limit: bytes; what is larger by itself is not kept.
    """

    folder: Path
    limit: int

    def get(self, key: str) -> bytes | None:
        """Return what was put under a key, or None where it is gone."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)  # read lately, so let go late
        except OSError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key; where there is no room for them on the disk, don't."""
        if len(data) > self.limit:
            return
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            return
        self._tidy()

    def drop(self, key: str) -> None:
        """Forget a key."""
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _tidy(self) -> None:
        """Remove what was read longest ago, where the folder is above its limit."""
        with _lock:
            found = []
            for path in self.folder.glob("*/*"):
                with suppress(OSError):  # another process was quicker
                    about = path.stat()
                    found.append((about.st_mtime_ns, about.st_size, path))
            used = sum(size for _, size, _ in found)
            if used <= self.limit:
                return
            for _, size, path in sorted(found):
                if used <= self.limit * _ROOM:
                    return
                with suppress(OSError):
                    path.unlink()
                used -= size
