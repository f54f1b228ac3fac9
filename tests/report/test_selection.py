"""What is on the screen can be taken along: as a table, and as the condition that chooses it elsewhere."""

import csv
import io
import re
from urllib.parse import urlencode

import pytest

import allbrains
from allbrains.report import open_site
from allbrains.report.review_server import serving
from allbrains.store.ratings import Rating, Verdict, rate
from tests.report.tiny import HOSTILE, SCANS, make


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = make(tmp_path_factory.mktemp("selection") / "corpus")
    one = Rating(scan_id=SCANS[1].scan_id, dataset="d", path="p", rating=Verdict.REJECT, note="", rated="")
    rate(made, one.scan_id, one)
    return made


@pytest.fixture(scope="module")
def address(root):
    with serving(open_site(root, served=True)) as url:
        yield url


@pytest.mark.parametrize(
    "filters",
    [
        {"sex": "female", "age_years": "20..30"},
        {"age_years": "..26)"},
        {"qc": "look"},
        {"dataset": HOSTILE, "sex": "unknown"},
        {"rating": "unknown", "q": "sub-000"},
        {"rating": "reject"},
        {"age_years": "unknown"},
    ],
)
def test_the_condition_chooses_what_is_on_the_screen_and_the_table_holds_it(page, address, root, filters):
    page.goto(f"{address}#/brains?{urlencode({'outcome': 'done', **filters})}")
    page.wait_for_selector(".count b")
    page.wait_for_function("() => !document.querySelector('.loading')")
    count = int(page.inner_text(".count b"))
    if not count:
        page.get_by_text("Nothing fits these filters").wait_for()
        assert page.get_by_role("button", name="where=").count() == 0
        return
    page.get_by_role("button", name="where=").click()
    code = page.locator(".copied code").nth(1).inner_text()
    where = re.fullmatch(r'allbrains\.open\("corpus", where="(.*)"\)', code)[1].replace('\\"', '"')
    chosen = allbrains.open(root, where=where)
    assert len(chosen) == count
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV of these").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert sorted(row["scan_id"] for row in rows) == sorted(chosen.table["scan_id"].to_pylist())
    assert [row["gm_ml"] for row in rows] != [""] * count
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())


def test_a_doi_that_nobody_told_is_not_made_up(page, address):
    page.goto(f"{address}#/scan/{SCANS[9].scan_id}?view=planes")
    page.wait_for_selector("aside .links a")
    assert page.locator("aside a[href*='doi.org']").count() == 0
