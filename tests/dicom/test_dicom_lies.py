"""DICOM that lies: labels, places, numbers, contrasts. What the images say counts, or they are refused.

Each test writes a computed head wrongly in one way that a public bug report has told of.
"""

from __future__ import annotations

import copy

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from allbrains.dicom.choose_series import choose
from allbrains.dicom.examine import examine, shortlist, take
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.series_kind import SeriesKind
from allbrains.images.image_file import read_image
from allbrains.records import Volume
from allbrains.testing.dicom_series import ENHANCED_MR, ROOT, T1W, Making, write_enhanced, write_series

FLASH = {**T1W, "ScanningSequence": ["GR"], "InversionTime": None, "RepetitionTime": 25.0, "EchoTime": 2.3}


def head(scale=1.0, seed=0):
    """Smooth blobs in a field of view of a head, sagittal planes of 2 mm; whole numbers."""
    shape = (60, 62, 64)
    rng = np.random.default_rng(seed)
    grid = np.indices(shape) / 10
    waves = sum(np.sin((axis * rng.uniform(0.5, 1.5)) + rng.uniform(0, 6)) for axis in grid for _ in range(3))
    array = np.rint(900 + 80 * waves + rng.integers(0, 9, shape)).astype(np.uint16)
    affine = np.array([[0, 0, 2, -62.5], [-2, 0, 0, 60.25], [0, -2, 0, 60.75], [0, 0, 0, 1]]) * 1.0
    return Volume(array=array, affine=affine @ np.diag([scale, scale, scale, 1]))


def edited(paths, change):
    """Change the data set of each file; ``change`` gets it and its number."""
    for number, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        change(dataset, number)
        dataset.save_as(path)
    return paths


def uid(text):
    return pydicom.uid.generate_uid(prefix=ROOT, entropy_srcs=[text])


def renamed(dataset, text):
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid(text)


def taken_from(folder, tmp_path_factory, **options):
    work = tmp_path_factory.mktemp("work")
    taken = take(examine(folder, work), work, work / "out.nii", **options)
    return taken, read_image(work / "out.nii")


def assert_is(volume, written, atol=0.0):
    """The voxels of a written image, in their places, in whatever order."""
    step = np.rint(np.linalg.inv(volume.affine) @ written.affine).astype(int)
    index = step[:3, :3] @ np.indices(written.array.shape).reshape(3, -1) + step[:3, 3:]
    got = volume.array[tuple(index)].reshape(written.array.shape)
    np.testing.assert_allclose(got, written.array, atol=atol)


def one_uid_a_slice(folder):
    edited(write_series(folder, head()), lambda d, k: setattr(d, "SeriesInstanceUID", uid(f"s{k}")))


def all_labels_a_slice(folder):
    def change(dataset, k):
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = uid(f"s{k}"), uid(f"t{k}")
        dataset.SeriesNumber = k

    edited(write_series(folder, head()), change)


def two_uids(folder):
    def change(dataset, k):
        dataset.SeriesInstanceUID, dataset.SeriesNumber = uid(f"half{k % 2}"), 1 + k % 2

    edited(write_series(folder, head()), change)


def one_sop_uid(folder):
    edited(write_series(folder, head()), lambda d, _: renamed(d, "the same"))


def sent_twice(folder):
    write_series(folder / "a", head())
    edited(write_series(folder / "b", head()), lambda d, k: renamed(d, f"again{k}"))


def sent_twice_under_another_series(folder):
    write_series(folder / "a", head())

    def change(dataset, k):
        renamed(dataset, f"again{k}")
        dataset.SeriesInstanceUID = uid("again")

    edited(write_series(folder / "b", head()), change)


def sent_again_because_one_was_cut(folder):
    cut = write_series(folder / "a", head())[20]
    cut.write_bytes(cut.read_bytes()[:-4000])
    edited(write_series(folder / "b", head()), lambda d, k: renamed(d, f"again{k}"))


