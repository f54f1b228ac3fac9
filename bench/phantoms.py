"""Does an independent brain extraction accept the phantoms, and what do they cost?

    python bench/phantoms.py

Prints one row a setting: CPU-seconds of the phantom, Dice, volumes and sensitivity of deepbet's mask against
the true one. Needs ``allbrains[build]``.
"""

from __future__ import annotations

import time

import nibabel as nib
import numpy as np
import torch
from deepbet import BrainExtraction

from allbrains.testing.phantoms import Acquisition, phantom

SETTINGS: tuple[tuple[str, Acquisition], ...] = (
    ("1 mm RAS", Acquisition()),
    ("1 mm RAS, again", Acquisition()),
    ("3 mm LIA, 12° oblique", Acquisition(spacing=(3.0, 3.0, 3.0), orientation="LIA", oblique_deg=12.0)),
    ("1×1×3 mm LIA", Acquisition(spacing=(1.0, 1.0, 3.0), orientation="LIA")),
    ("1.5 mm, strong bias", Acquisition(spacing=(1.5, 1.5, 1.5), bias=0.45)),
    ("1.3 mm PSR, noise .08", Acquisition(spacing=(1.3, 1.3, 1.3), orientation="PSR", noise=0.08)),
    ("2 mm, rotation sd 14°", Acquisition(spacing=(2.0, 2.0, 2.0), rotation_deg=14.0)),
    ("2 mm", Acquisition(spacing=(2.0, 2.0, 2.0))),
    ("2 mm stripped", Acquisition(spacing=(2.0, 2.0, 2.0), stripped=True)),
)


def main() -> None:
    torch.set_num_threads(1)
    extraction = BrainExtraction(no_gpu=True)
    phantom(0, Acquisition(spacing=(8.0, 8.0, 8.0)))  # the template is read once a process
    print(f"{'setting':24}{'CPU-s':>7}{'Dice':>8}{'true ml':>9}{'got ml':>8}{'sens':>7}")
    for seed, (name, acquisition) in enumerate(SETTINGS, 1):
        start = time.process_time()
        scan = phantom(seed, acquisition)
        cost_s = time.process_time() - start
        image, truth = (
            nib.as_closest_canonical(nib.Nifti1Image(v.array, v.affine)) for v in (scan.t1w, scan.brain_mask)
        )
        _, mask, _ = extraction.run(image)
        found, true = mask.get_fdata() > 0.5, truth.get_fdata() > 0.5
        both, voxel_ml = np.sum(found & true), np.prod(scan.t1w.spacing) / 1000
        print(
            f"{name:24}{cost_s:7.1f}{2 * both / (found.sum() + true.sum()):8.4f}"
            f"{true.sum() * voxel_ml:9.0f}{found.sum() * voxel_ml:8.0f}{both / true.sum():7.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
