"""Verify and repair: compare the files with the ledger; every checksum is read again.

A shard is sound when its SHA-256 is the ledger's. Where it isn't, a sample of it is kept only where it is
proven to be whole: all that its row says has the digest that its worker reported.

Not while a build runs: what it is about to write looks as if it were missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from allbrains.errors import CorpusError
from allbrains.files import remove_file, see_inside
from allbrains.records import Done
from allbrains.store import manifest
from allbrains.store.bounded_table import UNREADABLE
from allbrains.store.layout import Layout, ShardKey
from allbrains.store.ledger import Ledger, LedgerReader, Member, Sealed
from allbrains.store.sample_rows import checked_samples
from allbrains.store.shards import ShardEntry, entries, undamaged
from allbrains.store.staging import digest_of, staged_row
from allbrains.store.sums import read_sums, sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        said: what, in one sentence.
        scans: ids of the scans that must be done again.
        shard: that must be written again, if any.
        useless: a file of which nothing can be kept, if any.
    """

    said: str
    scans: tuple[str, ...] = ()
    shard: ShardKey | None = None
    useless: Path | None = None


def examine(layout: Layout, ledger: LedgerReader) -> Iterator[Finding]:
    """Yield what is wrong with an output folder; reads every byte of it.

    Raises:
        ConfigurationError: there is no corpus.
        CorpusError: the manifest or the ledger itself is broken.
    """
    manifest.read(layout)
    for shard, sealed in ledger.sealed().items():
        yield from _shard(layout, ledger, shard, sealed)
    yield from _staged(layout, ledger)
    known = {layout.shard(member.shard) for member in ledger.members()}
    for path in sorted(layout.shards.rglob("*")):
        if path.is_file() and path not in known and not path.name.endswith(".tmp"):
            yield Finding(said=f"{path} is nobody's: the ledger plans no such shard")
    yield from _samples(layout, ledger)


def repair(layout: Layout, ledger: Ledger, found: list[Finding]) -> int:
    """Make the next build redo what is broken; return how many scans it will run again.

    Raises:
        CorpusError: what would be removed lies behind a link that leads out of the folder.
    """
    for finding in found:
        if finding.useless is not None:
            see_inside(finding.useless, layout.root)
    scans = {scan_id for finding in found for scan_id in finding.scans}
    ledger.reopen(sorted(scans))
    for finding in found:
        if finding.shard is not None:
            ledger.unseal(finding.shard)
        if finding.useless is not None:  # after the ledger: a crash between leaves a file that is found again
            remove_file(finding.useless)
    return len(scans)


def _shard(layout: Layout, ledger: LedgerReader, shard: ShardKey, sealed: Sealed) -> Iterator[Finding]:
    path, outcomes = layout.shard(shard), ledger.outcomes(shard)
    done = [(m, out) for m in ledger.members(shard) if isinstance(out := outcomes.get(m.scan.scan_id), Done)]
    ids = tuple(member.scan.scan_id for member, _ in done)
    if not path.exists():
        yield Finding(said=f"{path} is missing, with {len(done)} samples", scans=ids, shard=shard)
        return
    try:
        if path.stat().st_size == sealed.size and sha256(path) == sealed.sha256:
            return
        held = entries(path)
    except OSError as error:
        yield Finding(
            said=f"{path} can't be read: {error.strerror}; {len(done)} samples are lost",
            scans=ids,
            shard=shard,
        )
        return
    except CorpusError as error:
        yield Finding(said=f"{error}; {len(done)} samples are lost", scans=ids, shard=shard, useless=path)
        return
    yield Finding(said=f"{path} is not the file that was sealed", shard=shard)
    for member, outcome in done:
        if said := _damage(path, member, outcome, held):
            yield Finding(said=said, scans=(member.scan.scan_id,), shard=shard)


def _damage(path: Path, member: Member, outcome: Done, held: dict[str, ShardEntry]) -> str:
    """Return what is wrong with a sample, empty where nothing is."""
    entry = held.get(member.scan.scan_id)
    if entry is None:
        return f"{member.scan.key} is not in {path}"
    try:
        row = undamaged(path, entry.row_group)
    except CorpusError as error:
        return str(error)
    if digest_of(row) == outcome.sha256:
        return ""
    return f"{member.scan.key}: its row in {path} is not what its worker wrote"


