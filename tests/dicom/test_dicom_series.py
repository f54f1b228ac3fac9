"""What is in a folder of anything: series told apart, the best T1w chosen, faults said in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from allbrains.dicom.choose_series import choose, consider
from allbrains.dicom.examine import examine, take
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.series_kind import SeriesKind
from allbrains.records import Volume
from allbrains.testing.dicom_series import (
    REPORT,
    SECONDARY,
    T1W,
    Making,
    write_enhanced,
    write_object,
    write_series,
)

OBLIQUE = np.array([[0.9, 0.1, 0.0], [-0.1, 0.9, 0.2], [0.0, -0.2, 0.9]])


def volume(shape=(24, 26, 28), spacing=(5.0, 5.0, 4.8), seed=0):
    """A small block that covers a head in long voxels, oblique."""
    rotation = np.linalg.qr(OBLIQUE)[0]
    rotation *= np.sign(np.diag(rotation))
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing
    affine[:3, 3] = [-60, -70, -50]
    array = np.random.default_rng(seed).integers(0, 3000, shape).astype(np.uint16)
    return Volume(array=array, affine=affine)


def head():
    """The same with voxels short enough to be used."""
    return volume(shape=(54, 56, 58), spacing=(2.1, 2.0, 1.9))


def tags(**changes):
    return {**T1W, **changes}


def found(path, tmp_path_factory):
    return examine(path, tmp_path_factory.mktemp("work"))


KINDS = {
    SeriesKind.T1W: tags(),
    SeriesKind.T2W: tags(ScanningSequence="SE", RepetitionTime=3200.0, EchoTime=408.0, InversionTime=None),
    SeriesKind.FLAIR: tags(
        ScanningSequence=["SE", "IR"], RepetitionTime=5000.0, EchoTime=388.0, InversionTime=1800.0
    ),
    SeriesKind.PROTON: tags(ScanningSequence="SE", RepetitionTime=3000.0, EchoTime=12.0, InversionTime=None),
    SeriesKind.DIFFUSION: tags(
        ScanningSequence="EP", EchoTime=80.0, DiffusionBValue=1000.0, SeriesDescription="x"
    ),
    SeriesKind.FUNCTIONAL: tags(ScanningSequence="EP", EchoTime=30.0, SeriesDescription="ep2d_bold_rest"),
    SeriesKind.LOCALISER: tags(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    SeriesKind.DERIVED: tags(ImageType=["DERIVED", "PRIMARY", "MPR"]),
    SeriesKind.SUSCEPTIBILITY: tags(
        ScanningSequence="GR", EchoTime=20.0, InversionTime=None, SeriesDescription="x"
    ),
    SeriesKind.ANGIOGRAPHY: tags(
        ScanningSequence="GR", EchoTime=3.4, RepetitionTime=21.0, SeriesDescription="TOF_3D"
    ),
    SeriesKind.PERFUSION: tags(ScanningSequence="EP", EchoTime=12.0, SeriesDescription="pcasl_3d"),
    SeriesKind.FIELD_MAP: tags(EchoTime=4.9, SeriesDescription="gre_fieldmap"),
    SeriesKind.NOT_MR: tags(Modality="CT"),
    SeriesKind.UNKNOWN: {"Modality": "MR"},
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A disc with one series of each kind, a capture of a screen, a report, and files that are nothing."""
    root = tmp_path_factory.mktemp("disc")
    for number, (kind, known) in enumerate(KINDS.items(), 1):
        block = head() if kind is SeriesKind.T1W else volume(shape=(24, 26, 4))
        suffix = "" if number % 2 else ".IMA"
        write_series(root / "IMAGES", block, Making(number=number, tags=known, suffix=suffix))
    write_series(
        root, volume(shape=(20, 20, 2)), Making(number=50, sop_class=SECONDARY, tags=tags(Modality="OT"))
    )
    write_object(root, Making(number=60, sop_class=REPORT, tags={"Modality": "SR"}))
    (root / "AUTORUN.INF").write_text("[autorun]")
    (root / "viewer.exe").write_bytes(b"MZ" + bytes(2000))
    return root


def test_each_kind_is_told(mixed, tmp_path_factory):
    told = {one.series.label: one.judged.kind for one in found(mixed, tmp_path_factory).candidates}
    assert told == {
        **dict(enumerate(KINDS, 1)),
        50: SeriesKind.SCREENSHOT,
        60: SeriesKind.REPORT,
    }


def test_the_t1w_among_them_is_taken_with_reasons(mixed, tmp_path_factory, tmp_path):
    what = found(mixed, tmp_path_factory)
    taken = take(what, tmp_path, tmp_path / "out.nii")
    assert taken.label == 1
    assert any("58 slices" in reason for reason in taken.reasons)
    assert (tmp_path / "out.nii").stat().st_size > head().array.nbytes


@pytest.mark.parametrize(
    ("better", "worse", "why"),
    [
        ({}, {"ContrastBolusAgent": "x"}, "without contrast agent"),
        ({}, {"ImageType": ["DERIVED", "SECONDARY"]}, "as measured"),
        ({}, {"ImageType": ["ORIGINAL", "PRIMARY", "M"]}, "brightness"),
        ({}, {"SeriesDescription": "mp2rage_UNI"}, "noise"),
        ({}, {"ScanningSequence": None, "EchoTime": None, "SeriesDescription": None}, "contrast is known"),
    ],
)
def test_the_better_of_two_is_chosen_and_the_reason_said(better, worse, why, tmp_path, tmp_path_factory):
    write_series(tmp_path, head(), Making(number=2, tags=tags(**better)))
    write_series(tmp_path, head(), Making(number=1, tags=tags(**worse)))
    (best, reasons), _ = choose(found(tmp_path, tmp_path_factory).candidates)
    assert best.series.label == 2
    assert why in reasons[-1]


