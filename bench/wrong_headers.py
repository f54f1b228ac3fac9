"""Heads whose headers are written wrongly in twelve ways: side, volume, verdict.

    python bench/wrong_headers.py DATA

Three real heads of DATA/brains and four phantoms go through the recipe ``embedded`` up to the affine. Prints
one row a head and way: where the head's right side lies in the world that is believed, the mask's volume
against that with the true header, and the verdict by the default limits; last, whether any passed wrongly.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import torch

from allbrains import recipes
from allbrains.case import Case
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import read_case, read_image
from allbrains.limits import verdict
from allbrains.metrics.proportions import Proportions
from allbrains.records import Affine, Volume
from allbrains.testing.phantoms import Acquisition, phantom
from allbrains.testing.wrong_headers import WRONG_HEADERS, written

HEADS = ("ds000011/sub-01", "ds000011/sub-03", "ds002748/sub-03")
PHANTOMS = (
    Acquisition(spacing=(1.3, 1.3, 1.3)),
    Acquisition(spacing=(1.5, 1.2, 1.2), orientation="LAS"),
    Acquisition(spacing=(1.0, 1.0, 2.0), orientation="PIL", oblique_deg=12.0),
    Acquisition(spacing=(1.2, 1.4, 1.4), orientation="LAS", stripped=True),
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one file.

    Attributes:
        refused: the reason's code, or empty.
        failing: limits that it fails, as one text.
        believed: voxel → RAS+ mm.
        ml: of the brain mask.
    """

    refused: str = ""
    failing: str = ""
    believed: Affine | None = None
    ml: float = float("nan")


def main() -> None:
    torch.set_num_threads(1)
    wrong: list[str] = []
    costs: list[float] = []
    verdicts = Counter[str]()
    print("| head | header | right side | volume | verdict |\n|---|---|---|---|---|")
    for name, scan in heads(Path(sys.argv[1])):
        truth = run(written(scan.array, sform=scan.affine, qform=scan.affine), costs)
        for way, data in [("true", None), *((way, write(scan)) for way, write in WRONG_HEADERS.items())]:
            result = truth if data is None else run(data, [])
            side, right = side_of(result, scan)
            share = result.ml / truth.ml
            said = f"refused: {result.refused}" if result.refused else result.failing or "pass"
            print(f"| {name} | {way} | {side} | {share:.0%} | {said} |".replace("nan%", "–"), flush=True)
            if data is not None:
                verdicts["refused" if result.refused else "flagged" if result.failing else "passed"] += 1
            if said == "pass" and not (right and abs(share - 1) < 0.05):
                wrong.append(f"{name}, {way}")
    print(f"\n{dict(verdicts)}; passed wrongly: {', '.join(wrong) or 'none'}.")
    print(f"The step `orientation` on true headers: {np.median(costs):.2f} CPU-s (median of {len(costs)}).")


def heads(data: Path) -> Iterator[tuple[str, Volume]]:
    """Yield each head's name and its scan under its true header."""
    for head in HEADS:
        subject = head.rpartition("/")[2]
        yield head, read_image(data / "brains" / head / "anat" / f"{subject}_T1w.nii.gz")
    for seed, acquisition in enumerate(PHANTOMS, 1):
        yield f"phantom {seed}", phantom(seed, acquisition).t1w


def run(data: bytes, costs: list[float]) -> Result:
    """Return what the recipe makes of a file, and note what the orientation cost."""
    try:
        case = processed(data, costs)
    except ScanUnusable as error:
        return Result(refused=error.reason)
    case = case.plus(warps={"warp": case.warps["affine"]})
    numbers = {name: [float(value)] for name, value in {**case.numbers, **Proportions()(case)}.items()}
    (failing,) = verdict(pa.table(numbers))[1].to_pylist()
    believed = np.asarray(json.loads(case.texts["scan_grid"])["affine"])
    return Result(failing=failing, believed=believed, ml=case.numbers["brain_mask_ml"])


def processed(data: bytes, costs: list[float]) -> Case:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii"
        path.write_bytes(data)
        case = read_case(path)
    for step in recipes.load("embedded").steps:
        start = time.process_time()
        case = step(case)
        if step.name == "orientation":
            costs.append(time.process_time() - start)
        if step.name == "affine_to_template":
            break
    return case


def side_of(result: Result, scan: Volume) -> tuple[str, bool]:
    """Return where the head's right side is believed to be, in words, and whether all axes are right."""
    if result.believed is None:
        return "–", False
    turn = result.believed[:3, :3] @ np.linalg.inv(scan.affine[:3, :3])
    axis = int(abs(turn[:, 0]).argmax())
    word = ("right", "front", "top")[axis] if turn[axis, 0] > 0 else ("left", "back", "bottom")[axis]
    return word, bool((np.diag(turn) > 0.7 * abs(turn).max()).all())


if __name__ == "__main__":
    main()
