"""Fuzz own scans: ``python bench/fuzz_dicom.py --minutes 60 [--seed 0]``.

Each seed makes a DICOM series of a computed head, classic or enhanced, changes bytes and tags of some of its
files, packs it or not, and asks ``allbrains.list_series`` which series would be taken. The law: a series or a
refusal in our own words (``Unsuitable``), within a minute; no word of the person in it; nothing left behind.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom

import allbrains
from allbrains.dicom.refusal import Unsuitable
from allbrains.errors import AllbrainsError
from allbrains.records import Array, Volume
from allbrains.run.slot.scratch import PREFIX
from allbrains.testing.dicom_series import ENHANCED_MR, T1W, Making, write_enhanced, write_series

CANARY = "Kanarienvogel"
TAGS = {**T1W, "PatientName": f"{CANARY}^Anna", "PatientID": CANARY, "PatientBirthDate": "19510307"}
SLOWEST_S = 60
WORDS = ("", "=1+1", "\\", "-1", "1e309", "9" * 400, "nan", "\x1b[2J", "../../x", "\x00", "0\\0\\0\\0\\0\\0")


def head() -> Volume:
    shape = (60, 62, 64)
    draw = np.random.default_rng(0)
    grid: Array = np.indices(shape) / 10
    waves = sum(np.sin(axis * draw.uniform(0.5, 1.5) + draw.uniform(0, 6)) for axis in grid for _ in range(3))
    array = np.rint(900 + 80 * waves + draw.integers(0, 9, shape)).astype(np.uint16)
    affine = np.array([[0, 0, 2, -62.5], [-2, 0, 0, 60.25], [0, -2, 0, 60.75], [0, 0, 0, 1]], np.float64)
    return Volume(array=array, affine=affine)


def flipped(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 4, 64))):
        # nine of ten in the header, which is the first kilobyte: voxels may be anything
        reach = len(data) if draw.random() < 0.1 else min(len(data), 1500)
        data[draw.randrange(reach)] ^= 1 << draw.randrange(8)
    if draw.random() < 0.2:
        data = data[: draw.randrange(len(data))]
    path.write_bytes(data)


def retold(path: Path, draw: random.Random) -> None:
    """Change one tag to nonsense, or take it out."""
    dataset = pydicom.dcmread(path, force=True)
    tags = [tag for tag in dataset.keys() if tag != 0x7FE00010]  # noqa: SIM118  a data set is no dict
    tag = draw.choice(tags)
    if draw.random() < 0.4:
        del dataset[tag]
    else:
        element = dataset[tag]
        words = draw.choice(WORDS)
        element._value = words if element.VR not in ("US", "SS", "UL", "SL", "FD", "FL", "OW", "SQ") else None
    dataset.save_as(path, enforce_file_format=False)


def made(folder: Path, draw: random.Random) -> Path:
    if draw.random() < 0.7:
        paths = write_series(folder, head(), Making(tags=TAGS))
    else:
        paths = [write_enhanced(folder, head(), Making(tags=TAGS, sop_class=ENHANCED_MR))]
    change = draw.choice((flipped, retold))
    for path in draw.sample(paths, min(len(paths), draw.choice((1, 3, len(paths))))):
        try:
            change(path, draw)
        except Exception:  # the changed tag can't even be written: another seed will do
            continue
    if draw.random() > 0.3:
        return folder
    packed = folder.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as pack:
        for path in paths:
            pack.write(path, path.name)
    if draw.random() < 0.5:
        flipped(packed, draw)
    return packed


def law_of(seed: int, scratch: Path, ends: Counter[str]) -> str:
    """Return what is wrong, empty where the law holds; count how it ended."""
    draw = random.Random(seed)
    given = made(scratch / str(seed), draw)
    began = time.monotonic()
    signal.alarm(SLOWEST_S)
    try:
        told = str(allbrains.list_series(given))
        ends["taken"] += 1
    except (Unsuitable, AllbrainsError) as error:
        told = str(error)
        ends["refused"] += 1
    except Exception:
        return traceback.format_exc(limit=-3)
    finally:
        signal.alarm(0)
    if CANARY in told:
        return "the person's name is told"
    if left := list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        return f"left behind: {left[0].name}"
    return "" if time.monotonic() - began < SLOWEST_S else "too slow"


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    began, seed, broken = time.monotonic(), asked.seed, 0
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        while time.monotonic() - began < 60 * asked.minutes:
            (top := Path(scratch) / f"in-{seed}").mkdir()
            if wrong := law_of(seed, top, ends):
                broken += 1
                print(f"seed {seed}: {wrong}", flush=True)
            seed += 1
    print(f"{seed - asked.seed} series, {dict(ends)}, {broken} break the law")


if __name__ == "__main__":
    main()
