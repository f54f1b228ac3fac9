"""People scanned twice under two names, for ``bench/store.py OUT --people``.

    python bench/people.py BRAINS TO

Writes below TO: the BIDS datasets of the folder BRAINS as they are; ``ds800001``, each of their scans again
in another pose, on other voxels, with other bias field and noise; ``ds900011`` and ``ds900012``, computed
heads and the same people again. Then ``allbrains build --bids TO --out OUT``. Needs ``allbrains[build]``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.ndimage import gaussian_filter, zoom
from scipy.spatial.transform import Rotation

from allbrains.records import Array, Volume
from allbrains.space.grid import Grid, sample
from allbrains.testing.datasets import VISITS, write_about, write_scan
from allbrains.testing.phantoms import Acquisition, phantom

PHANTOMS = 5
OTHERWISE = Acquisition(spacing=(1.2, 1.2, 1.2), bias=0.35, noise=0.03, orientation="LIA")


def scanned_again(path: Path, seed: int) -> Volume:
    """Return a scan as if the person had come back: turned by about 6°, moved by 5 mm, 1.1 mm voxels.

    Args:
        path: of a NIfTI file.
        seed: of pose, bias field (sd 0.2 of its logarithm) and noise (2.5 % of the brightest).
    """
    image = nib.load(path)
    array = np.asarray(image.dataobj, np.float32)
    random = np.random.default_rng(seed)
    turn = Rotation.from_euler("xyz", random.normal(0, 6, 3), degrees=True).as_matrix()
    shift = random.normal(0, 5, 3)
    centre = (image.affine @ [*(np.array(array.shape) / 2), 1])[:3]
    grid = Grid.box((centre - [100, 125, 125]).tolist(), (200, 250, 250), 1.1)
    points = (grid.points() - centre) @ turn.T + centre + shift
    (again,) = sample([array], image.affine, points.astype(np.float32))
    top = np.percentile(again[again > 0], 99)
    biased = again * np.exp(0.2 * _smooth(random, again.shape))
    channels = random.normal(0, 0.025 * top, (2, *again.shape))
    noisy = np.hypot(biased + channels[0], channels[1])
    if np.median(array) == 0:  # stripped: there is no noise outside
        noisy = np.where(again > 0, noisy, 0)
    return Volume(array=noisy * (1000 / top), affine=grid.affine)


def _smooth(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    coarse = gaussian_filter(random.normal(size=[n // 8 for n in shape]), 4)
    field = zoom(coarse / coarse.std(), np.array(shape) / coarse.shape, order=1)
    return np.asarray(field)


def main(brains: Path, to: Path) -> None:
    """Write all datasets."""
    scans = []
    for dataset in sorted(brains.iterdir()):
        copy = shutil.copytree(dataset, to / dataset.name, dirs_exist_ok=True)
        scans += sorted(copy.rglob("*_T1w.nii.gz"))
    people = {f"{number:02d}": ("30", "female") for number in range(1, max(len(scans), PHANTOMS) + 1)}
    for name in ("ds800001", "ds900011", "ds900012"):
        write_about(to / name, "Scanned again", people)
    for number, path in enumerate(scans, 1):
        write_scan(_path(to / "ds800001", number), scanned_again(path, number))
    for number in range(1, PHANTOMS + 1):
        write_scan(_path(to / "ds900011", number), phantom(number, VISITS).t1w)
        # another number, so that nothing but the brain tells
        again = PHANTOMS + 1 - number
        write_scan(_path(to / "ds900012", again), phantom(number, OTHERWISE, session=1).t1w)


def _path(dataset: Path, number: int) -> Path:
    return dataset / f"sub-{number:02d}/anat/sub-{number:02d}_T1w.nii.gz"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
