"""A brain as other libraries have it, each the real one. MONAI is no dependency of the tests."""

import warnings

import numpy as np
import pytest

import allbrains
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.testing.corpora import AFFINE, FIELD_AFFINE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what these libraries' own imports say is not ours
    import datasets
    import torchio


def test_nibabel(eleven):
    brain = allbrains.open(eleven)[2]
    image = brain.to_nibabel("modulated_gm")
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), brain.modulated_gm)
    np.testing.assert_array_equal(image.affine, AFFINE)
    np.testing.assert_array_equal(brain.to_nibabel("displacement").affine, FIELD_AFFINE)
    assert image.header.get_sform(coded=True)[1] == 4


@pytest.mark.filterwarnings("ignore")
def test_torchio(eleven):
    brain = allbrains.open(eleven, maps=["gm", "mask", "displacement"])[2]
    subject = brain.to_torchio()
    assert isinstance(subject["mask"], torchio.LabelMap)
    assert isinstance(subject["gm"], torchio.ScalarImage)
    assert not isinstance(subject["gm"], torchio.LabelMap)
    assert "displacement" not in subject
    np.testing.assert_array_equal(subject["gm"].affine, AFFINE)
    np.testing.assert_array_equal(subject["gm"].data[0], brain.gm)
    assert subject["age_years"] == 22.0
    flipped = torchio.RandomFlip(axes=0, flip_probability=1)(subject)
    np.testing.assert_array_equal(flipped["gm"].data[0], brain.gm[::-1])


@pytest.fixture
def files(eleven):
    return [str(path) for path in sorted(eleven.glob("shards/*/*.parquet"))]


COLUMNS = ["path", "gm", "gm_scale", "gm_offset", "gm_crc32"]


@pytest.mark.filterwarnings("ignore")
def test_hugging_face_datasets(eleven, files, tmp_path):
    brains = allbrains.open(eleven, maps=["gm"])
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    rows = loaded.select_columns(COLUMNS).with_transform(brains.decode)
    assert len(rows) == 11
    for row, brain in zip(rows, brains, strict=True):
        assert row["path"] == brain.row["path"]
        np.testing.assert_array_equal(row["gm"], brain.gm)
    stream = datasets.load_dataset(
        "parquet", data_files=files, split="train", streaming=True, columns=COLUMNS
    )
    first = next(iter(stream.map(brains.decode, batched=True, batch_size=2)))
    np.testing.assert_array_equal(first["gm"], brains[0].gm)


def test_rows_that_cannot_be_decoded_say_why(eleven):
    brains = allbrains.open(eleven, maps=["gm"])
    chunk = bytes(brains.shelf.read(brains.place("gm", 0)))
    row = {
        "gm": [chunk],
        "gm_scale": [1 / 255],
        "gm_offset": [0.0],
        "gm_crc32": [brains.place("gm", 0).crc32],
    }
    np.testing.assert_array_equal(brains.decode(row)["gm"][0], brains[0].gm)
    with pytest.raises(ConfigurationError, match="without gm_crc32"):
        brains.decode({name: values for name, values in row.items() if name != "gm_crc32"})
    with pytest.raises(CorpusError, match="map gm: wrong checksum"):
        brains.decode({**row, "gm": [chunk[:-1] + b"x"]})
