"""Export: what nibabel reads is what the corpus holds, under names that BIDS knows."""

import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

import allbrains
from allbrains import bids
from allbrains.cli.main import run
from allbrains.errors import ConfigurationError, Reason
from allbrains.export.derivatives import export
from allbrains.records import Rejected
from allbrains.store.layout import Layout
from allbrains.testing.corpora import AFFINE, ToyStory, scan, write

STORY = ToyStory(scans=(scan(0), scan(1), scan(0, "ds000002")))
STEM = "ds000011/sub-0000/anat/sub-0000_space-MNI152NLin2009aSym_res-10_"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "out"
    write(Layout(folder), STORY)
    return folder


def test_nibabel_reads_the_values_of_the_corpus(root, tmp_path):
    brains = allbrains.open(root)
    paths = list(export(brains, tmp_path))
    assert len(paths) == 3 * 4  # the displacement is no image of a brain
    for name, ending in (("t1w", "desc-preproc_T1w"), ("gm", "label-GM_probseg"), ("logjac", "logjacobian")):
        image = nibabel.load(tmp_path / f"{STEM}{ending}.nii.gz")
        np.testing.assert_allclose(image.get_fdata(), getattr(brains[0], name), rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(image.affine, AFFINE)
        np.testing.assert_array_equal(np.asarray(image.dataobj.get_unscaled()), brains[0].integers(name))
        assert image.header.get_sform(coded=True)[1] == image.header.get_qform(coded=True)[1] == 4
        assert image.header.get_xyzt_units()[0] == "mm"


def test_every_image_has_a_bids_name_and_a_sidecar_and_every_dataset_a_description(root, tmp_path):
    for path in export(allbrains.open(root), tmp_path):
        parsed = bids.parse(str(path.relative_to(tmp_path)))
        assert parsed.label("space") == "MNI152NLin2009aSym"
        assert json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())["Sources"]
    for dataset in ("ds000011", "ds000002"):
        told = json.loads((tmp_path / dataset / "dataset_description.json").read_text())
        assert told["DatasetType"] == "derivative"
        assert told["GeneratedBy"][0]["Name"] == "allbrains"
        assert (tmp_path / dataset / ".bidsignore").read_text() == "*_logjacobian.*\n"


def test_exporting_again_gives_the_same_bytes(root, tmp_path):
    first, again = (list(export(allbrains.open(root), tmp_path / part)) for part in "ab")
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_two_scans_of_one_name_are_refused(tmp_path):
    twin = replace(scan(1), path=scan(0).path.removesuffix(".gz"))
    write(Layout(tmp_path / "out"), ToyStory(scans=(scan(0), twin)))
    with pytest.raises(ConfigurationError, match=r"two scans would be called .*sub-0000"):
        list(export(allbrains.open(tmp_path / "out"), tmp_path / "to"))


def test_the_command_prints_the_images(root, tmp_path, capsys):
    arguments = ["export", str(root), "--to", str(tmp_path), "--where", "subject = '0000'", "--limit", "1"]
    assert run(arguments) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert len(lines) == 4
    assert all((tmp_path / line).exists() for line in lines)
    assert "4 images" in told.err


def test_the_command_without_a_corpus_or_with_a_wrong_condition(root, tmp_path, capsys):
    assert run(["export", str(tmp_path / "nothing"), "--to", str(tmp_path)]) == 2
    assert "no corpus" in capsys.readouterr().err
    assert run(["export", str(root), "--to", str(tmp_path), "--where", "age > 3"]) == 2
    assert "Likely columns: " in capsys.readouterr().err
    assert run(["export", str(root), "--to", str(tmp_path), "--space", "mni"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_status_tells_what_the_ledger_knows(tmp_path, capsys):
    gone = Rejected(reason=Reason.NO_BRAIN_FOUND, detail="the mask is empty")
    write(Layout(tmp_path), ToyStory(scans=(scan(0), scan(1)), ends={scan(1).scan_id: gone}))
    assert run(["status", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "planned": 2,
        "done": 1,
        "rejected": {"no_brain_found": 1},
        "failed": {},
        "pending": 0,
        "run": None,  # no build has been here to tell of its progress
    }
    assert run(["status", str(tmp_path)]) == 0
    assert "no_brain_found: 1" in capsys.readouterr().out
    assert run(["status", str(tmp_path / "nothing")]) == 2
    assert "no ledger" in capsys.readouterr().err
