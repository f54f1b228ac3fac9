"""What is different between two catalogues: datasets that came, changed, went, or came back renamed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from allbrains.catalogue.catalogue import Catalogue
from allbrains.sources.snapshot import Exclusion

# Two datasets with this part of the smaller one's images in common are one dataset under two names.
SAME_DATASET = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A dataset with another snapshot now."""

    dataset: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A dataset that is not there any more, and how that is known."""

    dataset: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reissued:
    """A dataset that went, and the one that has its images now."""

    before: str
    after: str
    shared_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is different.

    Attributes:
        new: datasets that were not there.
        changed: datasets in another version.
        withdrawn: datasets that are gone for good since the catalogue before.
        unlisted: datasets that were not listed this time, and are kept this once.
        reissued: withdrawn and unlisted datasets with images that are in another one. A dataset that is taken
            back without a word is withdrawn a run later than its new name appears: both runs say so.
        scans_added: scans that were not there, of any dataset.
        scans_gone: scans that are not there any more.
        scans_changed: scans at the same path with another digest: other bytes, or the same bytes that
            are known by another kind of digest since (see ``listed_by_bucket``).
    """

    new: tuple[str, ...]
    changed: tuple[Changed, ...]
    withdrawn: tuple[Gone, ...]
    unlisted: tuple[Gone, ...]
    reissued: tuple[Reissued, ...]
    scans_added: int
    scans_gone: int
    scans_changed: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return asdict(self)


def changes(before: Catalogue, after: Catalogue) -> Changes:
    """Return what is different in ``after``."""
    old, new = _versions(before), _versions(after)
    came = sorted(new.keys() - old.keys())
    withdrawn = _gone(after, Exclusion.WITHDRAWN, old.keys() - new.keys())
    unlisted = _gone(after, Exclusion.UNLISTED, new.keys())
    away = [gone.dataset for gone in (*withdrawn, *unlisted)]
    scans_before, scans_after = _scans(before), _scans(after)
    both = scans_before.keys() & scans_after.keys()
    return Changes(
        new=tuple(came),
        changed=tuple(
            Changed(dataset=name, before=old[name][0], after=new[name][0])
            for name in sorted(old.keys() & new.keys())
            if old[name] != new[name]
        ),
        withdrawn=withdrawn,
        unlisted=unlisted,
        reissued=tuple(_reissued(before, after, away)),
        scans_added=len(scans_after) - len(both),
        scans_gone=len(scans_before) - len(both),
        scans_changed=sum(scans_before[key] != scans_after[key] for key in both),
    )


def _scans(one: Catalogue) -> dict[tuple[str, str], str]:
    names = ("dataset", "path", "scan_id")
    datasets, paths, ids = (one.scans[name].to_pylist() for name in names)
    return dict(zip(zip(datasets, paths, strict=True), ids, strict=True))


def _versions(one: Catalogue) -> dict[str, tuple[str, str]]:
    rows = one.datasets.select(["dataset", "snapshot", "hexsha"]).to_pylist()
    return {row["dataset"]: (row["snapshot"], row["hexsha"]) for row in rows}


def _gone(after: Catalogue, reason: Exclusion, among: Iterable[str]) -> tuple[Gone, ...]:
    names = set(among)
    return tuple(
        Gone(dataset=row["dataset"], evidence=row["evidence"])
        for row in after.exclusions.to_pylist()
        if row["reason"] == reason and not row["path"] and row["dataset"] in names
    )


def _reissued(before: Catalogue, after: Catalogue, away: Sequence[str]) -> Iterator[Reissued]:
    old, new = _images(before), _images(after)
    for gone in away:
        for name in sorted(new.keys() - set(away)):
            shared = len(old[gone] & new[name])
            if shared and shared >= SAME_DATASET * min(len(old[gone]), len(new[name])):
                yield Reissued(before=gone, after=name, shared_images=shared)


def _images(one: Catalogue) -> defaultdict[str, set[str]]:
    images: defaultdict[str, set[str]] = defaultdict(set)
    rows = one.scans.select(["dataset", "digest"])
    for dataset, digest in zip(rows["dataset"].to_pylist(), rows["digest"].to_pylist(), strict=True):
        images[dataset].add(digest)
    return images
