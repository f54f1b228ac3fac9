"""A folder of image files: the suffix of the name counts, however the file is packed, and no more of it."""

from __future__ import annotations

import gzip
import zipfile

import nibabel
import numpy as np
import pytest

from allbrains.dicom.examine import examine, shortlist, take
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.series_kind import SeriesKind
from allbrains.images.image_file import read_image
from allbrains.records import Volume
from allbrains.testing.dicom_series import T1W, Making, write_series

CANARY = "Kanarienvogel"


def image(value, spacing=2.0):
    array = np.full((20, 22, 24), value, np.int16)
    array[:10] += 1
    return nibabel.Nifti1Image(array, np.diag([spacing, spacing, spacing, 1.0]))


def folder_of(names, folder):
    """Write an image a name; its voxels say which it is: 10, 20, 30 … plus 0 or 1."""
    for number, name in enumerate(names, 1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(image(10 * number), path)
    return folder


def examined(path, tmp_path_factory):
    return examine(path, tmp_path_factory.mktemp("work"))


def taken_number(path, tmp_path_factory, **options):
    work = tmp_path_factory.mktemp("work")
    take(examine(path, work), work, work / "out.nii", **options)
    return int(read_image(work / "out.nii").array.max()) // 10


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "others", [["sub-01_T2w"], ["sub-01_FLAIR", "sub-01_acq-T1w_bold"], ["note", "t1w_mask"]]
)
def test_the_t1w_beside_others_is_taken_by_its_suffix(ending, packed, others, tmp_path, tmp_path_factory):
    names = [f"{others[0]}{ending}", f"sub-01_acq-t2prep_T1w{ending}", *(f"{o}{ending}" for o in others[1:])]
    path = folder_of(names, tmp_path / "in")
    if packed:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name in names:
                archive.write(path / name, f"{CANARY}/{name}")
        path = tmp_path / "a.zip"
    assert taken_number(path, tmp_path_factory) == 2


def test_series_chooses_an_image_too(tmp_path, tmp_path_factory):
    path = folder_of(["a_T2w.nii.gz", "b.nii.gz", "c_T1w.nii.gz"], tmp_path)
    assert [one.label for one in examined(path, tmp_path_factory).images] == [1, 2, 3]
    assert taken_number(path, tmp_path_factory) == 3
    for label in (1, 2, 3):
        assert taken_number(path, tmp_path_factory, label=label) == label
    with pytest.raises(Unsuitable) as caught:
        shortlist(examined(path, tmp_path_factory), label=9)
    assert caught.value.refusal is Refusal.NO_SUCH_SERIES


def test_images_are_numbered_after_the_series_beside_them(tmp_path, tmp_path_factory):
    block = Volume(array=np.zeros((8, 8, 6), np.uint16), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    write_series(tmp_path, block, Making(number=7, tags=T1W))
    found = examined(folder_of(["sub-01_T1w.nii"], tmp_path), tmp_path_factory)
    assert ([one.label for one in found.candidates], [one.label for one in found.images]) == ([7], [8])
    assert [choice.candidate.label for choice in shortlist(found)] == [8]  # the series is too short


@pytest.mark.parametrize(
    ("names", "refusal"),
    [
        (["sub-01_T2w.nii", "sub-01_FLAIR.nii"], Refusal.NO_T1W),
        (["T2w.nii.gz"], Refusal.NO_T1W),
        (["a.nii", "b.nii"], Refusal.SEVERAL_IMAGES),
        (["a_T1w.nii", "b_T1w.nii"], Refusal.SEVERAL_IMAGES),
        (["sub-01_T1w.nii", "sub-02_T1w.nii"], Refusal.TWO_PEOPLE),
    ],
)
def test_what_no_name_decides_is_refused_with_the_way_on(names, refusal, tmp_path, tmp_path_factory):
    found = examined(folder_of(names, tmp_path), tmp_path_factory)
    with pytest.raises(Unsuitable) as caught:
        shortlist(found)
    assert caught.value.refusal is refusal
    assert "--series" in caught.value.next_step or "--one-person" in caught.value.next_step
    assert shortlist(found, label=1)[0].candidate.label == 1


def test_two_runs_of_one_person_stand_in_line_the_finer_first(tmp_path, tmp_path_factory):
    nibabel.save(image(10), tmp_path / "sub-01_run-1_T1w.nii")
    nibabel.save(image(20, spacing=1.5), tmp_path / "sub-01_run-2_T1w.nii")
    choices = shortlist(examined(tmp_path, tmp_path_factory))
    assert [choice.candidate.label for choice in choices] == [2, 1]


def test_names_are_not_kept(tmp_path, tmp_path_factory):
    path = folder_of([f"{CANARY}_T1w.nii.gz", f"sub-{CANARY}_T2w.nii.gz"], tmp_path)
    found = examined(path, tmp_path_factory)
    assert {one.judged.kind for one in found.images} == {SeriesKind.T1W, SeriesKind.T2W}
    assert CANARY not in repr(found)


def test_bytes_after_the_end_of_a_gzip_stream_are_passed_over(tmp_path, tmp_path_factory):
    path = folder_of(["T1w.nii.gz"], tmp_path) / "T1w.nii.gz"
    path.write_bytes(path.read_bytes() + b"what a broken copy leaves")
    assert taken_number(path, tmp_path_factory) == 1
    path.write_bytes(gzip.compress(image(10).to_bytes())[:-6])
    with pytest.raises(Unsuitable) as caught:
        examined(path, tmp_path_factory)
    assert caught.value.refusal is Refusal.DAMAGED_ARCHIVE
