"""Listings of files that leave something out, or have URLs that lead elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from allbrains.sandbox.archive import IMAGE_EXTENSIONS
from allbrains.sandbox.faults.fault_kinds import Drawn, Lasts, Listed, Misbehaviour, Rows
from allbrains.sandbox.listing_rows import Row

_T1W = tuple(f"_T1w{extension}" for extension in IMAGE_EXTENSIONS)
# where the service is called by its virtual host; a name that no certificate matches
_VIRTUAL_HOST = "http://openneuro.org.s3.amazonaws.com"


def _truncated(rows: list[Row], listed: Listed) -> list[Row]:
    return [row for row in rows if "/" not in row["filename"]] if listed.recursive else rows


def _empty(rows: list[Row], listed: Listed) -> list[Row]:
    return [] if listed.recursive else rows


def _without_anatomy(rows: list[Row], listed: Listed) -> list[Row]:
    return [row for row in rows if "/anat/" not in f"/{listed.path(row)}"]


def _without_some_anatomy(rows: list[Row], listed: Listed) -> list[Row]:
    return [row for row in rows if not ("/anat/" in (path := listed.path(row)) and _is_lost(path))]


def _is_lost(path: str) -> bool:
    """Return whether a path is of a subject with an even last digit."""
    subject = path.partition("/")[0]
    return subject.startswith("sub-") and subject[-1] in "02468"


def _each_url(change: Callable[[str, Row, Listed], str]) -> Rows:
    def changed(rows: list[Row], listed: Listed) -> list[Row]:
        return [{**row, "urls": [change(url, row, listed) for url in row["urls"]]} for row in rows]

    return Rows(change=changed)


def _dataset_as_bucket(url: str, row: Row, listed: Listed) -> str:
    return url.replace(f"{listed.base}/openneuro.org/", f"{listed.base}/", 1)


def _virtual_host(url: str, row: Row, listed: Listed) -> str:
    return url.replace(f"{listed.base}/openneuro.org", _VIRTUAL_HOST, 1)


def _objects_only(url: str, row: Row, listed: Listed) -> str:
    name = quote(row["filename"].rpartition("/")[2], safe="")
    return f"{listed.base}/crn/datasets/{quote(listed.dataset)}/objects/{row['id']}?filename={name}"


def _no_object_id(url: str, row: Row, listed: Listed) -> str:
    objects = f"/objects/{row['id']}?"
    return url.replace(objects, "/objects/?", 1)


def _stale_version(url: str, row: Row, listed: Listed) -> str:
    address, mark, version = url.partition("?versionId=")
    return f"{address}{mark}{version[::-1]}" if mark else url


def _quoted_twice(url: str, row: Row, listed: Listed) -> str:
    address, mark, query = url.partition("?")
    return address.replace("%", "%25") + mark + query if "/openneuro.org/" in address else url


def _twins(rows: list[Row], listed: Listed) -> list[Row]:
    """Make every second T1w of a listing the same file as the one before it, as git-annex would."""
    changed, before = [], None
    for row in rows:
        if row["filename"].endswith(_T1W) and listed.path(row).startswith("sub-"):
            if before is None:
                before = row
            else:
                row = {**row, **{key: before[key] for key in ("id", "size", "urls")}}  # noqa: PLW2901
                before = None
        changed.append(row)
    return changed


def _rows(name: str, says: str, kind: Rows) -> Misbehaviour:
    return Misbehaviour(name=name, says=says, lasts=Lasts.STAYS, drawn=Drawn.DATASETS, kind=kind)


FAULTS = (
    _rows(
        "truncated-listing",
        "The recursive listing has the top level only, without an error; walking the trees finds all.",
        Rows(change=_truncated),
    ),
    _rows(
        "empty-listing",
        "The recursive listing is empty, without an error; walking the trees finds all.",
        Rows(change=_empty),
    ),
    _rows(
        "truncated-tree",
        "Everything in `anat` is missing, in the recursive listing and in the trees; the bucket lists it.",
        Rows(change=_without_anatomy),
    ),
    _rows(
        "thinned-tree",
        "The same for every second subject only (labels that end in an even digit).",
        Rows(change=_without_some_anatomy),
    ),
    _rows(
        "wrong-host",
        "The API takes the dataset for the bucket: `…amazonaws.com/ds001371/sub-…`.",
        _each_url(_dataset_as_bucket),
    ),
    _rows(
        "virtual-host",
        f"URLs in the bucket begin with `{_VIRTUAL_HOST}`, which is not this sandbox.",
        _each_url(_virtual_host),
    ),
    _rows(
        "no-version-id",
        "The API knows no version in the bucket: all URLs are of the objects endpoint.",
        _each_url(_objects_only),
    ),
    _rows(
        "no-object-id",
        "URLs of the objects endpoint lack the id: `…/objects/?filename=…`.",
        _each_url(_no_object_id),
    ),
    _rows(
        "stale-version",
        "URLs in the bucket have a version id that is not there any more: 404 NoSuchVersion.",
        _each_url(_stale_version),
    ),
    _rows(
        "double-encoded-urls",
        "What is quoted in the path of a URL in the bucket is quoted twice: `aparc%252Baseg.mgz`.",
        _each_url(_quoted_twice),
    ),
    _rows(
        "duplicate-key",
        "Every second T1w has the id, the size and the URL of another one, as identical files have.",
        Rows(change=_twins),
    ),
)
