"""Small text files: fetched together, verified, and kept by their content.

A file that every address refuses is remembered for a week, so that a blocked dataset does not cost its
requests again each day.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from allbrains.errors import ScanUnusable, TransientError
from allbrains.records import Digest
from allbrains.sources.openneuro.listing_cache import is_stale, put
from allbrains.sources.snapshot import Entry, Texts, Unread
from allbrains.transfer import Client, Unavailable, read
from allbrains.transfer.fetch_file import hasher

AT_ONCE = 16  # the bucket's business, not the API's
# The largest participants.tsv of OpenNeuro has some MB; what is larger is not a small file.
MAX_BYTES = 64 << 20


class SmallFiles:
    """A folder of small files, each named by its digest: one for all datasets that share it."""

    def __init__(self, folder: Path, client: Client) -> None:
        self._folder, self._client = folder, client
        # datasets share files (the same participants.json): each is fetched by one thread at a time
        self._turns = tuple(Lock() for _ in range(256))
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="small-files")

    def read(self, entries: Sequence[Entry]) -> Texts:
        """Return the files' bytes, from the folder where they have been read before."""
        files: dict[str, bytes] = {}
        unread: list[Unread] = []
        for entry, got in zip(entries, self._pool.map(self._one, entries), strict=True):
            if isinstance(got, bytes):
                files[entry.path] = got
            else:
                unread.append(got)
        return Texts(files=files, unread=tuple(unread))

    def _one(self, entry: Entry) -> bytes | Unread:
        if entry.digest is None:
            return Unread(path=entry.path, evidence="it has no digest to check its bytes against", final=True)
        if entry.size > MAX_BYTES:
            return Unread(path=entry.path, evidence=f"{entry.size} bytes are not a small file", final=True)
        target = self._path(entry.digest)
        with self._turns[int(entry.digest.hexdigest[:2], 16)]:
            if (kept := _kept(target, entry, entry.digest)) is not None:
                return kept
            refused = target.with_name(f"{target.name}-{entry.size}.refused")
            if refused.exists() and not is_stale(refused):
                return Unread(path=entry.path, evidence=refused.read_text(encoding="utf-8"), final=True)
            return self._fetch(entry, entry.digest, target, refused)

    def _fetch(self, entry: Entry, digest: Digest, target: Path, refused: Path) -> bytes | Unread:
        # the bare path first: half of the small files are listed with the slow objects route only
        urls = sorted(entry.urls, key=lambda url: "?" in url)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            content = self._read(urls, entry.size, digest)
        except (Unavailable, ScanUnusable) as error:
            put(refused, str(error).encode())
            return Unread(path=entry.path, evidence=str(error), final=True)
        except TransientError as error:
            return Unread(path=entry.path, evidence=str(error), final=False)
        put(target, content)
        return content

    def _read(self, urls: Sequence[str], size: int, digest: Digest) -> bytes:
        try:
            return read(urls, size=size, digest=digest, client=self._client)
        except ScanUnusable:  # a bad hour of some cache on the way? it is a few kB: all over once more
            return read(urls, size=size, digest=digest, client=self._client)

    def _path(self, digest: Digest) -> Path:
        # in 256 folders: sidecars may be as many as scans
        return self._folder / digest.hexdigest[:2] / f"{digest.algorithm}-{digest.hexdigest}"


def _kept(path: Path, entry: Entry, digest: Digest) -> bytes | None:
    """Return the file in the folder, or none where there is none or a disk has damaged it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    state = hasher(digest, entry.size)
    state.update(content)
    return content if state.hexdigest() == digest.hexdigest else None
