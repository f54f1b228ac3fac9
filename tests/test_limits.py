"""The verdict: limits move, nothing is deleted, and what was not measured does not pass in silence."""

import math
import subprocess
import sys

import pyarrow as pa
import pytest

import allbrains
from allbrains.errors import ConfigurationError
from allbrains.limits import LIMITS, judged, moved, verdict
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write


def table(**columns) -> pa.Table:
    return pa.table(columns)


def test_within_the_limits_passes_and_the_ends_belong_to_them():
    low, high = LIMITS["cjv"]
    passed, reasons = verdict(table(cjv=[low, high, math.nextafter(high, 9), None, float("nan")]))
    assert passed.to_pylist() == [True, True, False, False, False]
    assert reasons.to_pylist() == ["", "", "cjv", "cjv", "cjv"]


def test_all_reasons_are_told_in_the_limits_order():
    passed, reasons = verdict(table(cjv=[9.0, 0.3], folded_fraction=[0.5, 0.0], spacing_max_mm=[6, 1]))
    assert passed.to_pylist() == [False, True]
    assert reasons.to_pylist() == ["spacing_max_mm, folded_fraction, cjv", ""]


def test_what_a_recipe_does_not_measure_is_not_judged():
    passed, _ = verdict(table(name=["a", "b"]))
    assert passed.to_pylist() == [True, True]
    assert verdict(table(name=pa.array([], pa.string())))[0].to_pylist() == []


def test_a_limit_can_be_moved_and_added_and_the_others_stay():
    rows = table(cjv=[0.5, 0.3], gm_ml=[600.0, 700.0], folded_fraction=[0.0, 0.9])
    assert verdict(rows, moved({"cjv": (0, 0.4)}))[1].to_pylist() == ["cjv", "folded_fraction"]
    assert verdict(rows, moved({"gm_ml": (650, 999)}))[1].to_pylist() == ["gm_ml", "folded_fraction"]
    assert verdict(rows, {"cjv": (0, 1)})[0].to_pylist() == [True, True]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"cvj": (0, 1)}, "no such column; did you mean 'cjv'"),
        ({"cjv": (1, 0)}, "expected low ≤ high, found 1 and 0"),
        ({"cjv": (float("nan"), 1)}, "expected low ≤ high"),
        ({"note": (0, 1)}, "holds no numbers"),
    ],
)
def test_a_wrong_limit_is_refused(limits, said):
    with pytest.raises(ConfigurationError, match=said):
        verdict(table(cjv=[0.5], note=["x"]), limits)


def test_the_columns_describe_themselves_and_no_row_is_lost():
    out = judged(table(cjv=[9.0, 0.1]))
    assert len(out) == 2
    assert all(out.field(name).metadata[b"description"] for name in ("qc_pass", "qc_reasons"))


def test_a_corpus_can_be_opened_by_its_verdict(tmp_path):
    layout = Layout(tmp_path / "corpus")
    write(layout, ToyStory(scans=tuple(scan(n) for n in range(4))))
    assert len(allbrains.open(layout.root, where="qc_pass")) == 4
    limits = moved({"gm_ml": (601.5, 700)})  # the samples' grey matter is 600 ml and their number
    opened = allbrains.open(layout.root, limits=limits)
    assert [brain.row["qc_reasons"] for brain in opened] == ["gm_ml", "gm_ml", "", ""]
    good = allbrains.open(layout.root, where="qc_pass", limits=limits)
    assert [brain.row["subject"] for brain in good] == ["0002", "0003"]
    bad = allbrains.open(layout.root, where="qc_reasons like '%gm_ml%'", limits=limits)
    assert [brain.row["subject"] for brain in bad] == ["0000", "0001"]


def test_who_only_reads_needs_no_image_processing():
    code = "import sys, allbrains.load; print({'ants', 'scipy', 'nibabel', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
