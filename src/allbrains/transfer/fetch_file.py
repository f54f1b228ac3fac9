"""``fetch``: the bytes that were promised, or no file.

temporary file beside the target → stream with digest → size and digest right → fsync → rename.
What goes wrong is of three kinds, and each has its answer:

* it may pass (a cut, a stall, a busy server): the same URL again, from the byte where it broke off;
* the URL says no (403, 404, an error page in place of the file): the next URL;
* the bytes are others than promised: once more from the first byte, then the next URL.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from allbrains.errors import NoSpace, Reason, ScanUnusable, TransientError
from allbrains.files import FULL, sync
from allbrains.records import Algorithm, Digest
from allbrains.transfer.http_client import Client, Refused, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import urllib3

_CHUNK = 1 << 20
# A try that brought at least this many bytes was not in vain: the tries are counted anew.
_PROGRESS = 1 << 20
# what servers send in place of a file, with status 200
_PAGES = ("text/html", "application/json", "application/xml", "text/xml")


class _WrongBytes(Exception):
    """A whole delivery that is not the published file."""


class Unavailable(TransientError):
    """All URLs refused (4xx). Not retried in this run; a later run tries again."""


def fetch(urls: Sequence[str], *, size: int, digest: Digest, target: Path, client: Client) -> Path:
    """Write the file that ``size`` and ``digest`` promise to ``target`` and return ``target``.

    A target that is there already and keeps the promise is left alone. Otherwise ``target`` appears
    at once and whole, or not at all.

    Args:
        urls: where to look, best first; ``file://`` only under one of the client's roots.
        size: bytes; nothing beyond is read.
        digest: of those bytes.
        target: in a folder that exists; ``<name>.part`` beside it is used up. One writer at a time.
        client: the connection pool, which also says which addresses may be asked.

    Raises:
        ScanUnusable: every URL that delivers, delivers other bytes than promised.
        Unavailable: every URL says no.
        TransientError: no URL delivers now.
        NoSpace: the disk is full.
    """
    if _keeps_promise(target, size, digest):
        return target
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)  # of a run that was killed
    try:
        with _exclusive(part) as file:
            body = _Body(file, size, digest)
            _first_good(urls, body, client)
            file.flush()
            os.fsync(file.fileno())
            _move(part, file, target)
        sync(target.parent)
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace(f"no space left for {target.name} ({size} bytes): {error.strerror}") from error
        raise
    finally:
        part.unlink(missing_ok=True)
    return target


def read(urls: Sequence[str], *, size: int, digest: Digest, client: Client) -> bytes:
    """Return the bytes of a small file, the same that ``fetch`` would write.

    Raises:
        ScanUnusable: every URL that delivers, delivers other bytes than promised.
        Unavailable: every URL says no.
        TransientError: no URL delivers now.
    """
    memory = io.BytesIO()
    _first_good(urls, _Body(memory, size, digest), client)
    return memory.getvalue()


def read_start(urls: Sequence[str], *, size: int, client: Client) -> bytes:
    """Return the first bytes of a file, as many as there are up to ``size``; no digest vouches for them.

    Raises:
        Unavailable: every URL says no.
        TransientError: no URL delivers now.
    """
    refused: list[str] = []
    busy: list[TransientError] = []
    for url in urls:
        try:
            for attempt in client.network.tries():
                with attempt:
                    return _start(url, size, client)
        except Refused as error:
            refused.append(str(error))
        except TransientError as error:
            busy.append(error)
    if busy:
        raise busy[-1]
    raise Unavailable("; ".join(refused) or "no URL to fetch it from")


def _start(url: str, size: int, client: Client) -> bytes:
    if url.startswith("file:"):
        path = client.local(url)
        try:
            with path.open("rb") as file:
                return file.read(size)
        except FileNotFoundError as error:
            raise Refused(f"{path} is not there") from error
    with client.get(url, {"Range": f"bytes=0-{size - 1}"}) as response:
        if _is_page(response):
            raise Refused(f"{bare(url)} answered a page in place of the file")
        start = b""
        for chunk in client.chunks(response):
            start += chunk
            if len(start) > size:  # a server that knows no ranges is cut off
                break
        if not start:
            raise Refused(f"{bare(url)} answered nothing")
        return start[:size]


def _move(part: Path, file: BinaryIO, target: Path) -> None:
    """Give the written file its name, unless a second writer has put another in its place."""
    try:
        own = os.path.samestat(part.stat(follow_symlinks=False), os.fstat(file.fileno()))
    except FileNotFoundError:
        own = False
    if not own:
        raise TransientError(f"{part.name} is being written by somebody else too")
    part.replace(target)


def hasher(digest: Digest, size: int) -> hashlib._Hash:
    """Return a hash object, fed with what the algorithm puts before the file's bytes."""
    match digest.algorithm:
        case Algorithm.MD5:
            return hashlib.md5(usedforsecurity=False)
        case Algorithm.SHA256:
            return hashlib.sha256()
        case Algorithm.GIT_SHA1:
            return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


