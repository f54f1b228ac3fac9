"""What is right stays right: a marker in the right hemisphere, through every step and export.

Headers as scanners and converters write them. Mask and tissues' truth are not needed here; the mask is the
phantom's own, so that only one of the scans pays for the network.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import nibabel
import numpy as np
import pytest

import allbrains
from allbrains.case import Case
from allbrains.export.derivatives import export
from allbrains.images.image_file import read_case
from allbrains.recipe import Recipe
from allbrains.records import Volume
from allbrains.run.corpus_format import corpus_of
from allbrains.run.encode_sample import sample_of
from allbrains.space.grid import through
from allbrains.steps.bias import Bias
from allbrains.steps.brain_mask import BrainMask
from allbrains.steps.canonical import Canonical, reorient
from allbrains.steps.greedy import GreedyToTemplate
from allbrains.steps.register import AffineToTemplate
from allbrains.steps.tissues import Tissues
from allbrains.steps.to_template import ToTemplate
from allbrains.steps.volumes import Volumes
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.manifest import claim
from allbrains.store.samples import write_samples
from allbrains.store.shards import seal
from allbrains.store.staging import stage
from allbrains.testing.corpora import scan
from allbrains.testing.phantoms import Acquisition, Phantom, phantom

COARSE = Acquisition(spacing=(3.0, 3.0, 3.0), bias=0.1, rotation_deg=3.0)
IN_TEMPLATE = np.array([[42.0, -30.0, 24.0]], np.float32)  # right, behind, above: no axis is like another
RADIUS_MM = 7.0
SHINE, BRIGHT = 2.5, 1.8  # white matter = 1; nothing else in a phantom comes near

HEADERS = {
    "RAS": (COARSE, ("sform", "qform")),
    "LAS": (replace(COARSE, orientation="LAS"), ("sform", "qform")),
    "oblique": (replace(COARSE, orientation="LIA", oblique_deg=20.0), ("sform", "qform")),
    "qform only": (replace(COARSE, orientation="LAS", oblique_deg=12.0), ("qform",)),
    "sform only": (replace(COARSE, orientation="PSR", oblique_deg=12.0), ("sform",)),
}


head = cache(phantom)


def written(volume: Volume, forms: tuple[str, ...], path) -> None:
    image = nibabel.Nifti1Image(np.rint(volume.array).astype(np.int16), volume.affine)
    image.set_sform(*((volume.affine, 1) if "sform" in forms else (None, 0)))
    image.set_qform(*((volume.affine, 1) if "qform" in forms else (None, 0)))
    path.write_bytes(image.to_bytes())


def centre_mm(shining: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return where the middle of the true voxels is, RAS+ mm."""
    return affine[:3, :3] @ np.argwhere(shining).mean(axis=0) + affine[:3, 3]


def world(volume: Volume) -> np.ndarray:
    index = np.moveaxis(np.indices(volume.array.shape), 0, -1)
    return index @ volume.affine[:3, :3].T + volume.affine[:3, 3]


@dataclass(frozen=True)
class TrueMask:
    """The phantom's own mask, brought to the axes that ``canonical`` gives."""

    name: ClassVar[str] = "true_mask"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("mask",)
    truth: Volume

    def __call__(self, case: Case) -> Case:
        mask = reorient(self.truth)
        np.testing.assert_allclose(mask.affine, case.images["t1w"].affine, atol=1e-3)
        return case.plus(
            images={"mask": Volume(array=mask.array > 0, affine=mask.affine)},
            numbers={"brain_mask_ml": float((mask.array > 0).sum() * np.prod(mask.spacing)) / 1000},
        )


def recipe(seen: Phantom, *, network: bool) -> Recipe:
    return Recipe(
        name="marker",
        steps=(
            Canonical(),
            BrainMask() if network else TrueMask(seen.brain_mask),
            Bias(iterations=5),
            AffineToTemplate(),
            GreedyToTemplate(iterations=(5, 0, 0)),
            Tissues(),
            Volumes(),
            ToTemplate(spacing_mm=2.0),
        ),
    )


def stored(case: Case, made: Recipe, out) -> Layout:
    """Write a corpus of one sample."""
    layout, one = Layout(out), scan(1)
    # the recipe's fingerprint can't hold an image, so the corpus is named after the plain one
    corpus = corpus_of(Recipe(name="marker", steps=(Canonical(), ToTemplateOnly())))
    claim(layout, corpus)
    with Ledger.open(layout.ledger) as ledger:
        ledger.register([one])
        ledger.record(one.scan_id, stage(sample_of(case), one, corpus, layout))
        for shard in ledger.ripe():
            seal(layout, ledger, shard)
        write_samples(layout, ledger)
    return layout


@dataclass(frozen=True)
class ToTemplateOnly:
    """Names the grid."""

    name: ClassVar[str] = "to_template"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ()
    spacing_mm: float = 2.0

    def __call__(self, case: Case) -> Case:
        return case


@pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated:DeprecationWarning")  # deepbet's
@pytest.mark.parametrize("header", HEADERS)
def test_a_marker_in_the_right_hemisphere_stays_right(header, tmp_path):
    acquisition, forms = HEADERS[header]
    seen = head(4, acquisition)
    there = through(seen.warp, IN_TEMPLATE)[0].astype(float)
    near = np.linalg.norm(world(seen.t1w) - there, axis=-1) < RADIUS_MM
    painted = Volume(array=np.where(near, SHINE * acquisition.gain, seen.t1w.array), affine=seen.t1w.affine)
    written(painted, forms, tmp_path / "scan.nii")

    case = read_case(tmp_path / "scan.nii")
    made = recipe(seen, network=header == "oblique")
    for step in made.steps:
        case = step(case)
        if step.name in ("canonical", "brain_mask", "bias"):
            now = case.images["t1w"]
            found = centre_mm(now.array > BRIGHT * acquisition.gain, now.affine)
            np.testing.assert_allclose(found, there, atol=1.0, err_msg=step.name)

    layout = stored(case, made, tmp_path / "corpus")
    for space, place, reach in (("template", IN_TEMPLATE[0], 10.0), ("native", there, 2.5)):
        images = list(export(allbrains.open(layout.root), tmp_path / space, space=space))
        (path,) = [p for p in images if p.name.endswith("T1w.nii.gz")]
        image = nibabel.load(path)
        values = np.asarray(image.dataobj)
        found = centre_mm(values > BRIGHT, image.affine)
        np.testing.assert_allclose(found, place, atol=reach, err_msg=space)
        assert found[0] > 25
        if space == "native":
            assert image.shape == seen.t1w.array.shape
            np.testing.assert_allclose(image.affine, seen.t1w.affine, atol=1e-3)


@pytest.mark.parametrize("header", HEADERS)
def test_a_capsule_at_the_right_temple_stays_there(header, tmp_path):
    acquisition, forms = HEADERS[header]
    with_it = head(4, replace(acquisition, capsule=True))
    for name, one in (("with", with_it), ("without", head(4, acquisition))):
        written(one.t1w, forms, tmp_path / f"{name}.nii")
    seen, bare = (Canonical()(read_case(tmp_path / f"{n}.nii")).images["t1w"] for n in ("with", "without"))
    capsule = seen.array - bare.array > 0.4 * acquisition.gain
    assert capsule.any()
    np.testing.assert_allclose(centre_mm(capsule, seen.affine), with_it.capsule_mm, atol=3.0)
    assert with_it.capsule_mm[0] > 40
