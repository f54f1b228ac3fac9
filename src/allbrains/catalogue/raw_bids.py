"""Raw scans as BIDS datasets on this machine: images, their sidecars, and the rows of their participants.

Each file appears whole and verified, or not at all. The same call again goes on: what is there and right
is left alone.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from allbrains.catalogue.sidecars import Sidecars
from allbrains.errors import NoSpace, ScanUnusable, SourceError, TransientError
from allbrains.files import FULL
from allbrains.records import Scan
from allbrains.sources.snapshot import Entry, Snapshot, Source
from allbrains.transfer import Client, fetch

AT_ONCE = 16  # files in flight: one each over the client's pool
# What holds for a whole dataset; lists of files (scans.tsv) would name what was not chosen.
_OF_DATASET = re.compile(
    r"(?:dataset_description\.json|README(?:\.(?:md|rst|txt))?|CHANGES|LICENSE|CITATION\.cff"
    r"|participants\.(?:tsv|json)|sessions\.json)\Z"
)
_OF_SUBJECT = re.compile(r"sub-(?P<label>[^/]+)/(?:[^/]+_)?sessions\.(?:tsv|json)\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]")
_DESCRIPTION = "dataset_description.json"
_BIDS_VERSION = "1.8.0"


class Status(StrEnum):
    """What became of a file."""

    WRITTEN = "written"  # now, or already there and right
    REJECTED = "rejected"  # every source delivers other bytes than published, or its name is no path
    FAILED = "failed"  # not to be had now: the same command tries again


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One file and what became of it.

    Attributes:
        path: below the output folder, with forward slashes.
        size: bytes as published.
        status: what became of it.
        detail: one sentence where it was not written as published.
    """

    path: str
    size: int
    status: Status
    detail: str = ""


def companions(entries: Sequence[Entry], scans: Sequence[Scan]) -> tuple[Entry, ...]:
    """Return the small files that belong to some of a dataset's scans, in order of their paths. Pure."""
    sidecars = Sidecars((entry.path for entry in entries), sorted({scan.suffix for scan in scans}))
    beside = {path for scan in scans for path in sidecars.of(scan)}
    subjects = {scan.subject for scan in scans}

    def belongs(path: str) -> bool:
        of_subject = _OF_SUBJECT.match(path)
        return (
            path in beside
            or bool(_OF_DATASET.match(path))
            or (of_subject is not None and of_subject["label"] in subjects)
        )

    return tuple(sorted((e for e in entries if belongs(e.path)), key=lambda entry: entry.path))


def download(
    scans: Iterable[Scan],
    snapshots: Mapping[str, Snapshot],
    source: Source,
    client: Client,
    folder: Path,
) -> Iterator[Delivery]:
    """Write scans and their companions to ``folder/<dataset>/<path>`` and yield what became of each file.

    Args:
        scans: of any datasets.
        snapshots: by dataset: the version that the scans are of.
        source: lists and reads the small files.
        client: fetches the images.
        folder: made when it is not there.

    Raises:
        NoSpace: the disk is full; what was written stays, and the same call goes on.
    """
    chosen: defaultdict[str, list[Scan]] = defaultdict(list)
    for scan in scans:
        chosen[scan.dataset].append(scan)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="download")
    try:
        for dataset in sorted(chosen):
            yield from _small(snapshots[dataset], chosen[dataset], source, folder)
        images = (scan for dataset in sorted(chosen) for scan in chosen[dataset])
        yield from pool.map(lambda scan: _image(scan, client, folder), images)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _image(scan: Scan, client: Client, folder: Path) -> Delivery:
    def delivery(status: Status, detail: str = "") -> Delivery:
        return Delivery(path=scan.key, size=scan.size, status=status, detail=detail)

    if not _is_safe(scan.key):
        return delivery(Status.REJECTED, "its name is no path for a file here")
    target = folder / scan.key
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch(scan.urls, size=scan.size, digest=scan.digest, target=target, client=client)
    except ScanUnusable as error:
        return delivery(Status.REJECTED, str(error))
    except NoSpace:  # nor is there any for the next one: not a reason to ask the bucket for all of them
        raise
    except TransientError as error:
        return delivery(Status.FAILED, str(error))
    except OSError as error:
        return delivery(Status.FAILED, _obstacle(scan.key, error))
    return delivery(Status.WRITTEN)


