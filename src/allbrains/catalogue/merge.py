"""One catalogue out of two: what a run has read is merged into what its folder knows. Pure.

The rules, for each dataset:

* A run that did not ask for it says nothing of it: its rows stay.
* What was read replaces what was known, except that a version that was pinned (``--lock``) does not replace
  a later one.
* What could not be read today (its listing failed, it was refused) stays as it was known, and a row of the
  exclusions says so. Where only small files failed, what they told before stays.
* A withdrawn dataset takes its rows along.
* A scan that the newer version no longer has keeps its row while the corpus has planned it.
* Columns that a run did not read (headers) are not emptied by it.

Nothing else is dropped, so the catalogue of any sequence of runs is that of one run for all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from allbrains import bids, tables
from allbrains.catalogue.catalogue import Catalogue, grouped
from allbrains.catalogue.read_dataset import Wanted
from allbrains.errors import ConfigurationError
from allbrains.sources.raw_names import MISSPELT_SUFFIXES
from allbrains.sources.snapshot import Exclusion

# A dataset with one of these was not read today, and may be another day.
_NOT_NOW = frozenset({Exclusion.LISTING_FAILED, Exclusion.NOT_ACCESSIBLE, Exclusion.LOCK_BROKEN})
_TEXTS = frozenset({Exclusion.TEXT_FAILED, Exclusion.TEXT_UNAVAILABLE})
_HEADERS = frozenset({Exclusion.HEADER_FAILED, Exclusion.HEADER_UNAVAILABLE})
_OF_TEXTS = (*tables.LABELS.names, *tables.ACQUISITION.names)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a run looked.

    Attributes:
        everything: it asked for all datasets of its source, in their latest versions.
        pinned: it asked for the versions of a lock file.
        headers: it read the images' headers.
    """

    everything: bool = True
    pinned: bool = False
    headers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Two catalogues in one.

    Attributes:
        catalogue: what is known now.
        kept: datasets that the run asked for and could not read; their earlier rows stay.
    """

    catalogue: Catalogue
    kept: frozenset[str] = frozenset()


def merged(before: Catalogue, found: Catalogue, reach: Reach, *, planned: Collection[str] = ()) -> Merged:
    """Return what is known once a run has read ``found``.

    Args:
        before: what the folder knows.
        found: what the run has read.
        reach: how far it looked.
        planned: ids of scans that keep their rows though a newer version doesn't have them.

    Raises:
        ConfigurationError: two different datasets have one name.
    """
    rule = _ruling(before, found, reach)
    _see_that_they_are_one(before, found, rule)
    scans = _filled(_scans(before, found, rule, frozenset(planned)), before, rule.textless)
    catalogue = Catalogue(
        datasets=_datasets(before, found, rule, scans),
        scans=grouped(scans),
        participants=_people(before, found, rule, scans),
        exclusions=_exclusions(before, found, rule, scans),
    )
    return Merged(catalogue=catalogue, kept=rule.kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruling:
    """Which of two catalogues speaks for which datasets.

    Attributes:
        reach: of the run.
        stays: the folder's rows are the dataset's.
        comes: the run's rows are.
        gone: withdrawn.
        kept: among those that stay: asked for today, and not to be read.
        both: both catalogues have read it.
        loose: a scan or participant that only one of the two has may be there all the same.
        textless: the run could not read one of its small files.
    """

    reach: Reach
    stays: frozenset[str]
    comes: frozenset[str]
    gone: frozenset[str]
    kept: frozenset[str]
    both: frozenset[str]
    loose: frozenset[str]
    textless: frozenset[str]


def _ruling(before: Catalogue, found: Catalogue, reach: Reach) -> _Ruling:
    old, new, said = _by_name(before), _by_name(found), _said_of_datasets(found)
    gone = {name for name, reasons in said.items() if Exclusion.WITHDRAWN in reasons and name not in new}
    read = {name for name, row in new.items() if row["route"] or not old.get(name, {}).get("route")}
    asked = new.keys() | {name for name, reasons in said.items() if reasons & _NOT_NOW}
    both = read & old.keys()
    later = {name for name in both if reach.pinned and _is_later(old[name], new[name])}
    loose = {name for name in both if _is_loose(old[name], new[name], said.get(name, frozenset()))}
    return _Ruling(
        reach=reach,
        stays=frozenset(old.keys() - read - gone | later),
        comes=frozenset(read - later),
        gone=frozenset(gone),
        kept=frozenset(asked & old.keys() - read - gone),
        both=frozenset(both),
        loose=frozenset(loose),
        textless=_without_texts(found),
    )


def wanted_again(before: Catalogue) -> dict[str, Wanted]:
    """Return by dataset what earlier runs looked for there: reading less would forget it."""
    suffixes: dict[str, set[str]] = {}
    for name, suffix in _pairs(before.scans, "suffix"):
        suffixes.setdefault(name, set()).add(suffix)
    for name, path in _pairs(before.exclusions, "path"):
        if path.endswith(bids.IMAGE_EXTENSIONS):
            suffix = path.rpartition("/")[2].partition(".")[0].rpartition("_")[2]
            suffixes.setdefault(name, set()).update({suffix} - {*MISSPELT_SUFFIXES})
    acquired = before.scans.filter(_any_known(before.scans, tables.ACQUISITION.names))
    sidecars = set(acquired["dataset"].to_pylist())
    return {
        name: Wanted(suffixes=tuple(sorted(suffixes.get(name, ()))), sidecars=name in sidecars)
        for name in suffixes.keys() | sidecars
    }


def without(known: Catalogue, dataset: str) -> Catalogue:
    """Return a catalogue without a dataset; that it was withdrawn is still said."""

    def others(table: pa.Table) -> pa.Table:
        return table.filter(pc.not_equal(table["dataset"], dataset))

    return Catalogue(
        datasets=others(known.datasets),
        scans=grouped(others(known.scans)),
        participants=others(known.participants),
        exclusions=known.exclusions.filter(
            pc.or_(
                pc.not_equal(known.exclusions["dataset"], dataset),
                pc.equal(known.exclusions["reason"], Exclusion.WITHDRAWN),
            )
        ),
    )


def _by_name(one: Catalogue) -> dict[str, Row]:
    return {row["dataset"]: row for row in one.datasets.to_pylist()}


def _pairs(table: pa.Table, column: str) -> Iterable[tuple[str, str]]:
    return zip(table["dataset"].to_pylist(), table[column].to_pylist(), strict=True)


def _said_of_datasets(found: Catalogue) -> dict[str, frozenset[str]]:
    """Return the reason codes that a run has for whole datasets, by dataset."""
    said: dict[str, frozenset[str]] = {}
    for row in found.exclusions.to_pylist():
        if not row["path"] and row["dataset"]:
            said[row["dataset"]] = said.get(row["dataset"], frozenset()) | {row["reason"]}
    return said


def _without_texts(found: Catalogue) -> frozenset[str]:
    """Return the datasets of which a small file could not be read."""
    return frozenset(name for name, reason in _pairs(found.exclusions, "reason") if reason in _TEXTS)


def _is_later(old: Row, new: Row) -> bool:
    return bool(old["created"] and new["created"] and old["created"] > new["created"])


def _is_loose(old: Row, new: Row, reasons: Collection[str]) -> bool:
    """Return whether a scan that only one of the two has may be there all the same."""
    return old["source"] != new["source"] or Exclusion.LISTING_TRUNCATED in reasons


def _see_that_they_are_one(before: Catalogue, found: Catalogue, rule: _Ruling) -> None:
    """Refuse a dataset that has a known one's name, comes from elsewhere, and shares no image with it."""
    places = [dict(_pairs(one.datasets, "source")) for one in (before, found)]
    moved = {name for name in rule.both if places[0][name] != places[1][name]}
    images = [_images_of(one, moved) for one in (before, found)]
    for name in sorted(moved):
        known, new = (one.get(name, set()) for one in images)
        if known and new and not known & new:
            raise ConfigurationError(
                f"the folder knows a dataset {name!r} from {places[0][name]}; the one from {places[1][name]} "
                "has no image in common with it, so it is another one: rename its folder, or use another "
                "--out"
            )


