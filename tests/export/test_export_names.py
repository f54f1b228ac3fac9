"""Names among BIDS derivatives."""

import json

import pytest

from allbrains import bids
from allbrains.export import names

SPACE = (("space", "MNI152NLin2009aSym"), ("res", "1"))


@pytest.mark.parametrize(
    ("path", "name", "space", "expected"),
    [
        (
            "sub-01/anat/sub-01_T1w.nii.gz",
            "t1w",
            SPACE,
            "sub-01/anat/sub-01_space-MNI152NLin2009aSym_res-1_desc-preproc_T1w",
        ),
        (
            "sub-01/ses-a/anat/sub-01_ses-a_acq-mprage_run-02_T1w.nii",
            "gm",
            SPACE,
            "sub-01/ses-a/anat/sub-01_ses-a_acq-mprage_run-02_space-MNI152NLin2009aSym_res-1_label-GM_probseg",
        ),
        (
            "sub-01/anat/sub-01_chunk-3_T1w.nii.gz",
            "mask",
            SPACE,
            "sub-01/anat/sub-01_space-MNI152NLin2009aSym_chunk-3_res-1_desc-brain_mask",
        ),
        ("sub-01/anat/sub-01_T1w.nii.gz", "logjac", (), "sub-01/anat/sub-01_logjacobian"),
        ("sub-01/anat/sub-01_T1w.nii.gz", "own_map", (), "sub-01/anat/sub-01_ownmap"),
    ],
)
def test_stems(path, name, space, expected):
    assert names.file_stem(path, names.kind_of(name), space) == expected
    bids.parse(expected + ".nii.gz")


def test_the_suffixes_that_bids_does_not_know_are_ignored():
    kinds = [names.kind_of(name) for name in ("t1w", "logjac", "gm", "own_map")]
    assert names.ignored(kinds) == "*_logjacobian.*\n*_ownmap.*\n"


@pytest.mark.parametrize(("spacing", "label"), [(1.0, "1"), (1.5, "1p5"), (2.0, "2")])
def test_resolution_labels_are_labels(spacing, label):
    assert names.resolution_label(spacing) == label


def described(dataset, snapshot):
    text = names.dataset_description(dataset, [snapshot], recipe="tiny", fingerprint="ab", version="1")
    return json.loads(text)


def test_an_openneuro_source_has_its_doi():
    found = described("ds000011", "1.0.0")
    assert found["SourceDatasets"] == [
        {
            "URL": "https://openneuro.org/datasets/ds000011/versions/1.0.0",
            "DOI": "10.18112/openneuro.ds000011.v1.0.0",
            "Version": "1.0.0",
        }
    ]
    assert found["DatasetLinks"] == {"raw": "https://openneuro.org/datasets/ds000011/versions/1.0.0"}
    row = {"dataset": "ds000011", "snapshot": "1.0.0", "path": "sub-01/anat/sub-01_T1w.nii.gz"}
    told = json.loads(names.sidecar(names.kind_of("t1w"), row, "1 mm"))
    assert told["Sources"] == ["bids:raw:sub-01/anat/sub-01_T1w.nii.gz"]
    assert told["SkullStripped"] is True
    assert told["Resolution"] == "1 mm"


def test_another_source_claims_no_doi():
    found = described("my study", "")
    assert not {"SourceDatasets", "DatasetLinks"} & set(found)
    assert described("my study", "2.0")["SourceDatasets"] == [{"Version": "2.0"}]
