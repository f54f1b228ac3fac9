"""Two ways to the voxels, one truth: what was written is what comes out, in its place."""

from __future__ import annotations

import numpy as np
import pytest

from allbrains.dicom import convert as module
from allbrains.dicom.clean import write_clean, write_clean_image
from allbrains.dicom.convert import by_dcm2niix, by_gdcm, convert, lies_as
from allbrains.dicom.examine import examine, take
from allbrains.dicom.instances import Identity
from allbrains.dicom.one_person import persons, same
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.safe_words import known_words, name_words
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import read_image
from allbrains.records import Volume
from allbrains.testing.dicom_series import ENHANCED_MR, T1W, Making, write_enhanced, write_series


def block():
    turn = np.linalg.qr(np.array([[0.9, 0.1, 0.0], [-0.1, 0.9, 0.2], [0.0, -0.2, 0.9]]))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn * np.sign(np.diag(turn)) * (2.1, 2.0, 1.9)
    affine[:3, 3] = [-60, -70, -50]
    array = np.random.default_rng(0).integers(0, 3000, (54, 56, 58)).astype(np.uint16)
    return Volume(array=array, affine=affine)


def compressed(paths):
    import pydicom
    from pydicom.uid import RLELossless

    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)


@pytest.fixture(scope="module", params=["classic", "bare", "rle", "enhanced"])
def stack(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "enhanced":
        write_enhanced(folder, block(), Making(sop_class=ENHANCED_MR, tags={**T1W, "EchoTime": None}))
    else:
        paths = write_series(folder, block(), Making(bare=request.param == "bare"))
        if request.param == "rle":
            compressed(paths)
    (one,) = examine(folder, tmp_path_factory.mktemp("work")).candidates
    return one.volume


def as_written(volume):
    """The voxels of a converted volume in the order in which the block was written."""
    step = np.rint(np.linalg.inv(volume.affine) @ block().affine).astype(int)
    index = np.indices(block().array.shape).reshape(3, -1)
    return volume.array[tuple(step[:3, :3] @ index + step[:3, 3:])].reshape(block().array.shape)


@pytest.mark.parametrize("way", [by_dcm2niix, by_gdcm])
def test_each_way_gives_back_every_voxel_in_its_place(way, stack, tmp_path):
    volume = way(stack, tmp_path)
    assert volume is not None
    assert lies_as(volume, stack)
    corners = np.array([[0, 0, 0, 1], [53, 55, 57, 1]]) @ block().affine.T
    inside = np.linalg.inv(volume.affine) @ corners.T
    np.testing.assert_allclose(inside, np.rint(inside), atol=1e-3)
    np.testing.assert_array_equal(as_written(volume), block().array)


def test_where_the_first_way_disagrees_with_the_tags_the_second_is_taken(stack, tmp_path, monkeypatch):
    wrong = Volume(array=block().array, affine=np.diag([2.1, 2.0, 1.9, 1.0]))
    monkeypatch.setattr(module, "by_dcm2niix", lambda *_: wrong)
    made = convert(stack, tmp_path)
    assert made.way == "GDCM"
    np.testing.assert_array_equal(as_written(made.volume), block().array)


def test_where_both_fail_there_is_a_sentence(tmp_path, tmp_path_factory):
    import pydicom

    for path in write_series(tmp_path / "in", block()):
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"  # JPEG, which these bytes are not
        dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + bytes(200)])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(path)
    (one,) = examine(tmp_path / "in", tmp_path_factory.mktemp("work")).candidates
    (tmp_path / "out").mkdir()
    with pytest.raises(Unsuitable) as caught:
        convert(one.volume, tmp_path / "out")
    assert caught.value.refusal is Refusal.NOT_CONVERTED


def test_a_clean_file_holds_the_volume_and_no_more(tmp_path):
    write_clean(block(), tmp_path / "a.nii")
    back = read_image(tmp_path / "a.nii")
    np.testing.assert_allclose(back.affine, block().affine, atol=1e-4)
    np.testing.assert_array_equal(back.array, block().array)


