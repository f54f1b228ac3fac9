"""What a report says: counts that add up, codes that are explained, data that survive the way to the page."""

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.errors import ConfigurationError, Reason
from allbrains.records import Cause
from allbrains.report import open_site, packing
from allbrains.report.advice import ADVICE
from allbrains.report.report_folder import write_report
from allbrains.report.report_rows import GAPS
from allbrains.sources.snapshot import Exclusion
from tests.report.tiny import ATTACK, DONE, HOSTILE, LOST, ODD, SCANS, make, make_coarse

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("rows") / "corpus")


def unpacked(data: bytes):
    """Return header and buffers of a data script: what the page does."""
    found = re.fullmatch(r'allbrains\.put\("([\w/-]+)","([A-Za-z0-9+/=]+)"\);\n', data.decode("ascii"))
    payload = gzip.decompress(base64.b64decode(found[2]))
    size = int.from_bytes(payload[:4], "little")
    header, start, buffers = json.loads(payload[4 : 4 + size]), 4 + size, []
    for length in header["buffers"]:
        assert start % 8 == 0  # typed arrays want it
        buffers.append(payload[start : start + length])
        start += -(-length // 8) * 8
    return header, buffers


def column(site, name):
    header, (data,) = unpacked(site.read(f"data/column/{site.columns.index(name):x}.js"))
    if header["kind"] == "numbers":
        return [None if np.isnan(one) else one for one in np.frombuffer(data, "<" + header["type"])]
    codes = np.frombuffer(data, "<" + header["type"])
    return [None if code == np.iinfo(codes.dtype).max else header["values"][code] for code in codes]


def test_every_scan_and_every_exclusion_is_one_row(root):
    site = open_site(root)
    counts = Counter(site.rows["outcome"].to_pylist())
    assert counts == {"done": DONE + 1, "rejected": 1, "failed": 2, "not planned": 1, "excluded": 1, "gap": 1}
    ids = [one for one in site.rows["scan_id"].to_pylist() if one]
    assert len(ids) == len(set(ids)) == len(SCANS) + 2


def test_columns_come_to_the_page_as_they_are(root):
    site = open_site(root)
    for name in ("dataset", "outcome", "reason", "sex", "qc", "license"):
        assert column(site, name) == site.rows[name].to_pylist()
    for name in ("age_years", "gm_ml", "size"):
        assert column(site, name) == site.rows[name].to_pylist()


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20))
def test_any_text_survives(words):
    header, (data,) = unpacked(packing.script("x", packing.column(pa.chunked_array([words], pa.string()))))
    codes = np.frombuffer(data, "<" + header["type"])
    assert [None if code == 65535 else header["values"][code] for code in codes] == words


def test_large_counts_keep_all_their_digits():
    header, (data,) = unpacked(packing.script("x", packing.column(pa.chunked_array([[2**24 + 1, None]]))))
    assert np.frombuffer(data, "<" + header["type"])[0] == 2**24 + 1


def test_the_odd_one_fails_its_limits_and_comes_first(root):
    site = open_site(root, volumes=1)
    assert site.volumes == (SCANS[ODD].scan_id,)
    row = site.rows.filter(pa.compute.equal(site.rows["scan_id"], SCANS[ODD].scan_id)).to_pylist()[0]
    assert (row["qc"], row["qc_reasons"], row["odd_in"]) == ("look", "cjv", "gm_ml")


def test_every_code_is_explained():
    assert set(ADVICE) == {*Reason, *Cause}
    assert set(Exclusion) >= GAPS


def test_details_tell_evidence_receipts_and_costs(root):
    site = open_site(root)
    header, _ = unpacked(site.read("data/details/0.js"))
    rows = dict(zip(site.rows["scan_id"].to_pylist(), header["value"], strict=False))
    assert rows[SCANS[0].scan_id]["receipts"][0]["raw"] == "20"
    assert rows[SCANS[10].scan_id]["costs"][0]["step"] == "affine"
    assert rows[SCANS[2].scan_id]["texts"]["detail"].startswith("4 frames")
    assert rows[SCANS[0].scan_id]["texts"]["digest"] == str(SCANS[0].digest)
    assert rows[SCANS[0].scan_id]["log"] == []  # what is done needs no excuse
    assert rows[SCANS[10].scan_id]["log"] == [
        f'| File "…/ants.py", line 3 {ATTACK}',
        "failed: timeout: more than 600 s",
    ]


def test_a_volume_is_the_brain_to_eight_bits(root):
    site = open_site(root)
    header, buffers = unpacked(site.read(f"data/volume/{SCANS[0].scan_id}.js"))
    maps = {one["name"]: (one, data) for one, data in zip(header["maps"], buffers, strict=True)}
    assert list(maps) == ["t1w", "tissue", "logjac", "mask"]
    brain = site.brains[site.places[SCANS[0].scan_id]]
    for name in ("t1w", "logjac"):
        about, data = maps[name]
        found = (
            np.frombuffer(data, np.uint8).reshape(header["shape"], order="F") * about["scale"]
            + about["offset"]
        )
        inside = getattr(brain, name)
        top = np.percentile(inside[inside > 0], 99.8) if name == "t1w" else 1.5
        np.testing.assert_allclose(found, inside.clip(-top, top), atol=about["scale"] / 2 + 1e-6)


def test_a_folder_holds_what_the_site_names_and_is_written_again_to_the_same_bytes(root, tmp_path):
    site = open_site(root, volumes=2)
    to = tmp_path / "report"
    written = set(write_report(site, to))
    digests = {name: hashlib.sha256((to / name).read_bytes()).hexdigest() for name in written}
    assert len([name for name in written if name.startswith("montages/")]) == len(site.brains)
    assert len([name for name in written if name.startswith("data/volume/")]) == 2
    assert set(write_report(site, to)) == written
    assert {name: hashlib.sha256((to / name).read_bytes()).hexdigest() for name in written} == digests


def test_of_two_corpora_the_volumes_are_of_the_same_scans(root, tmp_path):
    site = open_site(root, against=make_coarse(tmp_path / "coarse"), volumes=4)
    names = set(site.names())
    for scan_id in site.volumes:
        assert (f"other/data/volume/{scan_id}.js" in names) == (scan_id in site.other.places)
    assert LOST.scan_id not in site.other.places


def test_a_folder_with_something_else_is_left_alone(root, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="something else"):
        list(write_report(open_site(root), tmp_path))
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_nothing_of_the_corpus_is_in_a_file_name_or_in_source_code(root):
    site = open_site(root)
    for name in site.names():
        assert re.fullmatch(r"[\w./-]+", name)
        if name.startswith("data/"):
            unpacked(site.read(name))
    assert HOSTILE.encode() not in site.read("data/about.js")


def test_the_page_in_the_package_is_built_from_these_sources():
    web = PROJECT / "web"
    sources = [
        "package-lock.json",
        "build.mjs",
        *sorted(f"src/{one.name}" for one in (web / "src").iterdir()),
    ]
    digest = hashlib.sha256()
    for name in sources:
        digest.update(name.encode() + b"\0" + (web / name).read_bytes() + b"\0")
    built = (PROJECT / "src/allbrains/report/page/sources.sha256").read_text().strip()
    assert digest.hexdigest() == built, "run `make web`"