def test_a_person_may_choose_otherwise(mixed, tmp_path_factory):
    candidates = found(mixed, tmp_path_factory).candidates
    assert [one.label for one, _ in choose(candidates, 1)] == [1]
    for label, refusal in (
        (2, Refusal.THICK_SLICES),
        (60, Refusal.NOT_A_VOLUME),
        (99, Refusal.NO_SUCH_SERIES),
    ):
        with pytest.raises(Unsuitable) as caught:
            choose(candidates, label)
        assert caught.value.refusal is refusal


FAULTS = {
    Refusal.GANTRY_TILT: (head, Making(tilt_mm=0.3)),
    Refusal.MISSING_SLICES: (head, Making(missing=(20, 21))),
    Refusal.THICK_SLICES: (volume, Making(tags=tags(MRAcquisitionType="2D"))),
    Refusal.TOO_FEW_SLICES: (lambda: volume(shape=(54, 56, 20), spacing=(2.0, 2.0, 2.0)), Making()),
    Refusal.NO_T1W: (head, Making(tags=KINDS[SeriesKind.FLAIR])),
    Refusal.NOT_A_VOLUME: (lambda: volume(shape=(54, 56, 1), spacing=(2.0, 2.0, 2.0)), Making()),
}


@pytest.mark.parametrize("refusal", FAULTS)
def test_what_cannot_be_used_is_refused_with_a_sentence_and_a_next_step(refusal, tmp_path, tmp_path_factory):
    make, how = FAULTS[refusal]
    write_series(tmp_path, make(), how)
    with pytest.raises(Unsuitable) as caught:
        choose(found(tmp_path, tmp_path_factory).candidates)
    assert caught.value.refusal is refusal
    assert len(caught.value.sentence) > 20
    assert caught.value.next_step in str(caught.value)


def test_how_many_slices_are_missing_is_counted_also_where_every_other_is(tmp_path, tmp_path_factory):
    write_series(tmp_path, head(), Making(missing=(20, 21, 40)))
    (one,) = found(tmp_path, tmp_path_factory).candidates
    assert "3 of 58 slices" in one.fault.sentence


def test_slices_in_several_directions_are_no_volume(tmp_path, tmp_path_factory):
    for number, axes in enumerate(([0, 1, 2], [1, 0, 2], [2, 0, 1])):
        turned = head()
        turned.affine[:3, :3] = turned.affine[:3, axes]
        write_series(tmp_path / str(number), turned, Making(missing=tuple(range(3 * number + 3, 58))))
    (one,) = found(tmp_path, tmp_path_factory).candidates
    assert one.fault.refusal is Refusal.MIXED_ORIENTATIONS


def test_files_that_do_not_say_where_they_lie_are_refused(tmp_path, tmp_path_factory):
    import pydicom

    for path in write_series(tmp_path, head()):
        dataset = pydicom.dcmread(path)
        del dataset.ImagePositionPatient
        dataset.save_as(path)
    (one,) = found(tmp_path, tmp_path_factory).candidates
    assert one.fault.refusal is Refusal.NO_PLACE


def test_a_file_that_is_there_twice_counts_once(tmp_path, tmp_path_factory):
    write_series(tmp_path / "a", head())
    write_series(tmp_path / "copy", head())
    (one,) = found(tmp_path, tmp_path_factory).candidates
    assert one.is_usable
    assert len(one.series.planes) == 58


def test_the_shortest_of_several_echoes_is_the_volume(tmp_path, tmp_path_factory):
    for echo in (6.5, 1.7, 4.1):
        write_series(tmp_path / str(echo), head(), Making(tags=tags(EchoTime=echo), seed=str(echo)))
    import pydicom

    for path in tmp_path.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = "1.2.3"
        dataset.save_as(path)
    (one,) = found(tmp_path, tmp_path_factory).candidates
    assert {plane.frame.te_ms for plane in one.volume.planes} == {1.7}


def test_enhanced_and_classic_files_tell_the_same_place(tmp_path, tmp_path_factory):
    write_series(tmp_path / "classic", head(), Making(number=1))
    write_enhanced(tmp_path / "enhanced", head(), Making(number=2, sop_class="1.2.840.10008.5.1.4.1.1.4.1"))
    one, other = found(tmp_path, tmp_path_factory).candidates
    np.testing.assert_allclose(one.volume.affine, other.volume.affine, atol=1e-6)
    np.testing.assert_allclose(one.volume.affine, head().affine, atol=1e-5)
    assert one.volume.shape == other.volume.shape == head().array.shape


def test_consider_never_raises_whatever_the_order_of_the_files(tmp_path, tmp_path_factory):
    write_series(tmp_path, head())
    (one,) = found(tmp_path, tmp_path_factory).candidates
    shuffled = type(one.series)(label=1, instances=one.series.instances[::-1])
    (again,) = consider([shuffled])
    np.testing.assert_allclose(again.volume.affine, one.volume.affine)
