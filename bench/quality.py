"""Quality metrics against MRIQC, and whether they see what goes wrong in a scanner.

    python bench/quality.py mriqc DATA    # DATA/brains and DATA/qc/mriqc: the same bytes through both
    python bench/quality.py motion DATA   # simulated motion and other faults in the heads of DATA/brains

Needs ``allbrains[build]``. The second stops at the affine and takes half a minute a head.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from recorded import figure, recorded

from allbrains import recipes
from allbrains.case import Case
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import read_image
from allbrains.limits import judged
from allbrains.metrics import OF_HEAD
from allbrains.metrics.native_head import native_head
from allbrains.records import Volume
from allbrains.rejection import PROBABILITY
from allbrains.steps.gate import BrainGate
from allbrains.steps.measure import Measure
from allbrains.steps.register import AffineToTemplate
from allbrains.testing import artefacts

MOVES = (0.5, 1.5, 4.0)  # mm and degrees
FAULTS: dict[str, Callable[[Volume, np.random.Generator], Volume]] = {
    "noise .1": lambda v, rng: artefacts.noisy(v, 0.1, rng),
    "blur 4 mm": lambda v, rng: artefacts.blurred(v, 4.0),
    "ghost .3": lambda v, rng: artefacts.ghosted(v, 0.3),
    "spikes": lambda v, rng: artefacts.spiked(v, 0.02, rng),
    "wrap-around .25": lambda v, rng: artefacts.wrapped(v, 0.25),
    "clipped at 90 %": lambda v, rng: artefacts.clipped_bright(v, 90.0),
    "metal void 25 mm": lambda v, rng: artefacts.with_void(
        v, np.asarray(v.array.shape) * (0.5, 0.6, 0.7), 25.0
    ),
}


def heads(data: Path) -> Iterator[tuple[str, Path]]:
    """Yield a name and a file for each head."""
    for path in sorted((data / "brains").rglob("*_T1w.nii.gz")):
        yield f"{path.parts[-4]}_{path.name.removesuffix('_T1w.nii.gz')}", path


def processed(volume: Volume) -> tuple[Case, dict[str, float]]:
    """Return the case just before it is measured, and its numbers after it."""
    case = Case(images={"t1w": volume})
    for step in recipes.load("embedded").steps:
        if isinstance(step, Measure):
            return case, dict(step(case).numbers)
        case = step(case)
    raise SystemExit("the recipe measures nothing")


def agreement(data: Path) -> None:
    """Print r and median ratio with MRIQC for each metric that both have, and what each costs."""
    ours, theirs, costs, stripped = [], [], [], []
    for name, path in heads(data):
        case, numbers = processed(read_image(path))
        ours.append(numbers)
        theirs.append(json.loads((data / "qc/mriqc" / f"{name}_T1w.json").read_text()))
        stripped.append(case.texts["input_stripped"] == "yes")
        costs.append(_cost(case))
    bare = np.asarray(stripped)
    print(f"{(~bare).sum()} defaced heads, {bare.sum()} stripped ones.\n")
    print("| metric | r, heads | ratio | r, stripped | ratio |\n|---|---|---|---|---|")
    names = [name for name in theirs[0] if isinstance(theirs[0][name], int | float) and name in ours[0]]
    for name in names:
        pairs = np.array([[o[name], t.get(name, np.nan)] for o, t in zip(ours, theirs, strict=True)], float)
        cells = [_alike(pairs[chosen]) for chosen in (~bare, bare)]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print("\nMissing here: " + ", ".join(sorted(_numbers(theirs[0]) - set(ours[0]))) + ".\n")
    print("| part | CPU-s, median |\n|---|---|")
    for name in costs[0]:
        print(f"| {name} | {np.median([cost[name] for cost in costs]):.2f} |")
    total = float(np.median([sum(cost.values()) for cost in costs]))
    figure("cpu_s", total)
    print(f"| all | {total:.2f} |")


def motion(data: Path) -> None:
    """Print the probability of rejection of each head under each fault."""
    print("| head | fault | `reject_probability` | WM's spread, % | `cjv` |\n|---|---|---|---|---|")
    rising = failed = count = 0
    for number, (name, path) in enumerate(heads(data)):
        volume = read_image(path)
        series = [_told(name, "none", volume)]
        for size in MOVES:
            moved = artefacts.moved_head(volume, size, np.random.default_rng(number))
            series.append(_told(name, f"moved {size:g}", moved))
        likely = [one[0] for one in series]
        rising += likely == sorted(likely)
        failed += not series[-1][1]
        count += 1
    name, path = next(heads(data))
    for fault, done in FAULTS.items():
        _told(name, fault, done(read_image(path), np.random.default_rng(1)))
    print(f"\nRising with the degree in {rising} of {count} heads; the strongest fails in {failed}.")


def _told(name: str, fault: str, volume: Volume) -> tuple[float, bool]:
    try:
        numbers = _numbers_of_head(volume)
    except ScanUnusable as error:
        print(f"| {name} | {fault} | – | – | rejected: {error.reason} |")
        return 1.0, False
    row = judged(pa.table({"dataset": ["own"], **{k: [float(v)] for k, v in numbers.items()}})).to_pylist()[0]
    spread = row["summary_wm_mad"] / 10
    print(f"| {name} | {fault} | {row[PROBABILITY]:.2f} | {spread:.1f} | {row['cjv']:.2f} |")
    return row[PROBABILITY], PROBABILITY not in row["qc_reasons"]


def _numbers_of_head(volume: Volume) -> dict[str, float]:
    """Return MRIQC's metrics of a head; what comes after the affine doesn't touch them."""
    case = Case(images={"t1w": volume})
    for step in recipes.load("embedded").steps:
        if not isinstance(step, BrainGate):
            case = step(case)
        if isinstance(step, AffineToTemplate):
            break
    head = native_head(case)
    return {name: value for metric in OF_HEAD for name, value in metric(head).items()}


def _alike(pairs: np.ndarray) -> str:
    with np.errstate(all="ignore"):
        known = pairs[np.isfinite(pairs).all(axis=1)]
        if len(known) < 3:
            return "– | –"
        ratio = np.median(known[:, 0] / known[:, 1])
        r = np.corrcoef(known.T)[0, 1] if (known.std(axis=0) > 0).all() else np.nan
    return f"{_cell(r)} | {_cell(ratio)}"


def _cell(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _numbers(row: dict[str, object]) -> set[str]:
    return {name for name, value in row.items() if isinstance(value, int | float)}


def _cost(case: Case) -> dict[str, float]:
    start = time.process_time()
    head = native_head(case)
    cost = {"preparing the head": time.process_time() - start}
    for metric in OF_HEAD:
        start = time.process_time()
        metric(head)
        cost[metric.name] = time.process_time() - start
    return cost


def main() -> None:
    """Run the part that is asked for."""
    part, data = sys.argv[1], Path(sys.argv[2])
    with recorded(f"quality-{part}"):
        {"mriqc": agreement, "motion": motion}[part](data)


if __name__ == "__main__":
    main()
