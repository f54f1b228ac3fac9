"""What must not change a result, and what must hold in every one: for ``bench/processing.py``."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from allbrains import recipes
from allbrains.case import Case
from allbrains.images.image_file import read_image
from allbrains.records import Array, Volume
from allbrains.run.encode_sample import sample_of
from allbrains.space.grid import coarsen, jacobian
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.canonical import Canonical
from allbrains.steps.register import box_around

THREE = ("csf", "gm", "wm")


def laws_of(case: Case) -> tuple[str, ...]:
    """Return, as text: modulated sums over native volumes, share of unfolded brain, fit to the template."""
    unfolded = (jacobian(case.warps["warp"])[template(REGISTRATION_SPACING).mask] > 0).mean()
    stretch = np.exp(case.images["template_logjac"].array) * case.numbers["affine_determinant"]
    voxel_ml = abs(np.linalg.det(case.images["template_logjac"].affine)) / 1000
    kept = [
        float((case.images[f"template_{name}"].array * stretch).sum(dtype=np.float64))
        * voxel_ml
        / case.numbers[f"{name}_ml"]
        for name in THREE
    ]
    numbers = case.numbers
    return (
        ", ".join(f"{100 * share:.2f}" for share in (kept[1], kept[2], kept[0])),
        f"{100 * unfolded:.3f}",
        f"{numbers['template_correlation']:.3f}",
        f"{numbers['gm_overlap']:.3f}, {numbers['wm_overlap']:.3f}",
    )


def turned(volume: Volume, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """Return the volume stored along other axes, some backwards; every voxel keeps its place in the world."""
    array = volume.array.transpose(axes)
    affine = volume.affine[:, [*axes, 3]].copy()
    for k, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, k] * (array.shape[k] - 1)
            affine[:, k] *= -1
            array = np.flip(array, k)
    return Volume(array=array, affine=affine)


def orientations(volume: Volume) -> Iterator[Volume]:
    """Yield the volume in all 48 orientations."""
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            yield turned(volume, axes, flips)


def invariance(path: Path, run: Callable[[Case], Case]) -> Iterator[str]:
    """Yield how much the volumes of one head differ when it is stored, cut, placed or scaled otherwise."""
    volume = read_image(path)
    seen = {_after_canonical(one) for one in orientations(volume)}
    yield f"{len(seen)} different inputs to the second step, of 48 orientations of the file.\n"
    yield "| how | " + " | ".join(f"{name}, %" for name in (*THREE, "mask")) + " |\n|---|---|---|---|---|"
    first = _volumes(run(_case(volume)))
    shift = np.eye(4)
    shift[:3, 3] = (60, -45, 80)
    array = np.asarray(volume.array, np.float32)
    others = {
        "stored PIL-wise": turned(volume, (1, 2, 0), (True, True, True)),
        "one voxel less at each end": Volume(
            array=volume.array[1:-1, 1:-1, 1:-1],
            affine=volume.affine @ _moved(1.0),
        ),
        "origin moved by 60, -45, 80 mm": Volume(array=volume.array, affine=shift @ volume.affine),
        "gain 0.01": Volume(array=array * np.float32(0.01), affine=volume.affine),
        "gain 1000": Volume(array=array * np.float32(1000), affine=volume.affine),
        "resampled to 1 mm": coarsen(volume, box_around(volume, 1.0)),
        "resampled to 2 mm": coarsen(volume, box_around(volume, 2.0)),
    }
    for how, one in others.items():
        found = 100 * (_volumes(run(_case(one))) / first - 1)
        yield f"| {how} | " + " | ".join(f"{difference:+.2f}" for difference in found) + " |"


def _moved(voxels: float) -> Array:
    out = np.eye(4)
    out[:3, 3] = voxels
    return out


def _case(volume: Volume) -> Case:
    return Case(images={"t1w": volume})


def _volumes(case: Case) -> Array:
    return np.asarray([case.numbers[f"{name}_ml"] for name in (*THREE, "brain_mask")])


def _after_canonical(volume: Volume) -> str:
    out = Canonical()(_case(volume)).images["t1w"]
    place = np.round(out.affine, 4) + 0.0  # a header holds single precision
    return hashlib.sha256(out.array.tobytes() + place.tobytes()).hexdigest()


def repeat(path: Path) -> Iterator[str]:
    """Yield the digests of one head's sample, made alone and by two processes at once."""
    command = [sys.executable, __file__, str(path)]
    alone = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [alone, *(process.communicate()[0] for process in pair)]
    yield f"{len(set(told))} different of 3 results (one alone, two at the same time): {alone.strip()[:16]}…"


def digest_of(path: Path) -> str:
    """Return a digest over all maps, numbers, texts and the montage of one head's sample."""
    case = Case(images={"t1w": read_image(path)})
    for step in recipes.load("embedded").steps:
        case = step(case)
    sample, digest = sample_of(case), hashlib.sha256()
    for name, stored in sorted(sample.maps.items()):
        digest.update(f"{name} {stored.scale} {stored.offset}".encode() + stored.array.tobytes())
    digest.update(
        f"{sorted(sample.numbers.items())} {sorted(sample.texts.items())}".encode() + sample.montage
    )
    return digest.hexdigest()


if __name__ == "__main__":
    print(digest_of(Path(sys.argv[1])))
