"""The face taken out of a head in its own space, by a rule that is easy to state.

Set to 0 is every voxel that lies in front of and below a plane through the brows and below the ears, and is
farther from the scan's own brain mask than a margin. The plane is given in template millimetres and brought
to the scan by the affine of its registration; the brain mask by the whole warp. So the brain is kept by
construction, and eyes, nose, mouth, chin and ears go. It is no proof against recognition: the shape of the
skull's top and of the brain stays, and both are somebody's.
"""

from __future__ import annotations

import numpy as np

from allbrains.case import Warp
from allbrains.records import Array, Volume
from allbrains.space.grid import Grid, inverse, sample, transform

STEP_MM = 2.0  # the rule is looked at on a grid this coarse: a face is larger
MARGIN_MM = 6.0  # kept around the brain: its fluid and what the mask may miss
# Template mm. The plane: z = SLOPE * y + HEIGHT, from 28 mm above the midpoint at the brows (y = 85) to the
# ears' lobes (y = -20, z = -29); BACK is behind the ears, where necks of all people look alike.
SLOPE, HEIGHT, BACK = 0.55, -18.0, -45.0


def face(head: Volume, mask: Volume, warp: Warp) -> Array:
    """Return which voxels are taken out: bool, of the head's shape.

    Args:
        head: the scan in its own space.
        mask: the brain, in template space.
        warp: template → scan.
    """
    from scipy.ndimage import distance_transform_edt

    strides = np.maximum(STEP_MM / np.array(head.spacing), 1.0)
    x, y, z = (
        int(np.ceil((n - 1) / stride)) + 1 for n, stride in zip(head.array.shape, strides, strict=True)
    )
    grid = Grid(shape=(x, y, z), affine=head.affine @ np.diag([*strides, 1.0]))
    points = grid.points()
    rough = transform(np.asarray(np.linalg.inv(warp.affine), np.float64), points)
    distance = distance_transform_edt(mask.array < 0.5, sampling=mask.spacing)
    (to_brain,) = sample([distance], mask.affine, inverse(warp, points), edge=True)
    out = rough[..., 2] < SLOPE * rough[..., 1] + HEIGHT
    out &= (rough[..., 1] > BACK) & (to_brain > MARGIN_MM)
    nearest = [
        np.minimum(np.rint(np.arange(n) / stride).astype(int), count - 1)
        for n, stride, count in zip(head.array.shape, strides, grid.shape, strict=True)
    ]
    chosen: Array = out[np.ix_(*nearest)]
    return chosen


def defaced(head: Volume, mask: Volume, warp: Warp) -> Volume:
    """Return the head with the face's voxels set to 0; see ``face``."""
    array = head.array.copy()
    array[face(head, mask, warp)] = 0
    return Volume(array=array, affine=head.affine)
