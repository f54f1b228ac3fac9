"""Our arithmetic beside deepbet's own: the same weights, the same masks."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from allbrains.errors import Reason, ScanUnusable
from allbrains.steps.canonical import reorient
from allbrains.steps.deepbet_network import look, networks
from allbrains.steps.linknet import interleaved
from allbrains.testing.phantoms import Acquisition, phantom

TRACED = pytest.mark.filterwarnings("ignore:.torch.jit.load.:DeprecationWarning")


@TRACED
@pytest.mark.parametrize(("which", "file"), [(0, "bbox_model.pt"), (1, "model.pt")])
def test_the_log_odds_are_the_traced_networks(which, file):
    folder = Path(find_spec("deepbet").origin).parents[1] / "data" / "models"
    traced = torch.jit.load(str(folder / file)).eval()
    image = torch.from_numpy(np.random.default_rng(3).random((64, 96, 32)).astype(np.float32))
    image = torch.nn.functional.avg_pool3d(image[None], 5, 1, 2)[0]
    image = 0.226 * (image - image.mean()) / image.std() + 0.449
    with torch.no_grad():
        share = traced(image[None, None])[0, 1]
    np.testing.assert_allclose(torch.sigmoid(networks("cpu")[which].logit(image)), share, atol=2e-3)


@TRACED
def test_the_mask_is_deepbets():
    from deepbet import BrainExtraction

    head = reorient(phantom(8, Acquisition(spacing=(2.0, 2.5, 2.0), orientation="LIA")).t1w).array
    network = BrainExtraction(no_gpu=True)
    expected = network.postprocess(network.run_model(head.copy()) > 0.5)
    found = look(head, 0.5)
    assert found.box == tuple(slice(s.start, s.stop) for s in network.bbox)
    assert 2 * (found.mask & expected).sum() / (found.mask.sum() + expected.sum()) > 0.9995


@TRACED
@pytest.mark.parametrize("array", [np.zeros((40, 40, 40)), np.full((40, 50, 60), 3.0)])
def test_an_image_of_one_brightness_has_no_brain(array):
    with pytest.raises(ScanUnusable) as caught:
        look(array.astype(np.float32), 0.5)
    assert caught.value.reason is Reason.NO_BRAIN_FOUND


def test_a_transposed_convolution_is_an_interleaved_one():
    rng = torch.Generator().manual_seed(5)
    image, weight = (torch.randn(shape, generator=rng) for shape in ((1, 3, 4, 5, 6), (3, 2, 3, 3, 3)))
    expected = torch.conv_transpose3d(image, weight, None, 2, 1, 1)
    eight = torch.conv3d(torch.nn.functional.pad(image, (0, 1) * 3), interleaved(weight))
    for n in range(8):
        x, y, z = n >> 2 & 1, n >> 1 & 1, n & 1
        np.testing.assert_allclose(eight[0, n::8], expected[0, :, x::2, y::2, z::2], atol=1e-5)
