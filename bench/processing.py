"""Measure the embedded recipe: ``python bench/processing.py DATA [cost|mask|tissue …]``.

DATA holds ``brains/`` (BIDS), ``labels/synthseg`` and ``labels/malf``, as docs/benchmarks.md describes.
Prints Markdown tables. One thread; CPU seconds of the process, imports and template apart.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
    os.environ.setdefault(_name, "1")

import nibabel
import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter, label, zoom

from allbrains import recipes
from allbrains.build.run import Meter
from allbrains.build.sample import sample_of
from allbrains.errors import ScanUnusable
from allbrains.recipe import Case
from allbrains.records import Array, Volume
from allbrains.sources.image_file import read_image
from allbrains.space.template import template
from allbrains.steps.ants_bridge import ants
from allbrains.steps.canonical import reorient

RECIPE = recipes.load("embedded")
# T1w-like means of FreeSurfer labels, white matter = 1; what is not named is soft tissue
MEANS = {
    **dict.fromkeys((2, 41, 7, 46, 85), 1.0),
    **dict.fromkeys((3, 42, 8, 47, 17, 18, 53, 54), 0.68),
    **dict.fromkeys((10, 49), 0.86),
    **dict.fromkeys((11, 12, 26, 50, 51, 58), 0.74),
    **dict.fromkeys((13, 52, 16, 28, 60), 0.93),
    **dict.fromkeys((4, 5, 14, 15, 24, 25, 43, 44, 57, 72, 136, 137, 163, 164), 0.22),
    0: 0.0,
    502: 1.2,
    506: 0.25,
    507: 0.6,
    508: 0.6,
    509: 0.7,
    511: 0.8,
    512: 0.8,
    514: 0.7,
    515: 0.08,
    516: 1.1,
}


def warm() -> None:
    """Pay for imports, the network and the template before anything is measured."""
    from allbrains.steps.brain_mask import network_mask

    ants()
    template(1.0), template(2.0)
    with suppress(ScanUnusable):
        network_mask(np.random.default_rng(0).random((64, 64, 64)).astype(np.float32), 0.5)


def run(case: Case, until: str = "") -> tuple[Case, Meter]:
    """Return the case after the recipe's steps, up to and with ``until``; and what each cost."""
    meter = Meter()
    for step in RECIPE.steps:
        with meter(step.name):
            case = step(case)
        if step.name == until:
            break
    return case, meter


def cost(data: Path) -> Iterator[str]:
    """Yield a table of CPU seconds and peak memory per step, for every brain."""
    totals, rows = [], []
    for path in sorted((data / "brains").glob("ds*/sub-*/anat/*_T1w.nii.gz")):
        meter = Meter()
        with meter("read"):
            case = Case(images={"t1w": read_image(path)})
        case, steps = run(case)
        with meter("encode"):
            sample_of(case)
        costs = (*meter.costs[:1], *steps.costs, *meter.costs[1:])
        rows.append(costs)
        totals.append(sum(c.cpu_s for c in costs))
    yield "| step | CPU-s mean | CPU-s most | peak GB |\n|---|---|---|---|"
    for n, first in enumerate(rows[0]):
        seconds = [row[n].cpu_s for row in rows]
        peak = max(row[n].peak_mb for row in rows) / 1000
        yield f"| {first.name} | {np.mean(seconds):.2f} | {max(seconds):.2f} | {peak:.2f} |"
    peak = max(c.peak_mb for row in rows for c in row) / 1000
    yield f"| **all** ({len(rows)} heads) | {np.mean(totals):.1f} | {max(totals):.1f} | {peak:.2f} |"


@dataclass(frozen=True)
class Look:
    """How a synthetic head is seen: pose, spacing, noise, bias."""

    degrees: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    spacing: tuple[float, float, float]
    noise: float
    bias: float


def looks(seed: int) -> list[Look]:
    """Return five ways to look at a head, drawn from the seed."""
    rng = np.random.default_rng(seed)
    spacings = [(1, 1, 1), (1.2, 1.0, 1.0), (0.9, 0.9, 1.5), (1, 1, 3), (1.5, 1.5, 1.5)]
    return [
        Look(
            tuple(rng.normal(0, 8, 3)),
            tuple(rng.normal(0, 4, 3)),
            s,
            rng.uniform(0.02, 0.07),
            rng.uniform(0.1, 0.4),
        )
        for s in spacings
    ]


def head(labels: Array, look: Look, seed: int) -> tuple[Volume, Array]:
    """Return a T1w-like image of a label map and its true brain mask, on a 256 mm field of view."""
    rng = np.random.default_rng(seed)
    a, b, c = np.deg2rad(look.degrees)
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    matrix = rx @ ry @ rz @ np.diag(look.spacing)
    shape = tuple(int(256 / s) for s in look.spacing)
    centre = np.array(labels.shape) / 2
    offset = centre - matrix @ (np.array(shape) / 2) + look.shift_mm
    seen = affine_transform(labels, matrix, offset, shape, order=0)
    levels = np.full(int(labels.max()) + 1, 0.6, np.float32)
    for code, mean in MEANS.items():
        if code < len(levels):
            levels[code] = mean
    levels[1:] *= rng.normal(1, 0.04, len(levels) - 1).astype(np.float32)
    image = gaussian_filter(levels[seen], 0.7 / np.array(look.spacing))
    field = gaussian_filter(rng.normal(size=(24, 24, 24)), 4)
    field = zoom(field / field.std(), np.array(shape) / 24, order=1)
    image = image * np.exp(look.bias * field / 2)
    noisy = np.hypot(image + rng.normal(0, look.noise, shape), rng.normal(0, look.noise, shape))
    pieces, _ = label((seen > 0) & (seen <= 164))
    true = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    return Volume(array=(noisy * 700).astype(np.float32), affine=np.diag([*look.spacing, 1.0])), true


