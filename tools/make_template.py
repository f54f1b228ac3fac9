"""Make ``src/allbrains/space/data/mni_*.npy.xz``: the template, its brain mask and its deep CSF.

Run once, by hand: ``python tools/make_template.py FOLDER``. The folder is ``nilearn/datasets/data`` of the
unpacked wheel of nilearn 0.14.1, which carries MNI152NLin2009aSym (``mni_icbm152_*_tal_nlin_sym_09a``)
skull-stripped, 8 bit. The three maps are the same bytes, better compressed; mask and deep CSF are derived
here because every process would need 2 s for them.
"""

from __future__ import annotations

import io
import lzma
import sys
from pathlib import Path

import nibabel
import numpy as np
from scipy.ndimage import binary_closing, binary_erosion, binary_fill_holes

from allbrains.records import Array
from allbrains.space.template import AFFINE, template

FOLDER = Path(__file__).parents[1] / "src/allbrains/space/data"
FILES = {"t1w": "t1", "gm": "gm", "wm": "wm"}


def main(folder: Path) -> None:
    """Write the five files; the deep CSF last, from the others."""
    maps = {}
    for name, file in FILES.items():
        image = nibabel.load(folder / f"mni_icbm152_{file}_tal_nlin_sym_09a_converted.nii.gz")
        assert np.array_equal(image.affine, AFFINE)
        maps[name] = np.asarray(image.dataobj)
        assert maps[name].dtype == np.uint8
        _write(name, maps[name])
    _write("mask", np.packbits(brain_mask(maps["t1w"])))
    _write("deep_csf", np.packbits(deep_csf()))


def brain_mask(t1w: Array) -> Array:
    """Return the filled mask of a stripped image of 8 bit: one piece, no holes."""
    scaled = t1w.astype(np.float32) / 255.0
    closed = binary_closing(np.pad(scaled > 0.02, 4), iterations=3)[4:-4, 4:-4, 4:-4]
    filled: Array = binary_fill_holes(closed)
    return filled


def deep_csf() -> Array:
    """Return where on the 1 mm corpus grid the template has CSF deep in the brain, bool."""
    fixed = template(1.0)
    fluid = fixed.mask & (1 - fixed.gm - fixed.wm > 0.8)
    deep: Array = binary_erosion(fluid & binary_erosion(fixed.mask, iterations=12))
    return deep


def _write(name: str, array: Array) -> None:
    buffer = io.BytesIO()
    # x outermost: the template is symmetric, so that each plane comes twice and half of them cost nothing
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    path = FOLDER / f"mni_{name}.npy.xz"
    path.write_bytes(lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{path.name:24}{path.stat().st_size:9,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