def a_comma_in_a_position(folder):
    path = write_series(folder, head())[20]
    text = "\\".join(map(str, pydicom.dcmread(path).ImagePositionPatient)).encode()
    assert b"." in text
    path.write_bytes(path.read_bytes().replace(text, text.replace(b".", b",")))


def a_scout_inside(folder):
    paths = write_series(folder, head())
    for number, source in enumerate(paths[:3]):
        dataset = pydicom.dcmread(source)
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [-60, -60, 10 * number]
        renamed(dataset, f"scout{number}")
        dataset.save_as(folder / f"scout{number}.dcm")


def phase_beside_magnitude(folder):
    write_series(folder / "a", head())

    def change(dataset, k):
        renamed(dataset, f"phase{k}")
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "P", "ND"]

    edited(write_series(folder / "b", noise()), change)


def phase_by_another_tag(folder):
    write_series(folder / "a", head())

    def change(dataset, k):
        renamed(dataset, f"phase{k}")
        dataset.ImageType, dataset.ComplexImageComponent = ["ORIGINAL", "PRIMARY"], "PHASE"

    edited(write_series(folder / "b", noise()), change)


def magnitude_and_phase_in_one_file(folder):
    path = write_enhanced(folder, head(), Making(sop_class=ENHANCED_MR))
    dataset = pydicom.dcmread(path)
    groups = []
    for part in "MP":
        for group in dataset.PerFrameFunctionalGroupsSequence:
            item, frame = Dataset(), copy.deepcopy(group)
            item.FrameType = ["ORIGINAL", "PRIMARY", part, "NONE"]
            frame.MRImageFrameTypeSequence = Sequence([item])
            groups.append(frame)
    dataset.PerFrameFunctionalGroupsSequence, dataset.NumberOfFrames = Sequence(groups), len(groups)
    phase = noise().array.transpose(2, 1, 0).astype("<u2")
    dataset.PixelData += phase.tobytes()
    dataset.save_as(path)


def noise():
    return Volume(
        array=np.random.default_rng(5).integers(0, 4096, head().array.shape).astype(np.uint16),
        affine=head().affine,
    )


@pytest.mark.parametrize(
    "lie",
    [
        one_uid_a_slice,
        all_labels_a_slice,
        two_uids,
        one_sop_uid,
        sent_twice,
        sent_twice_under_another_series,
        sent_again_because_one_was_cut,
        a_comma_in_a_position,
        a_scout_inside,
        phase_beside_magnitude,
        phase_by_another_tag,
        magnitude_and_phase_in_one_file,
    ],
)
def test_whatever_the_labels_say_the_head_comes_out_whole(lie, tmp_path, tmp_path_factory):
    lie(tmp_path)
    _, volume = taken_from(tmp_path, tmp_path_factory)
    assert volume.array.size == head().array.size
    assert_is(volume, head())


@pytest.mark.parametrize(("lie", "words"), [(a_scout_inside, "3 slices"), (phase_beside_magnitude, "phase")])
def test_what_is_left_out_is_told(lie, words, tmp_path, tmp_path_factory):
    lie(tmp_path)
    taken, _ = taken_from(tmp_path, tmp_path_factory)
    assert any(words in reason and "left out" in reason for reason in taken.reasons)


def test_two_series_without_labels_are_told_apart_by_their_contrast(tmp_path, tmp_path_factory):
    t2w = {
        **T1W,
        "ScanningSequence": ["SE"],
        "EchoTime": 100.0,
        "RepetitionTime": 4000.0,
        "InversionTime": None,
    }
    for number, tags in enumerate((t2w, T1W)):
        paths = write_series(tmp_path / str(number), head(seed=number), Making(number=number, tags=tags))
        edited(paths, lambda d, _: [setattr(d, "SeriesNumber", 1), delattr(d, "SeriesInstanceUID")])
    _, volume = taken_from(tmp_path, tmp_path_factory)
    assert_is(volume, head(seed=1))


def refusal_of(folder, tmp_path_factory):
    with pytest.raises(Unsuitable) as caught:
        taken_from(folder, tmp_path_factory)
    return caught.value


