"""The package's own steps, metrics and sources keep the laws that others' are held to."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from allbrains import sandbox
from allbrains.case import Case, Warp
from allbrains.metrics import METRICS, OF_BRAIN, OF_SCAN
from allbrains.records import Volume
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.bias import Bias
from allbrains.steps.canonical import Canonical
from allbrains.steps.gate import BrainGate
from allbrains.steps.labels import Labels
from allbrains.steps.measure import Measure, MeasureBrain, MeasureScan
from allbrains.steps.strip import Strip
from allbrains.steps.tissues import Tissues
from allbrains.steps.to_template import ToTemplate
from allbrains.steps.volumes import Volumes
from allbrains.testing.contracts import MetricContract, SourceContract, StepContract
from allbrains.transfer import Client, file_root

SPACING_MM = 3.0


def head() -> Case:
    """A head of balls in the template's place: as a scan is after its registration."""
    side = 72
    middle = SPACING_MM * (side - 1) / 2
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    affine[:3, 3] = (-middle, -middle - 18, -middle + 10)  # the template's brain is not at the origin
    x = np.arange(side) * SPACING_MM - middle
    r = np.sqrt(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x**2)
    wm, gm, csf = (r < 45).astype(np.float32), ((r >= 45) & (r < 62)), ((r >= 62) & (r < 70))
    noise = np.random.default_rng(3).normal(0, 4, r.shape)
    t1w = (200 * wm + 130 * gm + 40 * csf + 90 * ((r >= 74) & (r < 84)) + noise).clip(0).astype(np.float32)
    images = {
        "t1w": t1w,
        "mask": r < 70,
        "wm": wm,
        "gm": gm.astype(np.float32),
        "csf": csf.astype(np.float32),
    }
    fixed = template(REGISTRATION_SPACING)
    shape = fixed.mask.shape
    still = Warp(affine=np.eye(4), displacement=np.zeros((*shape, 3), np.float32), grid_affine=fixed.affine)
    numbers = {"affine_determinant": 1.0, "brain_mask_ml": 1400.0, "brain_extent_max_mm": 150.0}
    return Case(
        images={name: Volume(array=array, affine=affine) for name, array in images.items()},
        warps={"affine": still, "warp": still},
        numbers=numbers | {"mask_faces_at_fov": 0.0, "wm_centre_raw": 200.0},
    )


CANONICAL = Canonical()(head())
FINISHED = ToTemplate(spacing_mm=4.0)(CANONICAL)


def of_step(step, case):
    """Return the contract of a step, to be collected under the class' own name."""
    methods = {"step": lambda self: step, "case": lambda self: case}
    return type(f"Test{type(step).__name__}", (StepContract,), methods)


TestCanonical = of_step(Canonical(), head())
TestMeasureScan = of_step(MeasureScan(), CANONICAL)
TestMeasureBrain = of_step(MeasureBrain(), CANONICAL)
TestBrainGate = of_step(BrainGate(), CANONICAL)
TestStrip = of_step(Strip(), CANONICAL)
TestBias = of_step(Bias(iterations=2), CANONICAL)
TestTissues = of_step(Tissues(), CANONICAL)
TestLabels = of_step(Labels(), CANONICAL)
TestVolumes = of_step(Volumes(), CANONICAL)
TestToTemplate = of_step(ToTemplate(spacing_mm=4.0), CANONICAL)
TestMeasure = of_step(Measure(), FINISHED)


def of_metric(metric):
    """Return the contract of a metric."""
    methods = {"metric": lambda self: metric, "case": lambda self: FINISHED}
    return type(f"Test{type(metric).__name__}", (MetricContract,), methods)


globals().update({f"Test{type(one).__name__}": of_metric(one) for one in (*OF_SCAN, *OF_BRAIN, *METRICS)})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contracts")
    for number in (1, 2):
        image = folder / f"ds00000{number}/sub-01/anat/sub-01_T1w.nii"
        image.parent.mkdir(parents=True)
        image.write_bytes(f"{number}".encode() * 10_000)
        (folder / f"ds00000{number}/participants.tsv").write_text("participant_id\tage\nsub-01\t30\n")
        (folder / f"ds00000{number}/dataset_description.json").write_text('{"Name": "N"}')
    return folder


class TestBidsFolder(SourceContract):
    @pytest.fixture(autouse=True)
    def _made(self, study):
        self.folder = study

    def source(self):
        return BidsFolder(self.folder)

    def network(self):
        from allbrains.transfer import Network

        return Network(origins=(), roots=(file_root(self.folder),))


class TestOpenNeuro(SourceContract):
    @pytest.fixture(autouse=True)
    def _served(self, study, tmp_path):
        with sandbox.serve(study) as local:
            self.endpoints, self.cache = Endpoints(api=local.api, bucket=local.bucket), tmp_path
            yield

    def source(self):
        return OpenNeuro(Client(self.network()), self.endpoints, cache=self.cache)

    def network(self):
        return self.endpoints.network()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A step that keeps every law, for the laws to be broken one at a time."""

    name: ClassVar[str] = "sound"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("t1w",)

    gain: float = 2.0

    def __call__(self, case):
        t1w = case.images["t1w"]
        return case.plus(
            images={"t1w": Volume(array=t1w.array * np.float32(self.gain), affine=t1w.affine)},
            numbers={"gain_used": self.gain},
        )


class Loud(Sound):
    def __call__(self, case):
        case.images["t1w"].array[:] = 0
        return case


class Fickle(Sound):
    def __call__(self, case):
        return case.plus(numbers={"draw": float(np.random.default_rng().random())})


class Mean(Sound):
    gives = ("t1w", "never")


class Numpy(Sound):
    def __call__(self, case):
        return case.plus(numbers={"mean": case.images["t1w"].array.mean()})


@dataclass(kw_only=True)
class Melted:
    name: ClassVar[str] = "melted"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ()

    gain: float = 2.0

    def __call__(self, case):
        return case


@pytest.mark.parametrize(
    ("step", "law"),
    [
        (Loud(), "test_it_leaves_the_case_as_it_was"),
        (Fickle(), "test_the_same_case_gives_the_same_bytes"),
        (Mean(), "test_it_gives_what_it_says"),
        (Numpy(), "test_what_it_gives_can_be_stored"),
        (Melted(), "test_it_is_a_frozen_dataclass_with_a_name_and_a_version"),
    ],
)
def test_a_step_that_breaks_a_law_is_found(step, law):
    case = Case(images={"t1w": Volume(array=np.ones((4, 4, 4), np.float32), affine=np.eye(4))})
    laws = [name for name in dir(StepContract) if name.startswith("test_")]

    def broken(one, name):
        contract = of_step(one, case)()
        try:
            getattr(contract, name)()
        except AssertionError:
            return True
        return False

    assert [name for name in laws if broken(Sound(), name)] == []
    assert broken(step, law)
