"""Fuzz participants' tables: ``python bench/fuzz_tables.py FOLDER --minutes 60 [--seed 0]``.

FOLDER holds datasets' folders with ``participants.tsv`` and ``participants.json``. Each seed takes one,
changes its bytes or its cells, and reads it. The law: no exception, within 20 s, and the rows go into a
Parquet table.
"""

from __future__ import annotations

import argparse
import io
import random
import time
import traceback
from pathlib import Path

import pyarrow.parquet as pq

from allbrains.participants import harmonise, table

WORDS = (
    b"\xff", b"\0", b"\t", b"\r", b"\n", b'"', b"=1+1", b"\xf0\x9f", rb"\ud83d", b"1e309", b"9" * 500, b"-1",
    b"[" * 5000, b"nan", b"\xef\xbb\xbf", b"{", b"99999-99-99", b"0000-00-00T99", b"x" * 5000,
    "٢٦".encode(), b"1e-400", b"0x1f", b"--",
)  # fmt: skip
SLOWEST_S = 20.0


def changed(data: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.choice((1, 2, 4, 16))):
        at, length = draw.randrange(len(data) + 1), draw.randint(1, 40)
        match draw.choice(("flip", "cut", "double", "word", "cell")):
            case "flip" if data:
                data = data[: at - 1] + bytes([data[at - 1] ^ 1 << draw.randrange(8)]) + data[at:]
            case "cut":
                data = data[:at] + data[at + length :]
            case "double":
                data = data[: at + length] + data[at:]
            case "word":
                data = data[:at] + draw.choice(WORDS) + data[at:]
            case _:
                cells = data.split(b"\t")
                cells[draw.randrange(len(cells))] = draw.choice(WORDS)
                data = b"\t".join(cells)
    return data


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    datasets = sorted(path.parent for path in asked.folder.glob("*/participants.tsv"))
    began, seed, broken = time.monotonic(), asked.seed, 0
    while time.monotonic() - began < 60 * asked.minutes:
        draw = random.Random(seed)
        folder = draw.choice(datasets)
        files = {
            path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".tsv", ".json")
        }
        name = draw.choice(sorted(files))
        files[name] = changed(files[name], draw)
        start, said = time.monotonic(), ""
        try:
            pq.write_table(table(harmonise(folder.name, files).rows), io.BytesIO())
        except Exception:
            said = traceback.format_exc(limit=-6)
        if not said and time.monotonic() - start > SLOWEST_S:
            said = f"{time.monotonic() - start:.0f} s"
        if said:
            broken += 1
            print(f"seed {seed}, {folder.name}/{name}: {said}", flush=True)
        seed += 1
    print(
        f"{seed - asked.seed} tables in {(time.monotonic() - began) / 60:.1f} minutes, {broken} broke the law"
    )


if __name__ == "__main__":
    main()
