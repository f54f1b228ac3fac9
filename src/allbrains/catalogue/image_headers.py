"""The headers of images that are not here: a few kB of each, kept by the digest of the whole file.

The book is a file of lines, one an image, only ever added to: a run that is killed loses at most its last
line, and the next one goes on from there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from allbrains import tables
from allbrains.catalogue.catalogue import Catalogue
from allbrains.errors import Reason, ScanUnusable, SourceError, TransientError
from allbrains.images import nifti
from allbrains.images.image_file import promise_of
from allbrains.records import Scan
from allbrains.sources.snapshot import Excluded, Exclusion
from allbrains.transfer import Client, Unavailable, read_start

# The first block of a deflate stream may begin with 300 bytes of code tables; then come the header's 544
# bytes, which pack well. 4 kB is one page of the bucket's disk and three packets.
START_BYTES = 4096
AT_ONCE = 16
_MOST = 2**62  # what a column of the catalogue holds; NIfTI-2 has lengths of 64 bits
_HEADER_BYTES = 544  # of the unpacked file: a NIfTI-2 header and the flags for what follows it
# So many headers one after the other can't be read: the service is down, not the files.
OUTAGE = 32


class Header(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The columns of ``tables.HEADERS`` of one image."""

    header: str
    header_detail: str | None = None
    shape_x: int | None = None
    shape_y: int | None = None
    shape_z: int | None = None
    frames: int | None = None
    spacing_x: float | None = None
    spacing_y: float | None = None
    spacing_z: float | None = None
    spacing_min: float | None = None
    spacing_max: float | None = None
    fov_x: float | None = None
    fov_y: float | None = None
    fov_z: float | None = None
    fov_min: float | None = None
    fov_max: float | None = None
    orientation: str | None = None
    voxel_type: str | None = None


class _Line(msgspec.Struct, frozen=True):
    digest: str
    header: Header


def parse(start: bytes) -> Header:
    """Return what the first few kB of an image file promise. Pure; never raises, whatever the bytes."""
    columns: dict[str, Any] = {}
    try:
        unpacked = _unpacked(start)
        columns = _extent(unpacked)
        promise = promise_of(unpacked)
    except ScanUnusable as error:
        return Header(header=error.reason, header_detail=error.detail, **columns)
    columns["voxel_type"] = promise.dtype.name
    return Header(header="ok", **columns, **_place(promise.affine, columns))


def _unpacked(start: bytes) -> bytes:
    if not start.startswith(b"\x1f\x8b"):
        return start[:_HEADER_BYTES]
    try:
        return zlib.decompressobj(wbits=31).decompress(start, _HEADER_BYTES)
    except zlib.error as error:
        raise ScanUnusable(Reason.CORRUPT, f"the gzip stream is damaged ({error})") from error


def _extent(start: bytes) -> dict[str, Any]:
    sides = nifti.sides(start) if nifti.length(start) else ()
    columns: dict[str, Any] = dict(zip(("shape_x", "shape_y", "shape_z"), sides, strict=False))
    columns |= {"frames": int(np.prod(sides[3:], dtype=object))} if sides else {}
    if any(abs(number) > _MOST for number in columns.values()):
        raise ScanUnusable(Reason.TOO_LARGE, f"{' × '.join(map(str, sides))} voxels")
    return columns


def _place(affine: Any, extent: dict[str, Any]) -> dict[str, Any]:
    import nibabel

    # a µm is far below what a header's float32 can tell
    spacing = [round(edge, 3) for edge in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).tolist()]
    fov = [round(edge * extent[f"shape_{axis}"], 3) for axis, edge in zip("xyz", spacing, strict=True)]
    columns: dict[str, Any] = {"spacing_min": min(spacing), "spacing_max": max(spacing)}
    columns |= {"fov_min": min(fov), "fov_max": max(fov)}
    columns |= {f"spacing_{axis}": edge for axis, edge in zip("xyz", spacing, strict=True)}
    columns |= {f"fov_{axis}": edge for axis, edge in zip("xyz", fov, strict=True)}
    return columns | {"orientation": "".join(nibabel.aff2axcodes(affine))}


class Book:
    """The headers that were read so far; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._known: dict[str, Header] = {}
        content = path.read_bytes() if path.exists() else b""
        for line in content.splitlines():
            try:
                entry = msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError:  # cut by a kill, or of another version
                continue
            self._known[entry.digest] = entry.header
        # a line that was cut must not swallow the next one
        self._gap = b"\n" if content and not content.endswith(b"\n") else b""

    def find(self, digest: str) -> Header | None:
        """Return the header of an image by the digest of its file."""
        return self._known.get(digest)

    def add(self, digest: str, header: Header) -> None:
        """Keep a header."""
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(self._gap + msgspec.json.encode(_Line(digest=digest, header=header)) + b"\n")
            self._gap = b""
            self._known[digest] = header


def unknown(scans: pa.Table, book: Book) -> pa.Table:
    """Return one row of a catalogue's scans for each header that is not in the book."""
    rows: dict[str, int] = {}
    for row, digest in enumerate(scans["digest"].to_pylist()):
        if book.find(digest) is None:
            rows.setdefault(digest, row)
    return scans.take(pa.array(rows.values(), pa.int64()))


def read(
    scans: Sequence[Scan],
    book: Book,
    client: Client,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Excluded, ...]:
    """Read the headers of scans into the book, and return a row for each that can't be had.

    Raises:
        SourceError: the service has stopped answering.
    """
    rows: list[Excluded] = []
    failures = 0
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="headers")
    try:
        for done, row in enumerate(pool.map(lambda scan: _one(scan, book, client), scans), 1):
            failures = failures + 1 if row and row.reason is Exclusion.HEADER_FAILED else 0
            if failures == OUTAGE and row:
                raise SourceError(
                    f"the images' server stopped answering: {OUTAGE} headers in a row could not be read, the "
                    f"last: {row.evidence}. {done - OUTAGE} of {len(scans)} were read and are kept"
                )
            if row:
                rows.append(row)
            progress(done, len(scans))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return tuple(rows)


def _one(scan: Scan, book: Book, client: Client) -> Excluded | None:
    try:
        start = read_start(scan.urls, size=START_BYTES, client=client)
    except Unavailable as error:
        return _row(scan, Exclusion.HEADER_UNAVAILABLE, error)
    except TransientError as error:
        return _row(scan, Exclusion.HEADER_FAILED, error)
    book.add(str(scan.digest), parse(start))
    return None


def _row(scan: Scan, reason: Exclusion, error: Exception) -> Excluded:
    return Excluded(
        dataset=scan.dataset, snapshot=scan.snapshot, path=scan.path, reason=reason, evidence=str(error)
    )


def join(found: Catalogue, book: Book, unread: Sequence[Excluded] = ()) -> Catalogue:
    """Return the catalogue with the headers that are in the book, and rows for those that aren't."""
    known = [book.find(digest) for digest in found.scans["digest"].to_pylist()]
    scans = found.scans
    for field in tables.HEADERS if any(known) else ():  # the columns are there, and empty
        column = pa.array([getattr(header, field.name, None) for header in known], field.type)
        scans = scans.set_column(scans.schema.get_field_index(field.name), field, column)
    exclusions = found.exclusions
    if unread:
        rows = [*exclusions.to_pylist(), *map(asdict, unread)]
        rows.sort(key=lambda row: (row["dataset"], row["path"], row["reason"]))
        exclusions = pa.Table.from_pylist(rows, schema=tables.EXCLUSIONS)
    return Catalogue(
        datasets=found.datasets, scans=scans, participants=found.participants, exclusions=exclusions
    )
