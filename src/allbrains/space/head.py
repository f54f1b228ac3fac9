"""A whole head with its brain, for recipes that find the brain by registration.

Made once by ``tools/make_head_template.py`` from the OASIS-30 template of ANTs; source and licence:
``data/README.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from allbrains.records import Affine, Array, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTemplate:
    """The head template, 2 mm, in a space of its own.

    Attributes:
        t1w: shape (100, 116, 115), float32, 0 to 1.
        brain_distance: same shape, float32: mm to the brain's surface, negative inside.
        affine: voxel → RAS+ mm.
    """

    t1w: Array
    brain_distance: Array
    affine: Affine


@cache
def head() -> HeadTemplate:
    """Return the template; kept for the life of the process."""
    from scipy.ndimage import distance_transform_edt as distance

    t1w, brain = _read("t1w"), _read("brain")
    inside = brain.array > 0.5
    spacing = t1w.spacing
    signed = distance(~inside, sampling=spacing) - distance(inside, sampling=spacing)
    return HeadTemplate(t1w=t1w.array, brain_distance=signed.astype(np.float32), affine=t1w.affine)


def _read(name: str) -> Volume:
    import nibabel

    with as_file(files("allbrains.space") / "data" / f"head_{name}.nii.gz") as path:
        image = nibabel.load(path)
        return Volume(array=np.asarray(image.dataobj, np.float32) / 255, affine=image.affine)