class _Body:
    """The bytes so far: on disk, counted and hashed."""

    def __init__(self, file: BinaryIO, size: int, digest: Digest) -> None:
        self.file, self.size, self.digest = file, size, digest
        self.restart()

    def restart(self) -> None:
        """Forget everything that came."""
        self.file.seek(0)
        self.file.truncate()
        self.arrived, self.validator = 0, ""
        self._hash = hasher(self.digest, self.size)

    def take(self, chunk: bytes) -> None:
        """Add the next bytes; one more than promised ends the delivery."""
        self.arrived += len(chunk)
        if self.arrived > self.size:
            raise _WrongBytes(f"more than the published {self.size} bytes")
        self._hash.update(chunk)
        self.file.write(chunk)

    def check(self) -> None:
        """Raise ``_WrongBytes`` unless these are the promised bytes."""
        if self.arrived != self.size:
            raise _WrongBytes(f"{self.arrived} bytes, published are {self.size}")
        if (found := self._hash.hexdigest()) != self.digest.hexdigest:
            raise _WrongBytes(f"{self.digest.algorithm} {found}, published is {self.digest.hexdigest}")


def _first_good(urls: Sequence[str], body: _Body, client: Client) -> None:
    """Fill ``body`` from the first URL that delivers the promised bytes."""
    wrong: list[str] = []
    absent: list[str] = []
    waits: list[float] = []
    for url in urls:
        try:
            if (complaint := _twice(url, body, client)) == "":
                return
            wrong.append(f"{bare(url)}: {complaint}")
        except Refused as error:
            absent.append(str(error))
        except TransientError as error:
            absent.append(str(error))
            waits.append(error.retry_after_s)
    complaints = "; ".join(wrong + absent) or "no URL to fetch it from"
    if waits:
        raise TransientError(complaints, retry_after_s=max(waits))
    if wrong:  # nothing is left that could turn out better another day
        raise ScanUnusable(Reason.WRONG_BYTES, complaints)
    raise Unavailable(complaints)


def _twice(url: str, body: _Body, client: Client) -> str:
    """Return an empty text once ``body`` is right, or what was wrong with it on both tries."""
    complaint = ""
    for _ in range(2):
        body.restart()
        try:
            _deliver(url, body, client)
        except _WrongBytes as error:
            complaint = str(error)
        else:
            return ""
    return complaint


def _deliver(url: str, body: _Body, client: Client) -> None:
    """Fill ``body`` from one URL, going on where a try broke off as long as each brings something."""
    if url.startswith("file:"):
        _copy(client.local(url), body)
        return
    while True:
        before = body.arrived
        try:
            for attempt in client.network.tries():
                with attempt:
                    _receive(url, body, client)
            return
        except TransientError:
            if body.arrived - before < _PROGRESS:
                raise


def _receive(url: str, body: _Body, client: Client) -> None:
    """Ask once, for the rest of ``body`` where the server can prove that it is the same file's rest."""
    headers = {}
    if body.arrived and body.validator:
        headers = {"Range": f"bytes={body.arrived}-", "If-Range": body.validator}
    else:
        body.restart()
    with client.get(url, headers) as response:
        if response.status != 206:
            body.restart()
            _expect_file(response, url, body.size)
        elif not _goes_on(response.headers.get("Content-Range", ""), body):
            body.restart()
            raise TransientError(f"{bare(url)} answered another range than was asked for")
        etag = response.headers.get("ETag", "")
        body.validator = "" if etag.startswith("W/") else etag  # a weak one doesn't vouch for bytes
        try:
            for chunk in client.chunks(response):
                body.take(chunk)
            body.check()
        except _WrongBytes as error:
            if body.arrived != body.size and _is_page(response):
                raise Refused(f"{bare(url)} answered a page in place of the file") from error
            raise


def _goes_on(content_range: str, body: _Body) -> bool:
    parts = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", content_range.strip())
    return bool(parts and (int(parts[1]), int(parts[3])) == (body.arrived, body.size) and body.arrived)


def _expect_file(response: urllib3.BaseHTTPResponse, url: str, size: int) -> None:
    """Look at a whole body's headers before reading it.

    Raises:
        Refused: a page or an error object stands in for the file: some services mask every failure
            as 200, with an empty body or ``{"error": …}``.
        _WrongBytes: a file of another size.
    """
    announced = response.headers.get("Content-Length", "")
    if not announced.isdigit() or int(announced) == size:
        return
    if int(announced) == 0 or _is_page(response):
        raise Refused(f"{bare(url)} answered {announced} bytes of something in place of the file")
    raise _WrongBytes(f"{announced} bytes announced, published are {size}")


def _is_page(response: urllib3.BaseHTTPResponse) -> bool:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() in _PAGES


def _copy(path: Path, body: _Body) -> None:
    try:
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                body.take(chunk)
    except FileNotFoundError as error:
        raise Refused(f"{path} is not there") from error
    body.check()


def _keeps_promise(path: Path, size: int, digest: Digest) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != size:
        return False
    state = hasher(digest, size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest() == digest.hexdigest


@contextmanager
def _exclusive(path: Path) -> Iterator[BinaryIO]:
    # O_EXCL: never write into what somebody else laid there; O_NOFOLLOW says the same of links
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o666), "w+b") as file:
        yield file
