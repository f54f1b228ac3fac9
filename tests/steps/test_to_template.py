"""Laws of what is carried to the template."""

import numpy as np
import pytest

from allbrains.case import Case
from allbrains.records import Volume
from allbrains.steps.to_template import ToTemplate
from allbrains.testing.phantoms import Acquisition, phantom


@pytest.fixture(scope="module")
def case() -> Case:
    """A phantom with its true tissues and its true warp."""
    seen = phantom(9, Acquisition(spacing=(2.5, 2.5, 2.5), orientation="LIA", oblique_deg=8.0))
    images = {name: getattr(seen, name) for name in ("t1w", "csf", "gm", "wm")}
    mask = Volume(array=seen.brain_mask.array > 0, affine=seen.brain_mask.affine)
    return Case(
        images={**images, "mask": mask},
        warps={"warp": seen.warp},
        numbers={"wm_centre_raw": 600.0},
    )


@pytest.mark.parametrize("spacing", [1.5, 2.0])
def test_modulated_tissue_sums_to_the_scans_own_volume(case, spacing):
    out = ToTemplate(spacing_mm=spacing)(case)
    stretch = np.exp(out.images["template_logjac"].array) * np.linalg.det(case.warps["warp"].affine)
    for name in ("gm", "wm"):
        native = case.images[name]
        own_ml = native.array.sum(dtype=float) * abs(np.linalg.det(native.affine)) / 1000
        modulated_ml = (out.images[f"template_{name}"].array * stretch).sum(dtype=float) * spacing**3 / 1000
        assert modulated_ml == pytest.approx(own_ml, rel=0.01), name
