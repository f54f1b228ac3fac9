"""Builds in a moment: the real catalogue, ledger, shards and tables, with samples that cost nothing."""

import os
import sqlite3
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from allbrains import recipes
from allbrains.library.build_corpus import build_chosen
from allbrains.library.choose_scans import Choice, gather
from allbrains.records import Sample
from allbrains.run.corpus_format import corpus_of
from allbrains.run.lock import alone
from allbrains.run.slot.guard import Report
from allbrains.store import quantise
from allbrains.store.layout import Layout
from allbrains.store.staging import stage

TINY = Path(__file__).parents[1] / "e2e" / "tiny.toml"


class Instant:
    """An engine that makes every scan the sample that its digest says."""

    slots = 1

    def __init__(self):
        self.ran = []

    def __call__(self, scans, job):
        corpus = corpus_of(recipes.load(str(TINY)))
        for scan in scans:
            self.ran.append(scan.key)
            number = float(int(scan.digest.hexdigest[:6], 16))
            sample = Sample(
                maps={"mask": quantise.labels(np.zeros(corpus.grid.shape, np.bool_))},
                numbers={"gm_ml": number},
                texts={"note": scan.digest.hexdigest},
                montage=b"picture",
            )
            yield scan, Report(outcome=stage(sample, scan, corpus, Layout(Path(job.out))))

    def close(self):
        pass


def build(out, **choice):
    """Build as the command does, and return what it chose and which scans ran."""
    engine = Instant()
    with alone(Layout(out)):
        chosen = gather(Choice(**{"api": "", "bucket": "", **choice}), out)
        build_chosen(chosen, out, recipe=str(TINY), engine=engine)
    return chosen, engine.ran


def write_dataset(folder, people, *, suffixes=("T1w",), licence="CC0", authors=("A", "B")):
    """Write a BIDS dataset: people are age and sex by label."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    about = {"Name": folder.name, "License": licence, "Authors": list(authors)}
    (folder / "dataset_description.json").write_text(json.dumps(about))
    rows = [f"sub-{label}\t{age}\t{sex}" for label, (age, sex) in people.items()]
    (folder / "participants.tsv").write_text("\n".join(["participant_id\tage\tsex", *rows]) + "\n")
    for label in people:
        for suffix in suffixes:
            write_image(folder / f"sub-{label}/anat/sub-{label}_{suffix}.nii.gz")
    return folder


def write_study(root):
    """Write three datasets: two people, one with another licence, one person with two contrasts."""
    write_dataset(root / "ds000001", {"01": ("20", "female"), "02": ("30", "male")})
    write_dataset(root / "ds000002", {"01": ("40", "male")}, licence="CC-BY-4.0", authors=("C",))
    write_dataset(root / "ds000003", {"01": ("50", "female")}, suffixes=("T1w", "T2w"))
    return root


def write_image(path, content=""):
    """Write bytes that nobody reads as an image, and a sidecar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = "/".join(path.parts[-4:])  # with the dataset's
    path.write_bytes((content + name).encode() * 400)
    path.with_name(path.name.partition(".")[0] + ".json").write_text('{"MagneticFieldStrength": 3}')


def told(out, *, without=()):
    """Return all that a corpus says: the bytes of its files, and the ledger's rows."""
    files = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not {"cache", "logs"} & {*path.relative_to(out).parts}
    }
    files = {name: data for name, data in files.items() if name.endswith((".parquet", ".json", "SUMS"))}
    del files["progress.json"]
    if without:  # columns of ``datasets`` that may differ; then the tables' stamps do, too
        for name in [name for name in files if name.startswith("catalog/") and name.endswith(".parquet")]:
            table = pq.read_table(out / name)
            files[name] = table.drop_columns([c for c in without if c in table.column_names]).to_pylist()
    with sqlite3.connect(out / "ledger.sqlite") as database:
        files["ledger"] = database.execute(
            "SELECT scan_id, dataset, shard, position, kind, sha256 FROM scans "
            "LEFT JOIN outcomes USING (scan_id) ORDER BY 1"
        ).fetchall()
    return files


def rows(out, name):
    """Return a table of the catalogue as plain rows."""
    return pq.read_table(out / "catalog" / f"{name}.parquet").to_pylist()


def samples(out):
    """Return the samples table by path, without what differs from run to run."""
    table = pq.read_table(out / "samples.parquet")
    return {f"{row['dataset']}/{row['path']}": row for row in table.to_pylist()}


class Crash(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches SIGKILL."""


def crash_at(patch, step):
    """Count what is committed (a rename, a sync, a transaction), and crash at the Nth; return the counter."""
    from allbrains.store.ledger import Ledger

    seen = []

    def count(*_):
        seen.append(1)
        if len(seen) == step:
            raise Crash

    def counted(honest):
        def call(*arguments, **named):
            count()
            return honest(*arguments, **named)

        return call

    honest = Ledger.open.__func__
    patch.setattr(Path, "replace", counted(Path.replace))
    patch.setattr(os, "fsync", counted(os.fsync))
    patch.setattr(Ledger, "open", classmethod(lambda cls, path, at=count: honest(cls, path, at)))
    return seen
