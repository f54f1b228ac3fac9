"""What is in a published corpus: it opens, loads, cites, and says nothing of this machine."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import allbrains
from allbrains.cli.main import run
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, sample, scan, write


@pytest.fixture(scope="session")
def one_published(one_corpus, tmp_path_factory):
    there = tmp_path_factory.mktemp("published") / "there"
    assert run(["publish", str(one_corpus), str(there)]) == 0
    return there


@pytest.fixture
def published(one_published, tmp_path):
    shutil.copytree(one_published, tmp_path / "there")
    return tmp_path / "there"


def test_a_folder_holds_a_corpus_that_opens(published, corpus, capsys):
    here, there = allbrains.open(corpus), allbrains.open(published)
    assert len(there) == 7
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.gm, other.gm)
    assert run(["publish", str(corpus), str(published)]) == 0
    assert "0 files, 0.0 MB in 0 commits" in capsys.readouterr().err
    sums = [line.split("  ") for line in (published / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in sums} == {"samples.parquet"} | {
        path.relative_to(published).as_posix() for path in published.glob("shards/*/*")
    }
    told = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=published, capture_output=True)
    assert told.returncode == 0, told.stdout


def test_nothing_tells_of_the_machine_that_it_was_made_on(published, tmp_path):
    for path in published.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(tmp_path).encode() not in data, path
            assert b"/home/somebody" not in data, path
    datasets = pq.read_table(published / "datasets.parquet")
    assert datasets["source"].to_pylist()[1] == ""
    assert "stated_ages" not in datasets.column_names  # of single people, uncapped


def test_the_cards_front_matter_is_yaml_that_names_what_is_there(published):
    text = (published / "README.md").read_text()
    told = yaml.safe_load(text.split("---\n")[1])
    assert told["license"] == "other"
    assert [one["config_name"] for one in told["configs"]] == ["default", "volumes"]
    for config in told["configs"]:
        assert [*published.glob(config["data_files"][0]["path"])]
    for name in ("demographics", "datasets"):
        assert f"figures/{name}.png" in text
        assert (published / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "A \\| tricky &lt;name&gt; \\{with\\} 100% \\& \\$igns" in text
    assert "no commercial use" in text
    assert "constant | 1" in text


def test_tables_by_machine(published):
    told = json.loads((published / "dataset_description.json").read_text())
    assert told["DatasetType"] == "derivative"
    assert told["SourceDatasets"][0]["DOI"] == "doi:10.18112/openneuro.ds000011.v1.0.0"
    rows = [line.split("\t") for line in (published / "LICENSES.tsv").read_text().splitlines()]
    assert [row[4:8] for row in rows[1:]] == [
        ["CC0-1.0", "removed, as affirmed", "yes", "n/a"],
        ["CC-BY-NC-4.0", "not stated", "no", "nobody affirms that faces were removed"],
    ]
    described = {line.split("\t")[0] for line in (published / "descriptions.tsv").read_text().splitlines()}
    assert {"age_years", "gm_start", "outcome"} <= described


def test_croissant_is_valid(published):
    code = (
        "import sys, mlcroissant as mlc; d = mlc.Dataset(sys.argv[1]); r = d.metadata.issues;"
        "print(len(d.metadata.record_sets[0].fields), [*r.errors, *r.warnings])"
    )
    command = [sys.executable, "-c", code, str(published / "croissant.json")]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    count, errors = told.stdout.split(maxsplit=1)
    assert int(count) > 30
    assert errors.strip() in ("set()", "[]", "{}")
    text = json.loads((published / "croissant.json").read_text())
    assert "http://mlcommons.org/croissant/1.1" in text["conformsTo"]
    assert {"rai:dataBiases", "rai:personalSensitiveInformation", "rai:dataLimitations"} <= text.keys()


def test_it_tells_the_day_of_its_first_publication(published, corpus):
    path = published / "croissant.json"
    today = json.loads(path.read_text())["datePublished"]
    assert len(today) == len("2020-02-02")
    path.write_text(path.read_text().replace(today, "2020-02-02"))  # it was published long ago
    assert run(["publish", str(corpus), str(published)]) == 0
    assert json.loads(path.read_text())["datePublished"] == "2020-02-02"
    path.write_text("no json")
    assert run(["publish", str(corpus), str(published)]) == 0
    assert json.loads(path.read_text())["datePublished"] == today


def test_cite_names_just_what_was_used(published, corpus, capsys):
    for out in (corpus, published):
        assert run(["cite", str(out), "--where", "age_years < 50 and sex = 'female' and gm_ml < 605"]) == 0
        text = capsys.readouterr().out
        assert "openneuro.ds000011.v1.0.0" in text
        assert "study two" not in text
        assert "markiewicz2021" in text
    assert run(["cite", str(published), "--where", "dataset = 'study two'", "--format", "cff"]) == 0
    told = capsys.readouterr()
    cited = yaml.safe_load(told.out)
    assert cited["references"][0]["title"] == "Own study"
    assert "no DOI is known of study two" in told.err


def test_a_dataset_can_stay_at_home(corpus, tmp_path):
    there = tmp_path / "there"
    assert run(["publish", str(corpus), str(there)]) == 0
    assert run(["publish", str(corpus), str(there), "--leave-out", "study two"]) == 0
    assert not [*there.glob("shards/study*/*")]
    assert not [*there.glob("metadata/study*")]
    assert {*pq.read_table(there / "samples.parquet")["dataset"].to_pylist()} == {"ds000011"}
    assert "Own study" not in (there / "README.md").read_text()
    assert len(allbrains.open(there)) == 4
    assert run(["publish", str(corpus), str(there), "--leave-out", "nonsense"]) == 2


def test_a_url_of_fsspec(corpus):
    import fsspec

    assert run(["publish", str(corpus), "memory://bucket/brains"]) == 0
    files = fsspec.filesystem("memory").find("/bucket/brains")
    assert "/bucket/brains/samples.parquet" in files
    assert len(allbrains.open("memory://bucket/brains", maps=["gm"])) == 7
    assert run(["publish", str(corpus), "memory://bucket/brains", "--public"]) == 2


def test_only_what_changed_is_sent(published, corpus, capsys):
    shards = {path: path.stat().st_mtime_ns for path in published.glob("shards/*/*")}
    catalogue = corpus / "catalog" / "datasets.parquet"
    table = pq.read_table(catalogue)
    pq.write_table(table.slice(0, 1), catalogue)
    (published / "samples.parquet").write_bytes(b"cut")  # half a file, as another tool may leave
    capsys.readouterr()
    assert run(["publish", str(corpus), str(published)]) == 0
    assert "1 commits" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in published.glob("shards/*/*")} == shards
    assert (published / "samples.parquet").read_bytes() == (corpus / "samples.parquet").read_bytes()


def test_a_damaged_shard_is_not_published(corpus, tmp_path, capsys):
    shard = next(corpus.glob("shards/ds000011/*"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert run(["publish", str(corpus), str(tmp_path / "there")]) == 1
    assert "damaged" in capsys.readouterr().err
    assert not (tmp_path / "there").exists()


def test_another_corpus_is_not_overwritten(published, corpus, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(corpus, other)
    told = json.loads((other / "allbrains.json").read_text())
    (other / "allbrains.json").write_text(json.dumps(told | {"fingerprint": "0123456789abcdef"}))
    assert run(["publish", str(other), str(published)]) == 2
    assert "publish to another name" in capsys.readouterr().err


def test_the_viewer_judges_as_opening_does_however_the_table_is_cut(tmp_path):
    def made(number):
        one = sample(number)
        return replace(one, numbers=one.numbers | {"summary_wm_mad": 40.0 + number, "summary_wm_median": 1e3})

    out, there = tmp_path / "corpus", tmp_path / "there"
    write(Layout(out), ToyStory(scans=tuple(scan(number) for number in range(24)), maker=made))
    table = pq.read_table(out / "samples.parquet")
    pq.write_table(table, out / "samples.parquet", row_group_size=5)
    assert run(["publish", str(out), str(there)]) == 0
    shown = pq.read_table(there / "metadata" / "ds000011.parquet")
    opened = allbrains.open(out).table
    assert not any("too small" in one for one in shown["reject_reasons"].to_pylist())
    for name in ("scan_id", "reject_probability", "reject_reasons", "qc_pass"):
        assert shown[name].to_pylist() == opened[name].to_pylist()
