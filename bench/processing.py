"""Measure the processing: ``python bench/processing.py DATA [cost|mask|tissue|invariance|repeat|side …]``.

DATA holds ``brains/`` (BIDS), ``labels/synthseg`` and ``labels/malf``, as docs/benchmarks.md describes.
Prints Markdown tables. One thread; CPU seconds of the process, imports and template apart. ``side`` needs
the extra ``antspynet`` and its files (or stand-ins: tools/make_antspynet_standins.py) in its cache folder;
it is not run unless it is named.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
    os.environ.setdefault(_name, "1")

import nibabel
import numpy as np
from processing_laws import invariance, laws_of, repeat
from recorded import figure, recorded
from synthetic_heads import heads

from allbrains import recipes
from allbrains.case import Case
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import read_image
from allbrains.recipe import Recipe
from allbrains.records import Array, StepCost, Volume
from allbrains.run.encode_sample import sample_of
from allbrains.run.one_scan import Meter
from allbrains.space.template import deep_csf, template
from allbrains.steps.ants_bridge import ants
from allbrains.steps.atropos import Atropos
from allbrains.steps.canonical import Canonical, reorient
from allbrains.testing.phantoms import Acquisition, phantom

RECIPE = recipes.load("embedded")
THREE = ("csf", "gm", "wm")


def warm() -> None:
    """Pay for imports, the network and the template before anything is measured."""
    from allbrains.steps.deepbet_network import look

    ants()
    template(1.0), template(2.0), deep_csf()
    with suppress(ScanUnusable):
        noise = np.random.default_rng(0).random((64, 64, 64)).astype(np.float32)
        look(noise, 0.5)


def run(case: Case, until: str = "", recipe: Recipe = RECIPE) -> tuple[Case, Meter]:
    """Return the case after the recipe's steps, up to and with ``until``; and what each cost."""
    meter = Meter()
    for step in recipe.steps:
        with meter(step.name):
            case = step(case)
        if step.name == until:
            break
    return case, meter


def brains(data: Path) -> list[Path]:
    """Return the T1w files of the brains, sorted."""
    return sorted((data / "brains").glob("ds*/sub-*/anat/*_T1w.nii.gz"))


def costed(case: Case, recipe: Recipe = RECIPE) -> tuple[Case, tuple[StepCost, ...]]:
    """Return the finished case and what each step cost, encoding included."""
    case, steps = run(case, recipe=recipe)
    with steps("encode"):
        sample_of(case)
    return case, steps.costs


def stripped(head: Case) -> Case:
    """Return the head, axes turned, with 0 outside the brain mask of ``embedded``."""
    whole = Canonical()(head).images["t1w"]
    found = run(head, "brain_mask")[0].images["mask"]
    mask = np.zeros(whole.array.shape, bool)
    mask[_box(found, whole)] = found.array
    return Case(images={"t1w": Volume(array=np.where(mask, whole.array, 0), affine=whole.affine)})


def cost(data: Path) -> Iterator[str]:
    """Yield CPU seconds and peak memory per step; then what must hold in each result."""
    rows, laws = [], []
    for path in brains(data):
        case, costs = costed(Case(images={"t1w": read_image(path)}))
        rows.append(costs)
        laws.append(f"| {path.parts[-4]} {path.name[:6]} | " + " | ".join(laws_of(case)) + " |")
    yield from _costs(rows)
    yield "\n| brain | modulated GM, WM, CSF / native, % | Jacobian > 0, % | template r | GM, WM overlap |"
    yield "|---|---|---|---|---|"
    yield from laws


def _costs(rows: list[tuple[StepCost, ...]]) -> Iterator[str]:
    totals = [sum(c.cpu_s for c in row) for row in rows]
    yield "| step | CPU-s mean | CPU-s most | peak GB |\n|---|---|---|---|"
    for n, first in enumerate(rows[0]):
        seconds = [row[n].cpu_s for row in rows]
        peak = max(row[n].peak_mb for row in rows) / 1000
        yield f"| {first.name} | {np.mean(seconds):.2f} | {max(seconds):.2f} | {peak:.2f} |"
    peak = max(c.peak_mb for row in rows for c in row) / 1000
    figure("cpu_s_mean", sum(totals) / len(totals))
    figure("cpu_s_most", max(totals))
    figure("peak_gb", peak)
    yield f"| **all** ({len(rows)} heads) | {np.mean(totals):.1f} | {max(totals):.1f} | {peak:.2f} |"


def mask(data: Path) -> Iterator[str]:
    """Yield Dice of the brain mask on heads made from label maps."""
    yield "| head | spacing | noise | bias | Dice | ml true | ml found |\n|---|---|---|---|---|---|---|"
    scores = []
    for number, look, volume, true in heads(data):
        case, _ = run(Case(images={"t1w": volume}), "brain_mask")
        found = case.images["mask"]
        box = _box(found, volume)
        score = 2 * (found.array & true[box]).sum() / (found.array.sum() + true.sum())
        scores.append(score)
        ml = np.prod(look.spacing) / 1000
        yield (
            f"| {number} | {'×'.join(f'{s:g}' for s in look.spacing)} | {look.noise:.2f} "
            f"| {look.bias:.2f} | {score:.4f} | {true.sum() * ml:.0f} | {found.array.sum() * ml:.0f} |"
        )
    yield f"| **all** | | | | mean {np.mean(scores):.4f}, worst {min(scores):.4f} | | |"