def _images_of(one: Catalogue, names: Collection[str]) -> dict[str, set[str]]:
    images: dict[str, set[str]] = {}
    for name, scan_id in _pairs(one.scans, "scan_id") if names else ():
        if name in names:
            images.setdefault(name, set()).add(scan_id)
    return images


def _scans(before: Catalogue, found: Catalogue, rule: _Ruling, planned: Collection[str]) -> pa.Table:
    """Return the scans of both, by dataset: the rows of the version that counts, then those beside it."""
    both = pa.concat_tables([before.scans, found.scans])
    ids, names, paths = (both[name].to_pylist() for name in ("scan_id", "dataset", "path"))
    edge = before.scans.num_rows
    leads = [name in (rule.stays if row < edge else rule.comes) for row, name in enumerate(names)]
    order = [(names[row], 0, row) for row in range(len(ids)) if leads[row]]
    taken = {ids[row] for _, _, row in order}
    places = {(names[row], paths[row]) for _, _, row in order}
    beside = [
        (names[row], paths[row], ids[row], row)
        for row in range(len(ids))
        if names[row] in rule.both and not leads[row]
    ]
    for name, path, scan_id, row in sorted(beside):
        missed = name in rule.loose and (name, path) not in places
        if scan_id not in taken and (missed or scan_id in planned):
            order.append((name, len(order), row))
            taken.add(scan_id)
    return both.take(pa.array([row for _, _, row in sorted(order)], pa.int64())).combine_chunks()