def _staged(layout: Layout, ledger: LedgerReader) -> Iterator[Finding]:
    """Yield the samples that wait for their shard and are neither staged nor in the shard before."""
    outcomes, awaiting = ledger.outcomes(), ledger.awaiting()
    before: dict[Path, set[str]] = {}
    for member in ledger.members():
        scan_id, outcome = member.scan.scan_id, outcomes.get(member.scan.scan_id)
        if scan_id not in awaiting or not isinstance(outcome, Done):
            continue
        path, staged = layout.shard(member.shard), layout.staged(scan_id)
        if staged.is_file():
            try:
                staged_row(layout, member.scan, outcome)
            except CorpusError as error:
                yield Finding(said=str(error), scans=(scan_id,))
            continue
        if path not in before:
            before[path] = set(_entries(path))
        if scan_id not in before[path]:
            yield Finding(said=f"{member.scan.key} is done, but its sample is nowhere", scans=(scan_id,))


def _samples(layout: Layout, ledger: LedgerReader) -> Iterator[Finding]:
    """Yield where the samples table contradicts ledger and shards; any build writes it anew."""
    mend = "the same `allbrains build` writes it anew"
    if not layout.samples.is_file():
        if ledger.members():
            yield Finding(said=f"{layout.samples} is missing: {mend}")
        return
    listed = {layout.shard_name(shard): one.sha256 for shard, one in ledger.sealed().items()}
    listed[layout.samples.name] = sha256(layout.samples)
    if not layout.sums.exists():
        yield Finding(said=f"{layout.sums} is missing: {mend}")
    elif read_sums(layout) != listed:
        yield Finding(
            said=f"{layout.sums} is not the digests of {layout.samples.name} and the shards: {mend}"
        )
    try:
        checked_samples(layout.samples, layout.samples)
        told = {row["scan_id"]: row for row in _rows(layout.samples)}
    except CorpusError as error:
        yield Finding(said=f"{error}: {mend}")
        return
    except UNREADABLE as error:
        yield Finding(said=f"{layout.samples} is damaged ({error}): {mend}")
        return
    wrong = {*told} ^ {member.scan.scan_id for member in ledger.members()}
    for scan_id, expected in _places(layout, ledger).items():
        row = told.pop(scan_id, {})
        if any(row.get(name) != value for name, value in expected.items()):
            wrong.add(scan_id)
    wrong |= {scan_id for scan_id, row in told.items() if row["outcome"] == "done"}
    if wrong:
        yield Finding(said=f"{layout.samples} contradicts ledger or shards in {len(wrong)} rows: {mend}")


def _rows(samples: Path) -> Iterator[dict[str, Any]]:
    """Yield the table's rows but their pictures, each page checked."""
    with pq.ParquetFile(samples, page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group).drop_columns(["montage"]).to_pylist()


def _places(layout: Layout, ledger: LedgerReader) -> dict[str, dict[str, Any]]:
    """Return what the samples table must say of each sample that is in a readable shard, by scan id."""
    places: dict[str, dict[str, Any]] = {}
    for shard, sealed in ledger.sealed().items():
        outcomes = ledger.outcomes(shard)
        for scan_id, entry in _entries(layout.shard(shard)).items():
            if isinstance(outcomes.get(scan_id), Done):
                held = {name: value for name, value in entry.values.items() if name.endswith(_OF_PLACES)}
                starts = {f"{name}_start": start for name, start in entry.starts.items()}
                named = {"outcome": "done", "shard": layout.shard_name(shard), "shard_size": sealed.size}
                places[scan_id] = named | starts | held
    return places


_OF_PLACES = ("_scale", "_offset", "_nbytes", "_crc32")


def _entries(path: Path) -> dict[str, ShardEntry]:
    """Return a shard's samples; none where it is missing or unreadable, which is another finding."""
    try:
        return entries(path, montages=False) if path.exists() else {}
    except CorpusError:
        return {}


def summary(layout: Layout, ledger: LedgerReader) -> str:
    """Return how much there is, for people."""
    sealed = ledger.sealed()
    gigabytes = sum(one.size for one in sealed.values()) / 1e9
    corpus = json.loads(manifest.read(layout).to_json())
    return (
        f"shards: {len(sealed)}, samples: {ledger.tally().done}, {gigabytes:.2f} GB, "
        f"recipe {corpus['recipe']} ({corpus['fingerprint']})"
    )
