"""A brain as a nibabel image. TorchIO and MONAI are no dependency of the tests; see docs/how-to."""

import numpy as np

import allbrains
from allbrains.testing.corpora import AFFINE, FIELD_AFFINE


def test_nibabel(eleven):
    brain = allbrains.open(eleven)[2]
    image = brain.to_nibabel("modulated_gm")
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), brain.modulated_gm)
    np.testing.assert_array_equal(image.affine, AFFINE)
    np.testing.assert_array_equal(brain.to_nibabel("displacement").affine, FIELD_AFFINE)
    assert image.header.get_sform(coded=True)[1] == 4
