"""Fill a cache folder with stand-ins for ANTsPyNet's files, so that the recipe can be run off-line.

``python tools/make_antspynet_standins.py FOLDER``; needs the extra ``antspynet``. **No result made with
them means anything.** They serve to run every line of the recipe and to measure its cost:

* two weight files of exactly the architectures that ``brain_extraction`` and ``deep_atropos`` build,
  random but for one path that carries the input's intensity to the last layer, which cuts it into
  classes by brightness. So the networks cost what the real ones cost, and a *stripped* image gets a mask
  and six maps that later steps can work with;
* ``croppedMni152`` and its priors from MNI152NLin2009aSym (comes with the package), and ``S_template3``, of
  which only the grid matters. Their real shapes aren't known here: the cost of the networks and of the
  registration grows with them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import h5py
import nibabel
import numpy as np
from antspynet.architectures import create_unet_model_3d
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from allbrains.records import Affine, Array
from allbrains.space.template import template

SEED = 7
MNI_SHAPE = (144, 184, 152)  # the brain with some room
HEAD_SHAPE = (128, 144, 128)  # at 1.5 mm a head; multiples of 8, because the network halves three times
BRIGHTNESS = (0.0, 28.0, 66.0, 100.0)  # of background, CSF, GM and WM in the stand-in template
EMPTY_CLASSES = 3  # deep GM, brainstem, cerebellum: brightness can't tell them


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    fixed = template(1.0)
    brain = _centred(fixed.t1w * 100, MNI_SHAPE)
    affine = _centred_affine(fixed.affine, fixed.t1w.shape, MNI_SHAPE)
    _save(brain, affine, folder / "croppedMni152.nii.gz")
    # seven channels, of which deep_atropos reads the last, the cerebellum's
    _save(np.repeat(brain[..., None] / 100, 7, axis=-1), affine, folder / "croppedMni152Priors.nii.gz")
    head = _centred(brain, HEAD_SHAPE)
    _save(head, _centred_affine(affine, MNI_SHAPE, HEAD_SHAPE), folder / "S_template3.nii.gz")
    levels = (np.asarray(BRIGHTNESS) - brain.mean()) / brain.std()
    for name, model in (
        ("brainExtractionRobustT1", _brain_extraction()),
        ("sixTissueOctantBrainSegmentationWithPriors1", _deep_atropos(levels)),
    ):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            save_weights_to_hdf5_group(file, model)
        print(name, model.count_params(), "parameters")


def _brain_extraction() -> Any:
    """Return the network of ``brain_extraction('t1')``: brain is what is brighter than 6 % of the top."""
    model = create_unet_model_3d(
        (*HEAD_SHAPE, 1),
        number_of_outputs=1,
        mode="sigmoid",
        number_of_filters=(16, 32, 64, 128),
        dropout_rate=0.0,
        convolution_kernel_size=3,
        deconvolution_kernel_size=2,
        weight_decay=1e-5,
    )
    first, second, *_, late, last, final = _randomised(model)
    _carry(first, source=0, bias=0)
    _carry(second, source=0, bias=0)
    _carry(late, source=16, bias=0)  # after the 16 channels from below come the skip connection's
    _carry(last, source=0, bias=0)
    _cut(final, slopes=[80.0], biases=[-80 * 0.06])
    return model


def _deep_atropos(levels: Array) -> Any:
    """Return the network of ``deep_atropos`` with priors: the class is that of the nearest level."""
    model = create_unet_model_3d(
        (112, 112, 112, 2),
        number_of_outputs=7,
        mode="classification",
        number_of_layers=4,
        number_of_filters_at_base_layer=16,
        dropout_rate=0.0,
        convolution_kernel_size=(3, 3, 3),
        deconvolution_kernel_size=(2, 2, 2),
        weight_decay=1e-5,
        additional_options=("attentionGating"),  # a string, as deep_atropos itself passes it
    )
    convolutions = _randomised(model)
    first, second = convolutions[:2]
    _theta, phi, psi, late, last, final = convolutions[-6:]
    _carry(first, source=0, bias=1)  # so that no brightness is below 0, where the activation ends
    _carry(second, source=0, bias=0)
    # the gate is the only way from the image to the last level: a constant channel × its opening
    _blank(_theta, 0, bias=0)
    _carry(phi, source=0, bias=0)
    _cut(psi, slopes=[1.2], biases=[-2.4])
    up = max((one for one in model.layers if type(one).__name__ == "Conv3DTranspose"), key=_order)
    _blank_transposed(up, 0, bias=1)
    _carry(late, source=16, bias=0)
    _carry(last, source=0, bias=0)
    seen = 1 / (1 + np.exp(-(1.2 * (levels + 1) - 2.4)))
    sharp = 200.0
    _cut(
        final,
        slopes=[*(sharp * seen), *[0.0] * EMPTY_CLASSES],
        biases=[*(-sharp * seen**2 / 2), *[-1e3] * EMPTY_CLASSES],
    )
    return model


def _order(layer: Any) -> int:
    tail = layer.name.rsplit("_", 1)[-1]
    return int(tail) if tail.isdigit() else 0


def _randomised(model: Any) -> list[Any]:
    """Return the convolutions in the order of their making, all weights random."""
    rng = np.random.default_rng(SEED)
    for layer in model.layers:
        layer.set_weights([rng.normal(0, 0.05, w.shape).astype(np.float32) for w in layer.get_weights()])
    return sorted((one for one in model.layers if type(one).__name__ == "Conv3D"), key=_order)


def _blank(layer: Any, channel: int, *, bias: float) -> None:
    kernel, biases = layer.get_weights()
    kernel[..., channel], biases[channel] = 0, bias
    layer.set_weights([kernel, biases])


def _blank_transposed(layer: Any, channel: int, *, bias: float) -> None:
    kernel, biases = layer.get_weights()  # here the outputs come before the inputs
    kernel[..., channel, :], biases[channel] = 0, bias
    layer.set_weights([kernel, biases])


def _carry(layer: Any, *, source: int, bias: float) -> None:
    """Make output channel 0 a copy of the input channel ``source``, plus ``bias``."""
    _blank(layer, 0, bias=bias)
    kernel, biases = layer.get_weights()
    middle = tuple(n // 2 for n in kernel.shape[:3])
    kernel[(*middle, source, 0)] = 1
    layer.set_weights([kernel, biases])


def _cut(layer: Any, *, slopes: list[float], biases: list[float]) -> None:
    """Make the outputs linear in input channel 0 alone."""
    kernel = np.zeros_like(layer.get_weights()[0])
    kernel[0, 0, 0, 0] = slopes
    layer.set_weights([kernel, np.asarray(biases, np.float32)])


def _centred(array: Array, shape: tuple[int, ...]) -> Array:
    """Return an array cut, or filled with 0, to ``shape`` around its middle."""
    out = np.zeros(shape, np.float32)
    there, here = [], []
    for have, want in zip(array.shape, shape, strict=True):
        shift = (want - have) // 2
        there.append(slice(max(shift, 0), min(shift + have, want)))
        here.append(slice(max(-shift, 0), max(-shift, 0) + min(have, want)))
    out[tuple(there)] = array[tuple(here)]
    return out


def _centred_affine(affine: Affine, have: tuple[int, ...], want: tuple[int, ...]) -> Affine:
    out = affine.copy()
    out[:3, 3] -= affine[:3, :3] @ [(w - h) // 2 for h, w in zip(have, want, strict=True)]
    return out


def _save(array: Array, affine: Affine, path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.asarray(array, np.float32), affine), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