def test_phase_in_place_of_magnitude_is_said_where_slices_are_missing(tmp_path, tmp_path_factory):
    def change(dataset, k):
        if k in (30, 31):
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "P", "ND"]

    edited(write_series(tmp_path, head()), change)
    error = refusal_of(tmp_path, tmp_path_factory)
    assert error.refusal is Refusal.MISSING_SLICES
    assert "2 of 64 slices" in error.sentence
    assert "phase" in error.sentence


def test_phase_that_no_label_tells_is_found_by_its_neighbours(tmp_path, tmp_path_factory):
    strange = noise().array

    def change(dataset, k):
        if k in (30, 31, 50):
            dataset.PixelData = strange[:, :, k].T.astype("<u2").tobytes()

    edited(write_series(tmp_path, head()), change)
    error = refusal_of(tmp_path, tmp_path_factory)
    assert error.refusal is Refusal.FOREIGN_SLICES
    assert "slice 31, 32, 51" in error.sentence


@pytest.mark.parametrize("where", ["voxels", "no voxels", "fragments"])
def test_a_cut_file_is_called_cut(where, tmp_path, tmp_path_factory):
    paths = write_series(tmp_path, head())
    if where == "fragments":
        for path in paths:
            dataset = pydicom.dcmread(path)
            dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
            dataset.save_as(path)
    data = paths[20].read_bytes()
    kept = data.index(b"\xe0\x7f\x10\x00") if where == "no voxels" else len(data) - 2000
    paths[20].write_bytes(data[:kept])
    error = refusal_of(tmp_path, tmp_path_factory)
    assert error.refusal is Refusal.CUT_FILES
    assert "1 of the 64 slices" in error.sentence
    assert "instance 21" in error.sentence


@pytest.mark.parametrize(
    ("maker", "packed"), [("", False), ("Philips Medical Systems", False), ("GE MEDICAL SYSTEMS", True)]
)
def test_each_slice_keeps_its_own_slope_and_intercept(maker, packed, tmp_path, tmp_path_factory):
    def change(dataset, k):
        stored = np.frombuffer(dataset.PixelData, "<u2").astype(float)
        slope, intercept = 1 + 0.01 * k, k - 30.0
        dataset.Manufacturer = maker
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{slope:.4f}", f"{intercept:.1f}"
        dataset.PixelData = np.rint((stored - intercept) / slope).astype("<u2").tobytes()
        if packed:
            dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)

    edited(write_series(tmp_path, head()), change)
    taken, volume = taken_from(tmp_path, tmp_path_factory)
    assert_is(volume, head(), atol=1.0)
    assert any("own slope" in reason for reason in taken.reasons)


def test_each_frame_keeps_its_own_slope(tmp_path, tmp_path_factory):
    path = write_enhanced(tmp_path, head(), Making(sop_class=ENHANCED_MR))
    dataset = pydicom.dcmread(path)
    stored = np.frombuffer(dataset.PixelData, "<u2").reshape(64, 62, 60).astype(float)
    for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = f"{1 + 0.01 * k:.4f}", "0", "US"
        group.PixelValueTransformationSequence = Sequence([item])
        stored[k] = np.rint(stored[k] / (1 + 0.01 * k))
    dataset.PixelData = stored.astype("<u2").tobytes()
    dataset.save_as(path)
    _, volume = taken_from(tmp_path, tmp_path_factory)
    assert_is(volume, head(), atol=1.0)


def test_dark_and_bright_are_turned_back(tmp_path, tmp_path_factory):
    top = int(head().array.max())

    def change(dataset, _):
        stored = np.frombuffer(dataset.PixelData, "<u2")
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.PixelData = (top - stored).astype("<u2").tobytes()

    edited(write_series(tmp_path, head()), change)
    _, volume = taken_from(tmp_path, tmp_path_factory)
    np.testing.assert_allclose(np.ptp(volume.array), np.ptp(head().array))
    brightest = np.unravel_index(head().array.argmax(), head().array.shape)
    where = np.linalg.inv(volume.affine) @ head().affine @ [*brightest, 1]
    assert volume.array[tuple(np.rint(where[:3]).astype(int))] == volume.array.max()


