"""The torch dataset: items that PyTorch's own collate function batches."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.utils.data import DataLoader

import allbrains
from allbrains.errors import ConfigurationError
from allbrains.store.layout import Layout
from allbrains.testing.corpora import SHAPE, ToyStory, sample, scan, write


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "out"
    people = pa.table(
        {
            "scan_id": [scan(number).scan_id for number in range(3)],
            "age_years": [20.0, None, 40.0],
            "sex": ["female", None, "male"],
            "patient": [True, False, None],
        }
    )
    write(Layout(folder), ToyStory(scans=tuple(scan(number) for number in range(3)), people=people))
    return allbrains.open(folder, maps=["t1w", "mask"])


def test_items_are_what_the_brains_are(brains):
    dataset = brains.torch()
    assert len(dataset) == 3
    for number in range(3):
        assert dataset[number]["t1w"].dtype == torch.float32
        np.testing.assert_array_equal(dataset[number]["t1w"].numpy(), brains[number].t1w)


def test_batches(brains):
    (batch,) = DataLoader(brains.torch(), batch_size=3)
    assert batch["t1w"].shape == batch["mask"].shape == (3, *SHAPE)
    np.testing.assert_array_equal(batch["mask"][2].numpy(), sample(2).maps["mask"].array)
    np.testing.assert_array_equal(batch["age_years"].numpy(), [20, np.nan, 40])
    np.testing.assert_array_equal(batch["patient"].numpy(), [1, 0, np.nan])
    assert batch["sex"] == ["female", "", "male"]
    assert not {"outcome", "shard", "t1w_start", "montage"} & set(batch)


def test_chosen_columns(brains):
    assert set(brains.torch(columns=["age_years"])[0]) == {"t1w", "mask", "age_years"}
    assert set(brains.torch(columns=[])[0]) == {"t1w", "mask"}
    with pytest.raises(ConfigurationError, match="no column age to train on; there are scan_id"):
        brains.torch(columns=["age"])


def test_no_column_says_where_bytes_are(brains):
    item = brains.torch()[0]
    assert not [name for name in item if name.endswith(("_start", "_scale", "_offset", "_nbytes", "_crc32"))]
    assert {"gm_ml", "sex", "age_years", "subject"} <= set(item)


def test_worker_processes_see_the_same(brains):
    loader = DataLoader(
        brains.torch(columns=["scan_id"]), batch_size=1, num_workers=1, multiprocessing_context="spawn"
    )
    for place, batch in enumerate(loader):
        np.testing.assert_array_equal(batch["t1w"][0].numpy(), brains[place].t1w)
