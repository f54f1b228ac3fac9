"""Where the structures of the brain lie in the template, left and right, as probabilities.

Made once by ``tools/make_structures.py`` from the segmentation priors of nighres; source and licence:
``data/README.md``. The maps say where a structure may be; a scan's own brightness says where it ends.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files

import numpy as np

from allbrains.records import Affine, Array
from allbrains.space.template import output_grid


class Structure(IntEnum):
    """Codes of ``structures``: those of FreeSurfer's colour table, so that its viewers show their names."""

    LEFT_CEREBRAL_WM = 2
    LEFT_CEREBRAL_CORTEX = 3
    LEFT_LATERAL_VENTRICLE = 4
    LEFT_CEREBELLAR_WM = 7
    LEFT_CEREBELLAR_CORTEX = 8
    LEFT_THALAMUS = 10
    LEFT_CAUDATE = 11
    LEFT_PUTAMEN = 12
    LEFT_PALLIDUM = 13
    THIRD_VENTRICLE = 14
    FOURTH_VENTRICLE = 15
    BRAINSTEM = 16
    LEFT_HIPPOCAMPUS = 17
    LEFT_AMYGDALA = 18
    CSF = 24
    LEFT_UNDETERMINED = 29
    RIGHT_CEREBRAL_WM = 41
    RIGHT_CEREBRAL_CORTEX = 42
    RIGHT_LATERAL_VENTRICLE = 43
    RIGHT_CEREBELLAR_WM = 46
    RIGHT_CEREBELLAR_CORTEX = 47
    RIGHT_THALAMUS = 49
    RIGHT_CAUDATE = 50
    RIGHT_PUTAMEN = 51
    RIGHT_PALLIDUM = 52
    RIGHT_HIPPOCAMPUS = 53
    RIGHT_AMYGDALA = 54
    RIGHT_UNDETERMINED = 61
    WM_HYPOINTENSITY = 77


# the structures that have a map of their own, in the order of the packaged file
MAPPED = tuple(
    structure
    for structure in Structure
    if structure.name.endswith(
        ("VENTRICLE", "THALAMUS", "CAUDATE", "PUTAMEN", "PALLIDUM", "HIPPOCAMPUS", "AMYGDALA")
    )
)
BESIDE = ("gm", "wm", "csf", "stem")
SPACING_MM = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureMaps:
    """The maps on the corpus grid at 2 mm.

    Attributes:
        shares: shape (maps, x, y, z), float32, 0-1: the structures in the order of ``MAPPED``, then what lies
            beside them in that of ``BESIDE``, 0 where there is no structure.
        affine: voxel → template RAS+ mm.
    """

    shares: Array
    affine: Affine


@cache
def structure_maps() -> StructureMaps:
    """Return the maps; kept for the life of the process."""
    packed = files("allbrains.space") / "data" / "structures.npy.xz"
    with packed.open("rb") as file, lzma.open(file) as unpacked:
        array: Array = np.load(unpacked, allow_pickle=False)
    return StructureMaps(shares=array.astype(np.float32) / 255, affine=output_grid(SPACING_MM).affine)