def tissue(data: Path) -> Iterator[str]:
    """Yield Dice of tissues and six labels against truth, beside FAST's and Atropos' on the same input."""
    yield "| brain | who | CSF | GM | WM | deep GM | brainstem | cerebellum |"
    yield "|---|---|---|---|---|---|---|---|"
    folder = data / "labels/malf"
    with (folder / "label_information.csv").open() as file:
        names = {int(row[0]): row[1] for row in csv.reader(file) if row and row[0].strip().isdigit()}
    for path in sorted(folder.glob("*_SS.nii.gz")):
        who, affine = path.name.split("_")[0], nibabel.load(path).affine
        manual, fast = (
            reorient(
                Volume(array=np.asarray(nibabel.load(folder / f"{who}_{kind}.nii.gz").dataobj), affine=affine)
            )
            for kind in ("glm", "tissues")
        )
        case, _ = run(Case(images={"t1w": read_image(path)}), "labels")
        dseg = case.images["dseg"]
        inside, box = dseg.array > 0, _box(dseg, manual)
        true3, true6 = (_coded(manual.array[box], names, f) for f in (_three, _six))
        six = [_dice(dseg.array == k, true6 == k, inside) for k in (4, 5, 6)]
        yield _scores(f"{who} | allbrains", _three_of(case), true3, inside, six)
        yield _scores(f"{who} | FAST", fast.array[box], true3, inside)
        yield _scores(f"{who} | Atropos k-means", _three_of(Atropos()(case)), true3, inside)
    yield from _phantoms()


def _phantoms() -> Iterator[str]:
    for seed, noise in ((1, 0.02), (2, 0.02), (3, 0.04), (4, 0.06)):
        seen = phantom(seed, Acquisition(noise=noise))
        case, _ = run(Case(images={"t1w": seen.t1w}), "labels")
        dseg = case.images["dseg"]
        whole = [reorient(getattr(seen, name)) for name in THREE]
        parts = np.stack([volume.array[_box(dseg, volume)] for volume in whole])
        true = np.where(parts.sum(axis=0) < 0.5, 1, 1 + parts.argmax(axis=0))
        who = f"phantom {seed}, noise {noise:g}"
        yield _scores(f"{who} | allbrains", _three_of(case), true, dseg.array > 0)
        yield _scores(f"{who} | Atropos k-means", _three_of(Atropos()(case)), true, dseg.array > 0)


def _three_of(case: Case) -> Array:
    found: Array = 1 + np.stack([case.images[name].array for name in THREE]).argmax(axis=0)
    return found


def _scores(who: str, found: Array, true: Array, inside: Array, more: list[float] | None = None) -> str:
    scores = [_dice(found == k, true == k, inside) for k in (1, 2, 3)] + (more or [])
    return f"| {who} | " + " | ".join([*(f"{d:.3f}" for d in scores), *["–"] * (6 - len(scores))]) + " |"


def side(data: Path) -> Iterator[str]:
    """Yield what each recipe costs on the first brain, with everything that it does, in this one process.

    ANTsPyNet gets the brain as ``embedded`` has stripped it, on the grid of the whole head: the network of a
    stand-in finds no brain in a head.
    """
    head = Case(images={"t1w": read_image(brains(data)[0])})
    with_priors = [
        (s if s.name != "atropos" else Atropos(prior_weight=0.25)) for s in recipes.load("ants").steps
    ]
    chosen = {
        "embedded": RECIPE,
        "ants": recipes.load("ants"),
        "ants, template priors": Recipe(name="ants", steps=tuple(with_priors)),
        "antspynet": recipes.ready("antspynet"),
    }
    yield "| recipe | CPU-s | times embedded | peak GB | its dearest steps, CPU-s |\n|---|---|---|---|---|"
    first = 0.0
    for name, recipe in chosen.items():
        _, costs = costed(stripped(head) if name == "antspynet" else head, recipe)
        total = sum(c.cpu_s for c in costs)
        first = first or total
        dear = sorted(costs, key=lambda c: -c.cpu_s)[:4]
        yield (
            f"| {name} | {total:.0f} | {total / first:.1f} | {max(c.peak_mb for c in costs) / 1000:.1f} "
            f"| {', '.join(f'{c.name} {c.cpu_s:.0f}' for c in dear)} |"
        )


def _box(part: Volume, whole: Volume) -> tuple[slice, ...]:
    """Return where a cropped image lies in the whole one of the same axes."""
    start = np.rint((np.linalg.inv(whole.affine) @ part.affine[:, 3])[:3]).astype(int)
    return tuple(slice(i, i + k) for i, k in zip(start, part.array.shape, strict=True))


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
    """Run the parts that are named, or all that need nothing more than the data."""
    parts: dict[str, Callable[[Path], Iterator[str]]] = {
        "cost": cost,
        "mask": mask,
        "tissue": tissue,
        "invariance": lambda data: invariance(brains(data)[0], lambda case: run(case)[0]),
        "repeat": lambda data: repeat(brains(data)[0]),
        "side": side,
    }
    warm()
    for name in sys.argv[2:] or [part for part in parts if part != "side"]:
        with recorded(f"processing-{name}"):
            for line in parts[name](Path(sys.argv[1])):
                print(line, flush=True)


if __name__ == "__main__":
    main()
