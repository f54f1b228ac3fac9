"""Which files of a listing are scans, and why the others that look like it are not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from allbrains import bids
from allbrains.records import Scan
from allbrains.sources.raw_names import misspelt, not_a_raw_head
from allbrains.sources.snapshot import Entry, Excluded, Exclusion, Listing

# Fewer bytes than this hold no image of a head, however it is compressed: AppleDouble files have 4,096,
# pointers of git-annex some hundred. The smallest of 8,045 listed T1w of OpenNeuro has 38,259 bytes and
# the next 241,611; whether such a file is a head is for the image's own checks to say.
MIN_BYTES = 8192

_NOT_RAW = {
    "derivatives": Exclusion.DERIVATIVE,
    "sourcedata": Exclusion.SOURCE_DATA,
    "code": Exclusion.CODE,
}


def scans_in(
    listing: Listing, *, suffixes: Sequence[str] = ("T1w",)
) -> tuple[tuple[Scan, ...], tuple[Excluded, ...]]:
    """Return a listing's scans, in order of their paths, and a row for each file that only looks like one.

    A file looks like a scan when its name ends in ``_<suffix>.nii`` or ``_<suffix>.nii.gz``. It is one
    when it lies in ``sub-*/[ses-*/]anat`` and its name agrees with the folders; entities, their order
    and their labels may be any, but for those that say it is something else (``raw_names``). Names that
    are only nearly such (``_t1w.nii.gz``, ``_T1w.mgz``) are told, too.

    Args:
        listing: of one snapshot.
        suffixes: BIDS suffixes that count.
    """
    endings = tuple(f"_{suffix}{ext}" for suffix in suffixes for ext in bids.IMAGE_EXTENSIONS)
    scans: list[Scan] = []
    excluded: list[Excluded] = []
    wanted = tuple(suffixes)
    for entry in sorted(listing.entries, key=lambda e: e.path):
        if not entry.path.endswith(endings):
            if (wrong := misspelt(entry.path, wanted)) and not _NOT_RAW.keys() & set(entry.path.split("/")):
                excluded.append(_excluded(listing, entry, Exclusion.NOT_BIDS, wrong))
            continue
        place = place_of(entry.path)
        if not isinstance(place, bids.BidsPath):
            excluded.append(_excluded(listing, entry, *place))
        elif fault := _unusable(entry):
            excluded.append(_excluded(listing, entry, *fault))
        else:
            scans.append(_scan(listing, entry, place))
    # a folder lists what it lacks of any image that some dataset of it is asked for
    lacking = (row for row in listing.excluded if not row.path or row.path.endswith(endings))
    return tuple(scans), tuple(chain(lacking, excluded))


def place_of(path: str) -> bids.BidsPath | tuple[Exclusion, str]:
    """Return the parts of an image's path where a scan may lie, or why none lies there, with the evidence."""
    *folders, name = path.split("/")
    if name.startswith("._"):
        return Exclusion.APPLE_DOUBLE, name
    for folder in folders:
        if folder in _NOT_RAW:
            return _NOT_RAW[folder], f"under {folder}/"
    if not folders or not folders[0].startswith("sub-"):
        return Exclusion.OUTSIDE_SUBJECT, "/".join(folders) or "top of the dataset"
    try:
        parts = bids.parse(path)
    except bids.NotBids as error:
        return Exclusion.NOT_BIDS, str(error)
    return _misplaced(parts) or not_a_raw_head(parts) or parts


def _misplaced(parts: bids.BidsPath) -> tuple[Exclusion, str] | None:
    subject, *middle, last = parts.folders if len(parts.folders) > 1 else (*parts.folders, "")
    session = middle[0] if middle and middle[0].startswith("ses-") else ""
    if middle != [session] * bool(session) or last != "anat":
        return Exclusion.WRONG_FOLDER, "/".join(parts.folders)
    if (label := parts.label("sub")) != subject.removeprefix("sub-"):
        return Exclusion.WRONG_SUBJECT, f"sub-{label} in {subject}/"
    if (label := parts.label("ses")) != session.removeprefix("ses-"):
        return (
            Exclusion.WRONG_SESSION,
            f"{f'ses-{label}' if label else 'no session'} in {session or subject}/",
        )
    return None


def _unusable(entry: Entry) -> tuple[Exclusion, str] | None:
    if entry.size < MIN_BYTES:
        return Exclusion.TINY, f"{entry.size} bytes"
    if entry.digest is None:
        return Exclusion.NO_DIGEST, "its id is neither a git-annex key with MD5 or SHA-256 nor a git id"
    return None


def _scan(listing: Listing, entry: Entry, parts: bids.BidsPath) -> Scan:
    assert entry.digest is not None  # _unusable has seen to it
    return Scan(
        dataset=listing.snapshot.dataset,
        snapshot=listing.snapshot.tag,
        path=entry.path,
        subject=parts.label("sub"),
        session=parts.label("ses"),
        suffix=parts.suffix,
        entities=parts.entities,
        size=entry.size,
        digest=entry.digest,
        urls=entry.urls,
    )


def _excluded(listing: Listing, entry: Entry, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=listing.snapshot.dataset,
        snapshot=listing.snapshot.tag,
        path=entry.path,
        reason=reason,
        evidence=evidence,
    )
