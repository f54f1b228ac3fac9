"""Which part of the brain each template voxel belongs to: four lobes, deep grey matter, stem, cerebellum.

Made once by ``tools/make_template_regions.py`` from the OASIS-30 template of ANTs. The map says where a
structure may be; a scan's own intensities say what is there.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from allbrains.records import Volume


class Region(IntEnum):
    """Codes in the map; 0 is outside."""

    FRONTAL = 1
    PARIETAL = 2
    OCCIPITAL = 3
    TEMPORAL = 4
    DEEP_GM = 5
    BRAINSTEM = 6
    CEREBELLUM = 7


LOBES = (Region.FRONTAL, Region.PARIETAL, Region.OCCIPITAL, Region.TEMPORAL)


@cache
def regions() -> Volume:
    """Return the map on the 1 mm corpus grid: shape (160, 192, 160), uint8, codes of ``Region``.

    It reaches 8 mm beyond the template's brain, so that a scan that fits a little worse still has one.
    """
    import nibabel

    with as_file(files("allbrains.space") / "data" / "regions.nii.gz") as path:
        image = nibabel.load(path)
        return Volume(array=np.asarray(image.dataobj, np.uint8), affine=image.affine)
