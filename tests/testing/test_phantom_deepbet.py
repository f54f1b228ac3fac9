"""An independent brain extraction finds the brain that the phantom says it has."""

import nibabel as nib
import numpy as np
import pytest
import torch

from allbrains.testing.phantoms import Acquisition, phantom


@pytest.mark.filterwarnings("ignore:`torch.jit.load`:DeprecationWarning")
def test_deepbet_finds_the_true_mask():
    from deepbet import BrainExtraction

    scan = phantom(8, Acquisition(spacing=(2.0, 2.0, 2.0)))
    image, truth = (
        nib.as_closest_canonical(nib.Nifti1Image(v.array, v.affine)) for v in (scan.t1w, scan.brain_mask)
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _, mask, _ = BrainExtraction(no_gpu=True).run(image)
    finally:
        torch.set_num_threads(threads)
    found, expected = mask.get_fdata() > 0.5, truth.get_fdata() > 0.5
    # measured .976 at this setting; over real heads deepbet's mask is as generous (3 to 6 %)
    assert 2 * np.sum(found & expected) / (found.sum() + expected.sum()) > 0.96
