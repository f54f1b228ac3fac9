"""What reading costs, how much memory it takes, and whether people are told apart.

``bench/store.py OUT`` prints the first two, ``bench/store.py OUT --people`` the likeness of a corpus' most
alike scans. OUT is what `allbrains build` made. Figures and their data: docs/benchmarks.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import allbrains
from allbrains.bench.reading import measure
from allbrains.splits import likeness
from allbrains.splits.make_splits import comparable, vectors_of


def synthetic(out: Path, to: Path, count: int) -> None:
    """Write a corpus of ``count`` rows whose maps are those of a small one, over and over.

    Numbers, digests and paths are all different, as in a real one: what repeats is read too quickly.
    """
    random = np.random.default_rng(0)
    table = pq.read_table(out / "samples.parquet")
    done = table.filter(pa.compute.equal(table["outcome"], "done"))
    rows = done.take(np.arange(count) % len(done))
    ids = pa.array([f"{number:032x}" for number in range(count)])
    rows = rows.set_column(rows.schema.get_field_index("scan_id"), rows.schema.field("scan_id"), ids)
    for at, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type) and not field.name.endswith(("_scale", "_offset")):
            values = rows[at].to_numpy(zero_copy_only=False) * random.uniform(0.9, 1.1, count)
            rows = rows.set_column(at, field, pa.array(values, field.type))
        elif field.name in ("digest", "path"):
            texts = [f"{value}{number:08d}" for number, value in enumerate(rows[at].to_pylist())]
            rows = rows.set_column(at, field, pa.array(texts, field.type))
    pictures = pa.array([bytes(1000)] * count, pa.binary())
    rows = rows.set_column(rows.schema.get_field_index("montage"), rows.schema.field("montage"), pictures)
    to.mkdir(parents=True)
    pq.write_table(rows, to / "samples.parquet", row_group_size=1024, compression="zstd")
    shutil.copy(out / "allbrains.json", to)
    (to / "shards").symlink_to((out / "shards").resolve())


READ = """
import sys, allbrains
how, out = sys.argv[1:]
if how == "patches":
    loader = allbrains.open(out, maps=["t1w", "gm"]).batches(16, shuffle=1, crop=(96, 96, 96), threads=2)
else:
    maps = ["t1w", "gm", "wm", "csf", "mask", "logjac"]
    loader = allbrains.open(out, maps=maps).batches(1, shuffle=1, threads=2)
for number, batch in enumerate(loader):
    if number == 60:
        break
# not ru_maxrss, which begins with the parent's
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def memory(out: Path) -> None:
    """Print the peak memory of readers of 5,000 samples, and how long 60,000 rows take to open."""
    with tempfile.TemporaryDirectory() as folder:
        synthetic(out, Path(folder) / "a", 5000)
        for how in ("patches", "whole"):
            command = [sys.executable, "-c", READ, how, str(Path(folder) / "a")]
            ended = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"peak memory, 5,000 samples, {how}: {float(ended.stdout) / 1e3:.0f} MB")
        synthetic(out, Path(folder) / "b", 60_000)
        for maps in (None, ["t1w", "gm"]):
            cpu, wall = time.process_time(), time.perf_counter()
            count = len(allbrains.open(Path(folder) / "b", maps=maps))
            spent = f"{time.process_time() - cpu:.2f} s CPU, {time.perf_counter() - wall:.2f} s wall"
            print(f"open {count} rows, maps {maps or 'all'}: {spent}")


def reading(out: Path) -> None:
    """Print what a sample costs in each form, and how large ours is."""
    brains = allbrains.open(out)
    sizes = [sum(brains.table[f"{name}_nbytes"].to_numpy().mean() for name in brains.specs) / 1e6]
    print(f"{sizes[0]:.2f} MB a scan")
    for line in measure(brains[:6], out.resolve().parent):
        print(f"{line.what:9}{line.how:32}{line.cost.cpu_ms:9.2f} CPU ms{line.ratio:8.2f} × decode")


def people(out: Path) -> None:
    """Print the likeness of the pairs that are most alike, and what comparing costs."""
    brains = comparable(out)
    start = time.process_time()
    vectors = vectors_of(brains)
    each = 1e3 * (time.process_time() - start) / len(brains)
    units = likeness.directions(vectors).astype(np.float32)
    names = [f"{row['dataset']}/{row['subject']}" for row in brains.table.to_pylist()]
    products = units @ units.T
    pairs = [(float(products[i, j]), names[i], names[j]) for i in range(len(names)) for j in range(i)]
    print(f"threshold {likeness.threshold_for(units):.2f}")
    for value, one, other in sorted(pairs, reverse=True)[:12]:
        print(f"{value:6.3f}  {one}  {other}")
    print(f"a vector {each:.1f} ms CPU")
    _many()


def _many(count: int = 20_000, twice: int = 200) -> None:
    """Print what comparing many vectors costs, and whether the pairs that were put there are found."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(count, likeness.LENGTH)).astype(np.float32)
    places = generator.permutation(count)[: 2 * twice].reshape(twice, 2)
    for one, other in places:  # products of about 0.75: the least alike that one person's scans were
        vectors[other] = vectors[one] + 0.85 * generator.normal(size=likeness.LENGTH)
    start = time.process_time()
    found = set(likeness.alike(vectors))
    spent = time.process_time() - start
    true = {(int(min(pair)), int(max(pair))) for pair in places}
    print(f"{count} random vectors: {len(found & true)} of {twice} pairs found, {len(found - true)} others")
    print(f"{spent:.0f} s CPU; for 60,000 vectors {spent * (60_000 / count) ** 2 / 60:.0f} min CPU")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if "--people" in sys.argv:
        people(folder)
    else:
        reading(folder)
        memory(folder)