def _small(snapshot: Snapshot, scans: Sequence[Scan], source: Source, folder: Path) -> Iterator[Delivery]:
    """Write what belongs to some scans of one dataset."""
    dataset = snapshot.dataset
    try:
        wanted = companions(source.listing(snapshot).entries, scans)
    except (TransientError, SourceError) as error:
        detail = f"its small files can't be listed: {error}"
        yield Delivery(path=dataset, size=0, status=Status.FAILED, detail=detail)
        return
    texts = source.read(snapshot, wanted)
    contents = dict(texts.files)
    made_up = ""
    for one in texts.unread:
        if one.path == _DESCRIPTION:
            made_up = f"made up, its own can't be had: {one.evidence}"
            continue
        status = Status.REJECTED if one.final else Status.FAILED
        yield Delivery(path=f"{dataset}/{one.path}", size=0, status=status, detail=one.evidence)
    if _DESCRIPTION not in contents:
        contents[_DESCRIPTION] = description(snapshot)  # BIDS knows no dataset without
    if "participants.tsv" in contents:
        subjects = {scan.subject for scan in scans} | _subjects_in(folder / dataset)
        contents["participants.tsv"] = only(contents["participants.tsv"], subjects)
    for path, content in sorted(contents.items()):
        status, detail = _put(folder, f"{dataset}/{path}", content)
        detail = detail or (made_up if path == _DESCRIPTION else "")
        yield Delivery(path=f"{dataset}/{path}", size=len(content), status=status, detail=detail)


def _subjects_in(dataset: Path) -> set[str]:
    """Return the labels of the subjects that a dataset's folder has, of an earlier choice."""
    return {path.name.removeprefix("sub-") for path in dataset.glob("sub-*")}


def _put(folder: Path, key: str, content: bytes) -> tuple[Status, str]:
    """Write one small file, and return what became of it."""
    if not _is_safe(key):
        return Status.REJECTED, "its name is no path for a file here"
    try:
        _write(folder / key, content)
    except OSError as error:
        return Status.FAILED, _obstacle(key, error)
    return Status.WRITTEN, ""


def _obstacle(key: str, error: OSError) -> str:
    """Return why a file can't be written.

    Raises:
        NoSpace: nor can any other.
    """
    if error.errno in FULL:
        raise NoSpace(f"no space left for {key}: {error.strerror}") from error
    return f"can't be written: {error.strerror}"


def only(participants: bytes, subjects: Collection[str]) -> bytes:
    """Return participants.tsv with the rows of some subjects, each line as it was. Pure.

    A table with people in it who have no folder is not valid BIDS. A file of another form is left alone.
    """
    lines = participants.splitlines(keepends=True)
    if not lines or not lines[0].lstrip(b"\xef\xbb\xbf").startswith(b"participant_id"):
        return participants
    names = {f"sub-{label}" for label in subjects} | set(subjects)

    def stays(line: bytes) -> bool:
        name = line.split(b"\t")[0].strip().strip(b'"').decode("utf-8", errors="replace")
        return name in names

    return b"".join([lines[0], *filter(stays, lines[1:])])


def description(snapshot: Snapshot) -> bytes:
    """Return a dataset_description.json for a dataset without a readable one of its own. Pure."""
    fields: dict[str, object] = {
        "Name": snapshot.name or snapshot.dataset,
        "BIDSVersion": _BIDS_VERSION,
        "DatasetType": "raw",
    }
    fields |= {"License": snapshot.license} if snapshot.license else {}
    fields |= {"Authors": list(snapshot.authors)} if snapshot.authors else {}
    fields |= {"DatasetDOI": snapshot.doi} if snapshot.doi else {}
    return (json.dumps(fields, indent=2, ensure_ascii=False) + "\n").encode()


def _is_safe(key: str) -> bool:
    """Return whether a server's name may be a path below a folder of ours."""
    parts = key.split("/")
    return not _UNSAFE.search(key) and not any(
        part in ("", ".", "..") or len(part.encode()) > 250 for part in parts
    )


def _write(target: Path, content: bytes) -> None:
    """Write a small file at once and whole; one that is there and the same is left alone."""
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
