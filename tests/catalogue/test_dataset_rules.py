"""What names and datasets say of images: derivatives, parts, other bodies, hidden files; and defects."""

import json

import pytest

from allbrains import bids
from allbrains.catalogue import catalogue
from allbrains.catalogue.crawl import crawl
from allbrains.catalogue.defects import SCHEMA, as_tsv, defects
from allbrains.catalogue.merge import wanted_again
from allbrains.catalogue.read_dataset import Wanted
from allbrains.errors import Reason
from allbrains.records import Rejected
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.raw_names import misspelt, not_a_raw_head, source_on_openneuro
from allbrains.sources.snapshot import Exclusion


def put(root, *names, description=None, **texts):
    """Write images whose bytes are their names, and small files."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps(description or {"Name": "x"}))
    for name in names:
        image = root / name
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(name.encode() * 1000)
    for name, text in texts.items():
        (root / name.replace("dot_", ".")).write_text(text)
    return root


def seen(root, **wanted):
    found = crawl(BidsFolder(root, suffixes=wanted.get("suffixes", ("T1w",))), wanted=Wanted(**wanted))
    reasons = {(row["path"], row["reason"]) for row in found.exclusions.to_pylist()}
    return found, set(found.scans["path"].to_pylist()), reasons


@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        ("desc-preproc", Exclusion.DERIVATIVE),
        ("space-MNI152NLin6Asym_res-2", Exclusion.DERIVATIVE),
        ("atlas-x", Exclusion.DERIVATIVE),
        ("label-GM", Exclusion.DERIVATIVE),
        ("part-phase", Exclusion.SIGNAL_PART),
        ("acq-imag", Exclusion.SIGNAL_PART),
        ("inv-2", Exclusion.INVERSION),
        ("acq-INV1", Exclusion.INVERSION),
        ("acq-3planelocalizer", Exclusion.LOCALISER),
        ("acq-AAHeadScout", Exclusion.LOCALISER),
        ("loc-spine", Exclusion.OTHER_BODY),
        ("acq-cspine2", Exclusion.OTHER_BODY),
        ("acq-thigh", Exclusion.OTHER_BODY),
        ("part-mag", None),
        ("rec-norm_run-01", None),
        ("acq-headmotion2", None),  # a head that moves
        ("acq-handedness", None),
        ("acq-planar", None),
        ("acq-inverted", None),
        ("echo-2", None),
    ],
)
def test_what_a_name_says_it_is(entities, reason):
    found = not_a_raw_head(bids.parse(f"sub-01/anat/sub-01_{entities}_T1w.nii.gz"))
    assert (found and found[0]) == reason


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("sub-1_T1w.NII.GZ", "extension"),
        ("sub-1_T1w.mgz", "extension"),
        ("sub-1_t1w.nii.gz", "suffix"),
        ("sub-1_T1W.nii", "suffix"),
        ("sub-1_T1w.nii.gz", ""),
        ("sub-1_T1w.json", ""),
        ("sub-1_T2w.nii.gz", ""),
        ("sub-1_bold.mgz", ""),
    ],
)
def test_names_that_are_nearly_right_are_told(name, word):
    told = misspelt(f"sub-1/anat/{name}", ("T1w",))
    assert (word in told) if word else told == ""


def test_every_image_is_a_scan_or_a_row_and_one_of_each_head_is_preferred(tmp_path):
    names = [
        f"sub-01/anat/sub-01_{name}"
        for name in (
            *("T1w.nii.gz", "rec-norm_T1w.nii.gz", "rec-nonorm_T1w.nii.gz", "ce-gd_rec-norm_T1w.nii.gz"),
            *("desc-brain_T1w.nii.gz", "t1w.nii.gz", "T1w.mgz", "acq-scout_T1w.nii.gz"),
        )
    ]
    found, scans, reasons = seen(put(tmp_path / "ds", *names, "sub-02/anat/sub-02_run-2_T1w.nii.gz"))
    assert len(scans) + len([row for row in reasons if row[0]]) == len(names) + 1
    best = {row["path"] for row in found.scans.to_pylist() if row["preferred"]}
    assert best == {"sub-01/anat/sub-01_rec-norm_T1w.nii.gz", "sub-02/anat/sub-02_run-2_T1w.nii.gz"}
    # a second run is not led by the misspelt name to take it for a suffix
    assert wanted_again(found)["ds"].suffixes == ("T1w",)


def test_bidsignore_is_honoured_with_its_pattern(tmp_path):
    names = [f"sub-0{n}/anat/sub-0{n}_{acq}T1w.nii" for n in (1, 2) for acq in ("", "acq-bad_")]
    ignore = "# no\nsub-02/\n*_acq-bad_*\n"
    _, scans, reasons = seen(put(tmp_path / "ds", *names, dot_bidsignore=ignore))
    assert scans == {names[0]}
    assert {reason for _, reason in reasons} == {Exclusion.IGNORED}
    assert len(reasons) == 3


def test_copies_in_a_derivative_of_a_known_dataset_are_left_out(tmp_path):
    image = "sub-01/anat/sub-01_T1w.nii.gz"
    sources = [{"DOI": "doi:10.18112/openneuro.ds000001.v1.0.0"}]
    copied = {"DatasetType": "derivative", "SourceDatasets": sources}
    _, scans, reasons = seen(put(tmp_path / "copied", image, description=copied))
    assert scans == set()
    assert reasons == {(image, Exclusion.DERIVATIVE)}
    _, scans, reasons = seen(put(tmp_path / "own", image, description={"DatasetType": "derivative"}))
    assert scans == {image}
    assert reasons == {("", Exclusion.DERIVATIVE_DATASET)}
    assert source_on_openneuro("ds000001", {"SourceDatasets": sources}) == ""
    assert source_on_openneuro("ds000002", {"SourceDatasets": [None, {"URL": 3}, "ds000003"]}) == ""


def test_a_dataset_of_mp2rage_is_not_invisible(tmp_path):
    names = [f"sub-0{n}/anat/sub-0{n}_UNIT1.nii.gz" for n in (1, 2)]
    root = put(tmp_path / "ds", *names)
    found, scans, reasons = seen(root)
    assert scans == set()
    assert reasons == {("", Exclusion.NO_T1W)}
    assert "2 UNIT1" in found.exclusions["evidence"][0].as_py()
    assert not found.missing
    _, scans, reasons = seen(root, suffixes=("UNIT1",))
    assert scans == set(names)
    assert reasons == set()


def test_defects_are_a_table_for_the_owner(tmp_path):
    root = put(
        tmp_path / "ds",
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-02_T1w.nii.gz",
        "sub-03/anat/sub-03_acq-FLAIR1_T1w.nii.gz",
        "derivatives/x/sub-01/anat/sub-01_desc-y_T1w.nii.gz",
    )
    (root / "sub-04/anat").mkdir(parents=True)
    twin = (root / "sub-01/anat/sub-01_T1w.nii.gz").read_bytes()
    (root / "sub-04/anat/sub-04_T1w.nii.gz").write_bytes(twin)
    found, _, _ = seen(root)
    refused = found.scans["scan_id"][1].as_py()
    outcomes = {refused: Rejected(reason=Reason.TRUNCATED, detail="=cut\x1b[2J")}
    table = defects(found, outcomes)
    assert table.schema.equals(SCHEMA)
    rows = {(row["path"], row["defect"]): row["certainty"] for row in table.to_pylist()}
    path = found.scans["path"][1].as_py()
    assert rows == {
        ("sub-01/anat/sub-02_T1w.nii.gz", "wrong_subject"): "certain",
        ("sub-03/anat/sub-03_acq-FLAIR1_T1w.nii.gz", "two_contrasts_in_a_name"): "possible",
        ("sub-04/anat/sub-04_T1w.nii.gz", "one_image_for_two_people"): "certain",
        (path, "image_truncated"): "certain",
    }
    text = as_tsv(table)
    assert "\x1b" not in text
    assert "\t'=cut" in text
    assert text.count("\n") == table.num_rows + 1


def test_no_known_raw_name_is_lost(tmp_path):
    """Names as they are met on OpenNeuro."""
    real = ("acq-MPRAGE", "acq-mp2rage", "acq-standard", "acq-headmotion1", "acq-AxialNsig1Mm1", "acq-TSE")
    real += ("acq-sag111", "acq-mezrms", "acq-fspgr", "acq-B8", "rec-norm", "part-mag", "rec-deface", "acq-1")
    for entities in real:
        assert not_a_raw_head(bids.parse(f"sub-1/anat/sub-1_{entities}_T1w.nii.gz")) is None


def test_select_still_takes_all(tmp_path):
    found, scans, _ = seen(put(tmp_path / "ds", "sub-1/anat/sub-1_T1w.nii", "sub-1/anat/sub-1_run-2_T1w.nii"))
    assert set(catalogue.select(found)["path"].to_pylist()) == scans
    assert catalogue.select(found, where="preferred").num_rows == 1
