"""What an older build lost: ``verify`` sees it, ``repair`` brings it back, ``remove`` takes it all along."""

import shutil

import pytest

from allbrains import sandbox
from allbrains.catalogue import catalogue
from allbrains.catalogue.merge import without
from allbrains.cli.main import run
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.store.samples import write_samples

from .growing import build, rows, samples, told, write_study

ALL = {"dataset": ("ds000001", "ds000002", "ds000003")}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


def forget(out, *datasets):
    """Do to a corpus what a build of an older allbrains did: leave only this run's datasets."""

    known = catalogue.read(out / "catalog")
    for dataset in datasets:
        known = without(known, dataset)
    catalogue.write(known, out / "catalog")
    with LedgerReader.open(Layout(out).ledger) as ledger:
        write_samples(Layout(out), ledger, demographics=known.labels)


@pytest.mark.parametrize("source", ["folder", "openneuro"])
def test_what_an_older_build_lost_is_found_and_brought_back(study, tmp_path, capsys, source):
    out = tmp_path / "out"
    with sandbox.serve(study) as server:
        ends = {"api": server.api, "bucket": server.bucket}
        where = {"bids": study} if source == "folder" else ends
        build(out, **where, **ALL)
        whole = told(out, without=("source",))
        assert run(["verify", str(out)]) == 0
        forget(out, "ds000001", "ds000003")
        assert samples(out)["ds000001/sub-01/anat/sub-01_T1w.nii.gz"]["age_years"] is None
        capsys.readouterr()
        assert run(["verify", str(out)]) == 1
        said = capsys.readouterr().out
        assert "ds000001: licence, authors and 2 scans that are done are not in the catalogue" in said
        assert "ds000003: licence, authors and 1 scans" in said
        assert run(["repair", str(out), "--api", server.api, "--bucket", server.bucket]) == 0
    assert told(out, without=("source",)) == whole
    capsys.readouterr()
    assert run(["verify", str(out)]) == 0


def test_labels_that_only_the_samples_table_lost_are_brought_back(study, tmp_path, capsys):
    build(tmp_path / "out", bids=study)
    whole = told(tmp_path / "out")

    labels = catalogue.read(tmp_path / "out/catalog").labels
    with LedgerReader.open(Layout(tmp_path / "out").ledger) as ledger:
        write_samples(Layout(tmp_path / "out"), ledger, demographics=labels.slice(0, 1))
    assert run(["verify", str(tmp_path / "out")]) == 1
    assert "lacks what the catalogue knows of 1 scans" in capsys.readouterr().out
    assert run(["repair", str(tmp_path / "out")]) == 0
    assert told(tmp_path / "out") == whole


def test_a_damaged_catalogue_is_read_again(study, tmp_path, capsys):
    build(tmp_path / "out", bids=study)
    whole = told(tmp_path / "out", without=("source",))
    (tmp_path / "out/catalog/scans.parquet").write_bytes(b"PAR1")
    assert run(["verify", str(tmp_path / "out")]) == 1
    assert "can't be read" in capsys.readouterr().out
    assert run(["repair", str(tmp_path / "out")]) == 0
    assert told(tmp_path / "out", without=("source",)) == whole


def test_what_cant_be_read_again_is_said(study, tmp_path, capsys):
    shutil.copytree(study, tmp_path / "in")
    build(tmp_path / "out", bids=tmp_path / "in", **ALL)
    forget(tmp_path / "out", "ds000001", "ds000002")
    shutil.rmtree(tmp_path / "in/ds000001")
    assert run(["repair", str(tmp_path / "out")]) == 1
    assert "can't be read again: ds000001: the folder that" in capsys.readouterr().err
    assert samples(tmp_path / "out")["ds000002/sub-01/anat/sub-01_T1w.nii.gz"]["age_years"] == 40


def test_removed_and_withdrawn(study, tmp_path, capsys):
    shutil.copytree(study, tmp_path / "in")
    build(tmp_path / "out", bids=tmp_path / "in")
    shutil.rmtree(tmp_path / "in/ds000001")
    build(tmp_path / "out", bids=tmp_path / "in")
    assert run(["verify", str(tmp_path / "out")]) == 1
    assert "ds000001 was withdrawn" in capsys.readouterr().out
    for dataset in ("ds000001", "ds000002"):
        assert run(["remove", str(tmp_path / "out"), "--dataset", dataset]) == 0
    assert run(["verify", str(tmp_path / "out")]) == 0
    assert {row["dataset"] for row in rows(tmp_path / "out", "scans")} == {"ds000003"}
    assert [row["reason"] for row in rows(tmp_path / "out", "exclusions")] == ["withdrawn"]
    build(tmp_path / "out", bids=tmp_path / "in/ds000003")
    assert {row["dataset"] for row in rows(tmp_path / "out", "datasets")} == {"ds000003"}