def test_a_nifti_that_does_not_know_left_from_right_still_does_not(tmp_path):
    import nibabel

    image = nibabel.Nifti1Image(block().array.astype(np.int16), None)
    image.set_qform(None, 0)
    image.set_sform(None, 0)
    nibabel.save(image, tmp_path / "in.nii")
    write_clean_image(tmp_path / "in.nii", tmp_path / "out.nii")
    header = nibabel.load(tmp_path / "out.nii").header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 0)


@pytest.mark.parametrize("kind", ["Nifti1Image", "Nifti2Image"])
@pytest.mark.parametrize("name", ["T1w.nii", "T1w.nii.gz", "archive"])
def test_an_image_file_goes_in_however_it_is_packed(kind, name, tmp_path):
    import zipfile

    import nibabel

    image = getattr(nibabel, kind)(block().array.astype(np.int16), block().affine)
    nibabel.save(image, tmp_path / ("in.nii" if name == "archive" else name))
    if name == "archive":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(tmp_path / "in.nii", "somebody.nii")
    (tmp_path / "work").mkdir()
    taken = take(examine(tmp_path / name, tmp_path / "work"), tmp_path / "work", tmp_path / "out.nii")
    assert taken.way == "read as it is"
    back = read_image(tmp_path / "out.nii")
    np.testing.assert_allclose(back.affine, block().affine, atol=1e-4)
    np.testing.assert_array_equal(back.array, block().array)


def test_a_broken_nifti_is_refused(tmp_path):
    write_clean(block(), tmp_path / "a.nii")
    data = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "a.nii").write_bytes(data[: len(data) // 2])
    with pytest.raises(ScanUnusable):
        write_clean_image(tmp_path / "a.nii", tmp_path / "b.nii")


JANE = Identity(number="1", name=("doe", "jane"), born="19800101", sex="F")


@pytest.mark.parametrize(
    ("other", "one_person"),
    [
        (Identity(), True),
        (Identity(number="1"), True),
        (Identity(number="2", name=("doe", "jane"), born="19800101"), True),  # two hospitals
        (Identity(number="1", name=("jane", "roe"), born="19800101"), True),  # married
        (Identity(number="2", name=("doe", "jane")), False),
        (Identity(number="1", name=("doe", "john")), False),
        (Identity(number="1", name=("a", "doe", "jane")), True),
        (Identity(number="1", name=("doe", "j")), True),
        (Identity(number="1", name=("doe", "k")), False),
        (Identity(name=("doe", "j"), born="19800101"), True),
        (Identity(number="2", name=("doe", "j"), born="19800101"), True),
        (Identity(number="2", name=("doe", "j")), False),
        (Identity(number="1", name=("doe", "jane"), born="19800101", sex="O"), True),
        (Identity(number="1", name=("doe", "jane"), born="19800102"), False),
        (Identity(number="1", name=("doe", "jane"), born="19800101", sex="M"), False),
    ],
)
def test_who_counts_as_one_person(other, one_person):
    assert same(JANE, other) is same(other, JANE) is one_person
    assert persons([JANE, other, JANE]) == (1 if one_person else 2)


def test_initials_that_contradict_each_other_are_two_people():
    one, other = (Identity(number="1", name=(letter, "doe", "jane")) for letter in "ab")
    assert not same(one, other)


def test_a_file_that_says_nothing_joins_nobody_to_anybody():
    john = Identity(number="2", name=("doe", "john"))
    assert persons([Identity(), JANE, john]) == persons([JANE, Identity(), john]) == 2


def test_an_identity_shows_nothing():
    assert "doe" not in repr(JANE) + str(JANE)
    assert name_words("DOE^Jane") == name_words("jane doe") == name_words("Doe_Jane^^Dr")
    assert name_words("Müller^José") == name_words("MULLER^JOSE=山田")
    assert name_words("ANONYMOUS^^") == ()


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("t1_mprage_sag_p2_iso", {"t1", "prepared"}),
        ("T1w", {"t1"}),
        ("Sag T2 FLAIR CUBE", {"t2", "flair"}),
        ("ep2d_diff_mddw_64", {"diffusion"}),
        ("AAHead_Scout", {"localiser"}),
        ("Kanarienvogel, Jane 19510307", set()),
    ],
)
def test_only_known_words_are_read(text, meanings):
    assert known_words([text]) == meanings
