"""CAT12-grade tissues by deepmriprep, and its modulated maps on its own template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.recipe import WHERE, Lack
from allbrains.records import Array, Volume
from allbrains.steps.canonical import reorient
from allbrains.steps.deepmriprep_bridge import FILES, deepmriprep, folder_of, lacking
from allbrains.steps.weights import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Deepmriprep:
    """Run deepmriprep's affine registration, segmentation and warp, as its own ``run`` does.

    Smoothing and atlases are left out: a reader can have both from the maps.

    Attributes:
        cache: folder of the models; empty: ``$ALLBRAINS_DEEPMRIPREP_CACHE``, else deepmriprep's own.
        device: ``cpu`` or ``cuda``.

    References:
        Fisch et al. 2024, deepmriprep, arXiv 2408.10656.
    """

    name: ClassVar[str] = "deepmriprep"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("csf", "gm", "wm", "template_mwp1", "template_mwp2")

    cache: str = field(default="", metadata=WHERE)
    device: str = field(default="cpu", metadata=WHERE)

    def missing(self) -> list[Lack]:
        """Return packages, files and the device that aren't there."""
        return lacking(self.cache, self.device)

    def __call__(self, case: Case) -> Case:
        """Return the case with tissue fractions on the scan's grid and two modulated maps.

        ``template_mwp1`` (GM) and ``template_mwp2`` (WM) are on the 1.5 mm grid of CAT12's template, not
        on the corpus grid: fraction × Jacobian determinant, the affine's included, so that a map's sum ×
        its voxel's volume is the tissue's volume in the scan.
        """
        volume, mask = case.images["t1w"], case.images["mask"]
        program = deepmriprep(self.cache, self.device)
        brain = np.where(mask.array, volume.array, np.float32(0))
        found = _run(program, _nifti(brain, volume), _nifti(mask.array.astype(np.float32), mask))
        tissues = {name: _array(found[key]) for name, key in (("gm", "p1"), ("wm", "p2"), ("csf", "p3"))}
        modulated = {
            f"template_{key}": reorient(Volume(array=_array(found[key]), affine=found[key].affine))
            for key in ("mwp1", "mwp2")
        }
        images = {name: Volume(array=array, affine=volume.affine) for name, array in tissues.items()}
        return case.plus(
            images=images | modulated,
            numbers={
                "deepmriprep_tiv_ml": float(found["tiv"].iloc[0]),
                "deepmriprep_affine_loss": float(found["affine_loss"].iloc[0]),
                "deepmriprep_warp_mse": float(found["warp_mse"].iloc[0]),
            },
            texts={"deepmriprep_weights": digest_of(folder_of(self.cache), FILES)},
        )


def _run(program: Any, brain: Any, mask: Any) -> dict[str, Any]:
    """Return deepmriprep's results by its own names, stage after stage, each seeded as by itself."""
    from deepmriprep.utils import seed_all

    found = {"t1": brain, "brain": brain, "mask": mask}
    stages = {
        program.run_affine_register: ("brain", "mask"),
        program.run_segment_brain: ("brain_large", "mask", "affine", "mask_large"),
        program.run_segment_nogm: ("p0_large", "affine", "t1"),
        program.run_warp_register: ("p0_large", "p1_affine", "p2_affine", "wj_affine"),
    }
    for stage, needed in stages.items():
        seed_all(0)
        found |= stage(*(found[name] for name in needed))
    return found


def _nifti(array: Array, volume: Volume) -> Any:
    import nibabel

    return nibabel.Nifti1Image(array, volume.affine)


def _array(image: Any) -> Array:
    return np.ascontiguousarray(image.dataobj, dtype=np.float32)
