"""Export to NumPy files and to tars: what is read back is what the corpus holds."""

import io
import json
import tarfile

import numpy as np
import pytest

import allbrains
from allbrains.cli.main import run
from allbrains.export.arrays import export_npy, export_webdataset
from allbrains.store.layout import Layout
from allbrains.testing.corpora import AFFINE, ToyStory, scan, write

NAMES = ("t1w", "gm", "modulated_gm")


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "out"
    write(Layout(folder), ToyStory(scans=(scan(0), scan(1), scan(2), scan(0, "ds000002"))))
    return allbrains.open(folder, maps=NAMES)


def values(array, about, name):
    step = about["maps"][name]
    return array * np.float32(step["scale"]) + np.float32(step["offset"])


def check(brain, arrays, about):
    assert about["scan_id"] == brain.row["scan_id"]
    assert about["gm_ml"] == brain.row["gm_ml"]
    assert "gm_start" not in about
    assert about["maps"]["gm"]["affine"] == AFFINE.tolist()
    assert arrays["t1w"].dtype == np.uint16
    for name in NAMES:
        np.testing.assert_array_equal(values(arrays[name], about, name), getattr(brain, name))


def test_npy(brains, tmp_path):
    folders = list(export_npy(brains, tmp_path))
    assert folders[1] == tmp_path / "ds000011/sub-0000/anat/sub-0000_T1w"
    for brain, folder in zip(brains, folders, strict=True):
        arrays = {name: np.load(folder / f"{name}.npy") for name in NAMES}
        check(brain, arrays, json.loads((folder / "sample.json").read_text()))


@pytest.mark.parametrize(("per_tar", "sizes"), [(64, [4]), (3, [3, 1]), (2, [2, 2])])
def test_webdataset(brains, tmp_path, per_tar, sizes):
    paths = list(export_webdataset(brains, tmp_path, per_tar=per_tar))
    assert [path.name for path in paths] == [f"allbrains-{number:06d}.tar" for number in range(len(sizes))]
    read = iter(brains)
    for path, size in zip(paths, sizes, strict=True):
        with tarfile.open(path) as tar:
            names = tar.getnames()
            assert len(names) == size * 4
            for start in range(0, len(names), 4):
                brain = next(read)
                part = {
                    name.partition(".")[2]: tar.extractfile(name).read() for name in names[start : start + 4]
                }
                assert {name.partition(".")[0] for name in names[start : start + 4]} == {brain.row["scan_id"]}
                arrays = {name: np.load(io.BytesIO(part[f"{name}.npy"])) for name in NAMES}
                check(brain, arrays, json.loads(part["json"]))


def test_the_same_samples_give_the_same_tar(brains, tmp_path):
    (one,) = export_webdataset(brains, tmp_path / "a")
    (other,) = export_webdataset(brains, tmp_path / "b")
    assert one.read_bytes() == other.read_bytes()


def test_the_command(brains, tmp_path, capsys):
    out = str(brains.shelf.root)
    assert run(["export", out, "--to", str(tmp_path), "--format", "npy", "--map", "gm", "--limit", "1"]) == 0
    assert [path.name for path in sorted(tmp_path.rglob("*.*"))] == ["gm.npy", "sample.json"]
    assert run(["export", out, "--to", str(tmp_path / "w"), "--format", "webdataset"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("allbrains-000000.tar")
    assert run(["export", out, "--to", str(tmp_path), "--format", "npy", "--space", "native"]) == 2
    assert run(["export", out, "--to", str(tmp_path / "b"), "--map", "modulated_gm", "--limit", "1"]) == 0
    assert capsys.readouterr().out.strip().endswith("_res-10_modulatedgm.nii.gz")
