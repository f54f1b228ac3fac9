"""Make ``src/allbrains/space/data/structures.npy.xz``: where the structures lie in the template.

Run once, by hand: ``python tools/make_structures.py FOLDER``. The folder is
``nighres/atlases/brain-segmentation-prior3.0`` of the unpacked source archive of nighres 1.2.0 (Apache-2.0).
Its maps are float32, little-endian, x fastest, 106 × 133 × 112 at 1.886 mm; x grows towards the left,
as the names of its own files say, and y from front to back. A T1w-like image is painted from all its maps and
registered to the template by the recipe's own steps; the maps follow.
"""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

import numpy as np

from allbrains.case import Case
from allbrains.records import Array, Volume
from allbrains.space.grid import sample, through
from allbrains.space.structure_priors import MAPPED, SPACING_MM, Structure
from allbrains.space.template import output_grid
from allbrains.steps.greedy import GreedyToTemplate
from allbrains.steps.register import AffineToTemplate

SHAPE, SPACING = (106, 133, 112), 1.886
# T1w-like brightness, white matter = 1; what is not named lies outside the brain
BRIGHTNESS = {
    "cerebrum_wmL": 1.0,
    "cerebrum_wmR": 1.0,
    "cerebellum_wm": 1.0,
    "brainstem": 0.93,
    "cerebrum_gmL": 0.68,
    "cerebrum_gmR": 0.68,
    "cerebellum_gm": 0.68,
    "sulcal_csf": 0.22,
    **{f"{name}{side}": value for side in "LR" for name, value in
       (("thalamus", 0.86), ("caudate", 0.74), ("putamen", 0.77), ("globus_pallidus", 0.94),
        ("hippocampus", 0.68), ("amygdala", 0.68), ("ventricle", 0.22))},
    "ventricle3": 0.22,
    "ventricle4": 0.22,
}  # fmt: skip
# what lies beside the structures, in the order of the file
REST = {
    "gm": ("cerebrum_gmL", "cerebrum_gmR", "cerebellum_gm"),
    "wm": ("cerebrum_wmL", "cerebrum_wmR", "cerebellum_wm"),
    "csf": ("sulcal_csf",),
    "stem": ("brainstem",),
}


def main(folder: Path) -> None:
    """Write the maps and print how large each is."""
    affine = np.diag([-SPACING, -SPACING, SPACING, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.asarray(SHAPE) / 2)
    maps = {name: _read(folder / f"atlas_{name}.raw") for name in BRIGHTNESS}
    total = sum(maps.values())
    # the template ends at the cortex; these maps have a centimetre of CSF around it
    inside = (total > 0.5) & (total - maps["sulcal_csf"] > 0.6 * total)
    # cubed: the maps are wide averages, and a nucleus painted from them has no edge to be registered by
    sharp = {name: share**3 for name, share in maps.items()}
    painted = sum(BRIGHTNESS[name] * share for name, share in sharp.items()) / np.maximum(
        sum(sharp.values()), 1e-6
    )
    images = {
        "t1w": Volume(array=np.where(inside, painted, 0).astype(np.float32), affine=affine),
        "mask": Volume(array=inside, affine=affine),
    }
    smooth = GreedyToTemplate(iterations=(40, 20, 5), warp_sigma=0.7071)  # averages have no fine folds
    case = smooth(AffineToTemplate()(Case(images=images)))
    print({k: round(v, 3) for k, v in case.numbers.items()})
    grid = output_grid(SPACING_MM)
    rest = [sum(maps[name] for name in names) for names in REST.values()]
    found = sample(
        [*(maps[_file_of(s)] for s in MAPPED), *rest], affine, through(case.warps["warp"], grid.points())
    )
    stored = np.rint(np.clip(np.stack(found), 0, 1) * 255).astype(np.uint8)
    stored[stored < 3] = 0  # a hundredth: interpolation's tails, which only cost bytes
    stored[len(MAPPED) :, ~stored[: len(MAPPED)].any(axis=0)] = 0  # where there is no structure, nobody asks
    out = Path(__file__).parents[1] / "src/allbrains/space/data/structures.npy.xz"
    with lzma.open(out, "wb", preset=9) as file:
        np.save(file, stored)
    for structure, share in zip(MAPPED, stored, strict=False):
        print(f"{structure.name.lower():24}{share.sum() / 255 * SPACING_MM**3 / 1000:8.1f} ml")


def _file_of(structure: Structure) -> str:
    """Return which of nighres' maps a structure is."""
    name = structure.name.lower()
    if name in ("third_ventricle", "fourth_ventricle"):
        return {"third_ventricle": "ventricle3", "fourth_ventricle": "ventricle4"}[name]
    side, _, rest = name.partition("_")
    rest = {"lateral_ventricle": "ventricle", "pallidum": "globus_pallidus"}.get(rest, rest)
    return f"{rest}{side[0].upper()}"


def _read(path: Path) -> Array:
    return np.fromfile(path, "<f4").reshape(SHAPE[::-1]).transpose(2, 1, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