def mask(data: Path) -> Iterator[str]:
    """Yield Dice of the brain mask on heads made from label maps."""
    yield "| head | spacing | noise | bias | Dice | ml true | ml found |\n|---|---|---|---|---|---|---|"
    scores = []
    for number, path in enumerate(sorted((data / "labels/synthseg").glob("*_seg_*.nii.gz")), 1):
        image = nibabel.load(path)
        turned = reorient(Volume(array=np.asarray(image.dataobj, np.int16), affine=image.affine))
        for n, look in enumerate(looks(number)):
            volume, true = head(turned.array, look, 100 * number + n)
            case, _ = run(Case(images={"t1w": volume}), "brain_mask")
            found = case.images["mask"]
            start = np.rint(found.affine[:3, 3] / np.diag(found.affine)[:3]).astype(int)
            box = tuple(slice(i, i + k) for i, k in zip(start, found.array.shape, strict=True))
            score = 2 * (found.array & true[box]).sum() / (found.array.sum() + true.sum())
            scores.append(score)
            ml = np.prod(look.spacing) / 1000
            yield (
                f"| {number} | {'×'.join(f'{s:g}' for s in look.spacing)} | {look.noise:.2f} "
                f"| {look.bias:.2f} | {score:.4f} | {true.sum() * ml:.0f} | {found.array.sum() * ml:.0f} |"
            )
    yield f"| **all** | | | | mean {np.mean(scores):.4f}, worst {min(scores):.4f} | | |"


def tissue(data: Path) -> Iterator[str]:
    """Yield Dice of tissues and six labels against manual labels, beside FAST's."""
    yield "| brain | who | CSF | GM | WM | deep GM | brainstem | cerebellum |"
    yield "|---|---|---|---|---|---|---|---|"
    folder = data / "labels/malf"
    with (folder / "label_information.csv").open() as file:
        names = {int(row[0]): row[1] for row in csv.reader(file) if row and row[0].strip().isdigit()}
    for path in sorted(folder.glob("*_SS.nii.gz")):
        who = path.name.split("_")[0]
        image = nibabel.load(path)

        def aligned(kind: str, who: str = who, affine: Array = image.affine) -> Volume:
            array = np.asarray(nibabel.load(folder / f"{who}_{kind}.nii.gz").dataobj)
            return reorient(Volume(array=array, affine=affine))

        case, _ = run(Case(images={"t1w": read_image(path)}), "labels")
        dseg, manual = case.images["dseg"], aligned("glm")
        inside = dseg.array > 0
        start = np.rint((np.linalg.inv(manual.affine) @ dseg.affine[:, 3])[:3]).astype(int)
        box = tuple(slice(i, i + k) for i, k in zip(start, inside.shape, strict=True))
        three = 1 + np.stack([case.images[n].array for n in ("csf", "gm", "wm")]).argmax(axis=0)
        true3, true6 = (_coded(manual.array[box], names, f) for f in (_three, _six))
        ours = [_dice(three == k, true3 == k, inside) for k in (1, 2, 3)]
        ours += [_dice(dseg.array == k, true6 == k, inside) for k in (4, 5, 6)]
        yield f"| {who} | allbrains | " + " | ".join(f"{d:.3f}" for d in ours) + " |"
        fast = aligned("tissues").array[box]
        theirs = [_dice(fast == k, true3 == k, inside) for k in (1, 2, 3)]
        yield f"| {who} | FAST | " + " | ".join(f"{d:.3f}" for d in theirs) + " | – | – | – |"


def _dice(one: Array, other: Array, inside: Array) -> float:
    one, other = one & inside, other & inside
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def _coded(labels: Array, names: dict[int, str], code: Callable[[str], int]) -> Array:
    table = np.ones(int(labels.max()) + 1, np.uint8)
    for number, name in names.items():
        if number < len(table):
            table[number] = code(name.lower())
    table[0] = 1
    coded: Array = table[labels.astype(int)]
    return coded


def _three(name: str) -> int:
    """1 CSF and what is unlabelled, 2 GM, 3 WM with brainstem and ventral DC."""
    if any(word in name for word in ("white matter", "brain stem", "ventral dc", "optic", "fornix")):
        return 3
    return 1 if any(word in name for word in ("vent", "csf", "vessel", "unlab", "background")) else 2


def _six(name: str) -> int:
    """4 deep GM with ventral DC (as OASIS has it), 5 brainstem, 6 cerebellum, else as three."""
    if any(w in name for w in ("thalamus", "caudate", "putamen", "pallidum", "accumbens", "ventral dc")):
        return 4
    return 6 if "cerebell" in name else 5 if "brain stem" in name else _three(name)


def main() -> None:
    """Run the parts that are named, or all."""
    parts = {"cost": cost, "mask": mask, "tissue": tissue}
    warm()
    for name in sys.argv[2:] or parts:
        print(f"\n### {name}\n")
        for line in parts[name](Path(sys.argv[1])):
            print(line, flush=True)


if __name__ == "__main__":
    main()