def _filled(scans: pa.Table, before: Catalogue, textless: Collection[str]) -> pa.Table:
    """Return the scans with what was known of them before and this run could not, or did not, read."""
    known = before.scans
    ids, digests = known["scan_id"].to_pylist(), known["digest"].to_pylist()
    has_header = known["header"].is_valid().to_pylist()
    of_digest = {digest: row for row, digest in enumerate(digests) if has_header[row]}
    lacking = scans["header"].is_null().to_pylist()
    headers = [
        of_digest.get(digest) if lacks else None
        for digest, lacks in zip(scans["digest"].to_pylist(), lacking, strict=True)
    ]
    scans = _taken(scans, known, headers, tables.HEADERS.names)
    told = _any_known(known, _OF_TEXTS).to_pylist()
    of_scan = {scan_id: row for row, scan_id in enumerate(ids) if told[row]} if textless else {}
    texts = [
        of_scan.get(scan_id) if name in textless else None
        for scan_id, name in zip(scans["scan_id"].to_pylist(), scans["dataset"].to_pylist(), strict=True)
    ]
    return _taken(scans, known, texts, _OF_TEXTS)


def _any_known(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """Return for each row whether one of some columns is not null."""
    known = table[names[0]].is_valid()
    for name in names[1:]:
        known = pc.or_(known, table[name].is_valid())
    return known


def _taken(scans: pa.Table, known: pa.Table, rows: Sequence[int | None], names: Sequence[str]) -> pa.Table:
    """Return the scans with some columns of ``known``'s rows where a row is given."""
    if all(row is None for row in rows):
        return scans
    places = pa.array(rows, pa.int64())
    for name in names:
        values = pc.if_else(places.is_valid(), known[name].take(places), scans[name])
        number = scans.schema.get_field_index(name)
        scans = scans.set_column(number, scans.schema.field(number), values)
    return scans


def _people(before: Catalogue, found: Catalogue, rule: _Ruling, scans: pa.Table) -> pa.Table:
    """Return the participants of both, by dataset.

    Whoever only the other version lists stays while there are scans of them, or while it is not known
    that they left.
    """
    both = pa.concat_tables([before.participants, found.participants])
    people = list(_pairs(both, "participant_id"))
    edge = before.participants.num_rows
    better = rule.stays | rule.textless & rule.both  # read while that went well
    leads = [name in (better if row < edge else rule.comes - better) for row, (name, _) in enumerate(people)]
    listed = {person for person, leading in zip(people, leads, strict=True) if leading}
    shown = {(name, f"sub-{label}") for name, label in _pairs(scans, "subject")}
    unsure = rule.both & (rule.loose | rule.textless)
    order = [(people[row][0], 0, row) for row in range(len(people)) if leads[row]]
    for row, person in enumerate(people):
        beside = person[0] in rule.both and not leads[row] and person not in listed
        if beside and (person in shown or person[0] in unsure):
            order.append((person[0], 1, row))
    return both.take(pa.array([row for _, _, row in sorted(order)], pa.int64())).combine_chunks()


def _datasets(before: Catalogue, found: Catalogue, rule: _Ruling, scans: pa.Table) -> pa.Table:
    counts = Counter(scans["dataset"].to_pylist())
    old, new = _by_name(before), _by_name(found)
    rows = {name: old[name] for name in rule.stays} | {name: new[name] for name in rule.comes}
    told = [rows[name] | {"scans": counts[name]} for name in sorted(rows)]
    return pa.Table.from_pylist(told, schema=tables.DATASETS)


def _exclusions(before: Catalogue, found: Catalogue, rule: _Ruling, scans: pa.Table) -> pa.Table:
    fresh = found.exclusions.to_pylist()
    silent = rule.stays - rule.kept  # a pinned version that doesn't count says nothing new
    named = {row["dataset"] for row in fresh} | set(found.datasets["dataset"].to_pylist())
    of_source = {row["reason"] for row in fresh if not row["dataset"]}
    headless = set(_pairs(scans.filter(scans["header"].is_null()), "path"))

    def stands(row: Row) -> bool:
        name, path, reason = row["dataset"], row["path"], row["reason"]
        if not name:
            return not rule.reach.everything and reason not in of_source
        if name in rule.kept:
            return bool(path) or reason not in (*_NOT_NOW, Exclusion.UNLISTED)
        if name in silent or name not in named:
            return True
        return reason in _HEADERS and not rule.reach.headers and (name, path) in headless

    rows = [row for row in fresh if row["dataset"] not in silent]
    rows += [row for row in before.exclusions.to_pylist() if stands(row)]
    rows.sort(key=lambda row: (row["dataset"], row["path"], row["reason"]))
    return pa.Table.from_pylist(rows, schema=tables.EXCLUSIONS)
