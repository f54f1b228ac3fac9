"""Compare the catalogue's choice with real datasets: ``python bench/catalogue_truth.py FOLDER``.

FOLDER holds recorded answers of OpenNeuro: ``listings/*.json[.gz]`` (``files(recursive: true)``),
``trees/*.txt.gz`` (``git ls-tree -r``), ``t1w_manifest.tsv.gz`` (the raw T1w of many datasets, found by
independent means) and ``datasets_*.csv.gz`` (names and species).

A listing must give the manifest's scans with size and digest; a tree, which has neither, their paths.
Every scan of the manifest that the catalogue leaves out must have its row with a reason. Prints a line a
dataset, then each difference by reason; exit code 1 when one has no reason.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from allbrains.catalogue import species
from allbrains.records import Algorithm, Digest
from allbrains.sources.openneuro.answers import File
from allbrains.sources.snapshot import Entry, Excluded, Listing, Route, Snapshot, digest_of, matters
from allbrains.sources.which_files import MIN_BYTES, scans_in

Truth = dict[str, tuple[int, str]]  # path → size, hex digest


def main(folder: Path) -> int:
    truth = manifest(folder / "t1w_manifest.tsv.gz")
    about = {row["accession_number"]: row for row in datasets(folder)}
    unexplained = 0
    reasons: Counter[str] = Counter()
    print("dataset\tread from\tfiles\tin the manifest\tfound\tleft out, with a reason\tunexplained")
    for listing, exact in [*listings(folder), *trees(folder)]:
        dataset = listing.snapshot.dataset
        row = about.get(dataset, {})
        snapshot = Snapshot(
            dataset=dataset, tag="x", name=row.get("dataset_name", ""), species=row.get("species", "")
        )
        scans, excluded = scans_in(listing)
        scans, others = species.sort_out(snapshot, scans)
        found = {scan.path: (scan.size, scan.digest.hexdigest) for scan in scans}
        left_out = {one.path: one for one in (*excluded, *others)}
        told, wrong = compare(truth.get(dataset, {}), found, left_out, exact=exact)
        reasons.update(f"{dataset}: {one.reason}" for one in told)
        unexplained += len(wrong)
        counts = (listing.files, len(truth.get(dataset, {})), len(found), len(told), len(wrong))
        print(dataset, "listing" if exact else "tree", *counts, sep="\t")
        for line in wrong:
            print(f"  {line}")
    for reason, count in sorted(reasons.items()):
        print(f"{count}\t{reason}")
    return 1 if unexplained else 0


def compare(
    truth: Truth, found: Truth, left_out: dict[str, Excluded], *, exact: bool
) -> tuple[list[Excluded], list[str]]:
    """Return the differences that have a row with a reason, and those that have none."""
    told = [left_out[path] for path in sorted(truth.keys() - found.keys()) if path in left_out]
    wrong = [f"not found: {path}" for path in sorted(truth.keys() - found.keys() - left_out.keys())]
    wrong += [f"not in the manifest: {path}" for path in sorted(found.keys() - truth.keys())]
    if exact:
        both = sorted(found.keys() & truth.keys())
        wrong += [f"{path}: {found[path]} ≠ {truth[path]}" for path in both if found[path] != truth[path]]
    return told, wrong


def manifest(path: Path) -> dict[str, Truth]:
    rows: defaultdict[str, Truth] = defaultdict(dict)
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            rows[row["dataset"]][row["path"]] = (int(row["size"]), row["hash"])
    return rows


def datasets(folder: Path) -> Iterator[dict[str, str]]:
    for path in folder.glob("datasets_*.csv.gz"):
        with gzip.open(path, "rt") as lines:
            yield from csv.DictReader(lines)


def listings(folder: Path) -> Iterator[tuple[Listing, bool]]:
    """Yield the recorded listings; their sizes and digests are the real ones."""
    for path in sorted((folder / "listings").iterdir()):
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        rows = msgspec.json.decode(content, type=list[File])
        entries = [
            Entry(path=row.filename, size=row.size or 0, digest=digest_of(row.id), urls=())
            for row in rows
            if matters(row.filename)
        ]
        name = re.search(r"ds\d{6}", path.name)
        assert name is not None, path
        yield _listing(name[0], entries, len(rows)), True


def trees(folder: Path) -> Iterator[tuple[Listing, bool]]:
    """Yield the recorded trees; a link's size and digest are not in them, so these are made up."""
    unknown = Digest(algorithm=Algorithm.MD5, hexdigest="0" * 32)
    for path in sorted((folder / "trees").iterdir()):
        with gzip.open(path, "rt") as file:
            names = [line.rstrip("\n").partition("\t")[2] for line in file]
        entries = [Entry(path=n, size=MIN_BYTES, digest=unknown, urls=()) for n in names if matters(n)]
        yield _listing(path.name.partition(".")[0], entries, len(names)), False


def _listing(dataset: str, entries: list[Entry], files: int) -> Listing:
    snapshot = Snapshot(dataset=dataset, tag="x")
    return Listing(snapshot=snapshot, entries=tuple(entries), files=files, route=Route.RECURSIVE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