def tags(**changes):
    return {**T1W, **changes}


NOT_T1W = {
    "a gradient echo of three echoes": (
        SeriesKind.SUSCEPTIBILITY,
        [{**FLASH, "EchoTime": te, "SeriesDescription": "gre_3d"} for te in (3.6, 8.0, 11.5)],
    ),
    "QSM by its name": (SeriesKind.SUSCEPTIBILITY, [{**FLASH, "SeriesDescription": "QSM_0.9iso"}]),
    "proton density by its flip angle": (
        SeriesKind.PROTON,
        [{**FLASH, "FlipAngle": 6.0, "SeriesDescription": "fl3d_t1_vfa"}],
    ),
    "magnetisation transfer": (
        SeriesKind.TRANSFER,
        [{**FLASH, "SequenceVariant": ["SK", "SP", "MTC"], "SeriesDescription": "kp_flash3d"}],
    ),
    "the coils' receive field": (SeriesKind.RECEIVE_FIELD, [{**FLASH, "SeriesDescription": "BIAS_32CH"}]),
    "vessels, by the scanner": (
        SeriesKind.ANGIOGRAPHY,
        [{**FLASH, "FlipAngle": 18.0, "AngioFlag": "Y", "SeriesDescription": "head_3d"}],
    ),
    "vessels, by nothing but times": (
        SeriesKind.UNKNOWN,
        [{**FLASH, "FlipAngle": 18.0, "EchoTime": 3.4, "SeriesDescription": "axial"}],
    ),
    "balanced steady state": (SeriesKind.T2W, [{**FLASH, "FlipAngle": 50.0, "SeriesDescription": "fiesta"}]),
    "the neck, by its part of the body": (SeriesKind.ELSEWHERE, [tags(BodyPartExamined="CSPINE")]),
    "the neck, by its name": (SeriesKind.ELSEWHERE, [tags(SeriesDescription="t1_mprage_c-spine_neck")]),
    "two inversions by their names": (
        SeriesKind.INVERSION,
        [tags(SeriesDescription=f"t1_mp2rage_INV{n}", InversionTime=ti) for n, ti in ((1, 700), (2, 2500))],
    ),
    "two inversions by their times": (
        SeriesKind.INVERSION,
        [tags(SeriesDescription=None, InversionTime=ti) for ti in (700.0, 2500.0)],
    ),
    "one inversion by its repetition": (
        SeriesKind.INVERSION,
        [tags(SeriesDescription=None, InversionTime=700.0, RepetitionTime=5000.0)],
    ),
    "a T1 map": (SeriesKind.DERIVED, [tags(ImageType=["DERIVED", "PRIMARY", "M", "T1 MAP"])]),
    "a reformat of the original": (
        SeriesKind.DERIVED,
        [tags(ImageType=["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"])],
    ),
}


@pytest.mark.parametrize("what", NOT_T1W)
def test_the_finer_image_that_is_no_t1w_is_not_taken_for_it(what, tmp_path, tmp_path_factory):
    kind, all_tags = NOT_T1W[what]
    for number, known in enumerate(all_tags, 2):
        write_series(tmp_path / str(number), head(scale=0.9, seed=number), Making(number=number, tags=known))
    write_series(tmp_path / "t1w", head(), Making(number=9))
    found = examine(tmp_path, tmp_path_factory.mktemp("work"))
    told = {one.label: one.judged.kind for one in found.candidates}
    assert told == {**dict.fromkeys(range(2, 2 + len(all_tags)), kind), 9: SeriesKind.T1W}
    assert choose(found.candidates)[0][0].label == 9
    assert all(reason for one in found.candidates for reason in one.judged.reasons)


def test_a_reformat_is_taken_where_there_is_no_original(tmp_path, tmp_path_factory):
    write_series(tmp_path, head(), Making(tags=tags(ImageType=["DERIVED", "SECONDARY", "MPR"])))
    taken, _ = taken_from(tmp_path, tmp_path_factory)
    assert any("reformatted from a series that is not here" in reason for reason in taken.reasons)


def test_the_uniform_image_of_an_mp2rage_is_its_t1w(tmp_path, tmp_path_factory):
    types = (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "M"], ["DERIVED", "PRIMARY", "M", "UNI"])
    for number, (kind, ti) in enumerate(zip(types, (700.0, 2500.0, None), strict=True), 1):
        known = tags(ImageType=kind, InversionTime=ti, RepetitionTime=5000.0, SeriesDescription=None)
        write_series(tmp_path / str(number), head(seed=number), Making(number=number, tags=known))
    assert taken_from(tmp_path, tmp_path_factory)[0].label == 3


def xa_norm(dataset, _):
    """What Siemens XA says of normalisation: in a private text only."""
    block = dataset.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
    block.add_new(0x75, "CS", ["ORIGINAL", "PRIMARY", "M", "NORM", "DIS3D"])


@pytest.mark.parametrize("form", ["classic", "enhanced"])
def test_the_normalised_of_two_is_taken_where_only_a_private_text_says_so(form, tmp_path, tmp_path_factory):
    plain = tags(ImageType=["ORIGINAL", "PRIMARY", "M", "NONE"])
    if form == "classic":
        write_series(tmp_path / "1", head(), Making(number=1, tags=plain))
        edited(write_series(tmp_path / "2", head(), Making(number=2, tags=plain)), xa_norm)
    else:
        write_enhanced(tmp_path / "1", head(), Making(number=1, tags=plain, sop_class=ENHANCED_MR))
        path = write_enhanced(tmp_path / "2", head(), Making(number=2, tags=plain, sop_class=ENHANCED_MR))
        dataset = pydicom.dcmread(path)
        for group in dataset.PerFrameFunctionalGroupsSequence:
            item = Dataset()
            xa_norm(item, 0)
            group.private_block(0x0021, "SIEMENS MR SDI 02", create=True).add_new(
                0xFE, "SQ", Sequence([item])
            )
        dataset.save_as(path)
    found = examine(tmp_path, tmp_path_factory.mktemp("work"))
    (best, reasons), _ = choose(found.candidates)
    assert best.label == 2
    assert "evened-out brightness" in reasons[-1]


def test_of_two_examinations_the_newer_is_taken_and_told(tmp_path, tmp_path_factory):
    for number, day in ((1, "20240301"), (2, "20200301"), (3, "20220301")):
        known = tags(StudyDate=day, PatientAge=f"0{day[2:4]}Y")
        write_series(
            tmp_path / str(number), head(seed=number), Making(number=1, tags=known, seed=str(number))
        )
    taken, _ = taken_from(tmp_path, tmp_path_factory)
    assert any("the newest of the 3 examinations" in reason for reason in taken.reasons)
    assert taken.age_years == 24
    assert not any("2024" in reason for reason in taken.reasons)


def test_who_says_that_two_names_are_one_person_is_believed(tmp_path, tmp_path_factory):
    for number, name in ((1, "DOE^JANE"), (2, "ROE^RICHARD")):
        known = tags(PatientName=name, PatientID=str(number))
        write_series(tmp_path / name, head(), Making(number=number, tags=known))
    error = refusal_of(tmp_path, tmp_path_factory)
    assert error.refusal is Refusal.TWO_PEOPLE
    assert "--one-person" in error.next_step
    assert "DOE" not in str(error)
    assert taken_from(tmp_path, tmp_path_factory, one_person=True)[0].label == 1


def test_all_that_can_be_tried_stands_in_line(tmp_path, tmp_path_factory):
    write_series(tmp_path / "b", head(), Making(number=2, tags=tags(SeriesDescription="t1_mprage_gd")))
    write_series(tmp_path / "a", head(), Making(number=5))
    found = examine(tmp_path, tmp_path_factory.mktemp("work"))
    assert [choice.candidate.label for choice in shortlist(found)] == [5, 2]
