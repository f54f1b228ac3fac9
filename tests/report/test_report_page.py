"""The page in a browser: Debian's Chromium, without a graphics card and without a network."""

import io
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from allbrains.report import open_site
from allbrains.report.report_folder import write_report
from allbrains.report.review_server import serving
from tests.report.tiny import ATTACK, DONE, HOSTILE, NEW, ODD, SCANS, TITLE, make, make_coarse


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("page") / "corpus")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return make(tmp_path_factory.mktemp("other") / "before")


@pytest.fixture(scope="module")
def address(root, other):
    with serving(open_site(root, against=other, served=True)) as url:
        yield url


def cards(page):
    """Return the captions of the gallery, in its order."""
    page.wait_for_selector(".card")
    places = page.eval_on_selector_all(
        ".card", "all => all.map(c => [parseFloat(c.style.top), parseFloat(c.style.left), c.innerText])"
    )
    return [text.replace("\n", " ") for _, _, text in sorted(places)]


def shown_count(page, count):
    page.wait_for_function("n => document.querySelector('.count b')?.textContent === n", arg=str(count))


def test_the_overviews_numbers_add_up_and_lead_to_their_rows(page, address):
    page.goto(address)
    page.wait_for_selector(".stat.done")
    names = ("listed", "planned", "done", "rejected", "failed", "pending")
    count = {name: int(page.inner_text(f".stat.{name} .figure")) for name in names}
    assert count["planned"] == count["done"] + count["rejected"] + count["failed"] + count["pending"] == 13
    assert count["listed"] == count["planned"] + 1
    page.click(".stat.rejected")
    shown_count(page, count["rejected"])
    assert "not_3d" in page.inner_text("table.missing")
    page.go_back()
    page.click(".stat.listed")
    shown_count(page, count["listed"])


def test_the_gallery_begins_with_the_odd_one(page, address):
    page.set_viewport_size({"width": 1400, "height": 1400})  # all cards at once
    page.goto(f"{address}#/brains")
    first = cards(page)[0]
    assert f"sub-{SCANS[ODD].subject}" in first
    assert "look: CJV" in first
    assert len(cards(page)) == DONE + 1


def test_filters_are_in_the_address_and_an_address_is_a_filter(page, address):
    page.goto(f"{address}#/brains?{urlencode({'outcome': 'done', 'sex': 'female', 'age_years': '20..30'})}")
    shown_count(page, 2)  # 23 and 29 years
    page.get_by_role("button", name="Remove the filter on Sex").click()
    shown_count(page, 3)  # the man of 26 was rejected
    assert "sex=" not in page.url
    page.fill("input[type=search]", SCANS[1].scan_id[:12])
    shown_count(page, 1)
    assert f"q={SCANS[1].scan_id[:12]}" in page.url
    page.reload()
    shown_count(page, 1)
    page.locator("select").first.select_option("dataset")
    page.get_by_label(HOSTILE).check()
    shown_count(page, 0)
    page.get_by_text("Nothing fits these filters").wait_for()


def test_rows_are_ordered_by_any_column_with_the_unknown_last(page, address):
    page.set_viewport_size({"width": 1400, "height": 1400})  # all cards at once
    page.goto(f"{address}#/brains?outcome=done&sort=-age_years")
    ages = [text.split(" y, ")[0].split()[-1] for text in cards(page) if " y, " in text]
    assert [float(one) for one in ages] == sorted(map(float, ages), reverse=True)
    assert "no demographics" in cards(page)[-1] or " y, " not in cards(page)[-1]
    page.get_by_label("Order").select_option("age_years")
    page.wait_for_url("**sort=age_years*")
    page.wait_for_function("() => document.querySelector('.card').innerText.includes('20 y')")
    page.get_by_role("button", name="Table").click()
    page.get_by_role("button", name="Grey matter ml").click()
    page.wait_for_selector("th[aria-sort=descending]")
    assert page.inner_text("table.rows tbody tr:nth-child(2) td:nth-child(2)").startswith(
        f"sub-{SCANS[ODD].subject}"
    )


def painted(locator):
    """Return how many grey values a canvas shows."""
    picture = np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L"))
    return len(np.unique(picture))


def test_three_planes_are_drawn_without_webgl(page, address):
    page.goto(f"{address}#/scan/{SCANS[0].scan_id}?view=planes")
    canvases = page.locator(".planes canvas")
    canvases.nth(2).wait_for()
    assert [painted(canvases.nth(n)) > 20 for n in range(3)] == [True] * 3
    before = canvases.nth(0).screenshot()
    page.get_by_role("slider", name="Sagittal plane").fill("3")
    assert canvases.nth(0).screenshot() != before
    plain = canvases.nth(2).screenshot()
    page.get_by_role("button", name="Tissues").click()
    page.wait_for_selector(".legend i")
    assert canvases.nth(2).screenshot() != plain


def test_niivue_draws_planes_and_the_brain(page, address):
    page.goto(f"{address}#/scan/{SCANS[0].scan_id}?view=3d")
    page.wait_for_selector(".stage[data-drawn=none] canvas")
    canvas = page.locator(".stage canvas")
    assert painted(canvas) > 20
    before = canvas.screenshot()
    page.get_by_role("button", name="Tissues").click()
    page.wait_for_selector(".stage[data-drawn=tissue]")
    assert canvas.screenshot() != before


def test_one_scan_tells_its_receipts_costs_and_links(page, address):
    page.goto(f"{address}#/scan/{SCANS[0].scan_id}?view=planes")
    page.get_by_text("rule age.number").wait_for()
    assert ATTACK in page.inner_text(".receipt")
    page.wait_for_selector(".metric")
    links = page.eval_on_selector_all("aside .links a", "all => all.map(a => a.href)")
    assert "https://openneuro.org/datasets/ds000011/versions/1.0.0" in links
    assert "https://doi.org/10.18112/openneuro.ds000011.v1.0.0" in links
    page.goto(f"{address}#/scan/{SCANS[10].scan_id}")
    page.get_by_text("more than 600 s", exact=True).wait_for()
    page.get_by_text("A slow machine needs a longer limit").wait_for()
    assert f'File "…/ants.py", line 3 {ATTACK}' in page.inner_text(".log pre")
    page.goto(f"{address}#/missing?reason=timeout")
    page.get_by_text("From the log").click()
    page.get_by_text("failed: timeout: more than 600 s").wait_for()


def test_text_that_attacks_stays_text(page, address):
    page.goto(f"{address}#/overview")
    page.get_by_text(HOSTILE).first.wait_for()
    assert TITLE in page.inner_text("main")
    page.goto(f"{address}#/scan/{SCANS[8].scan_id}?view=planes")
    page.get_by_role("heading", name=HOSTILE).wait_for()
    hrefs = page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href') ?? '')")
    assert not [href for href in hrefs if href.startswith("javascript")]
    page.goto(f"{address}#/missing")
    page.get_by_text(f"4 frames {ATTACK}").wait_for()
    assert page.locator("main script, main svg, main img[onerror]").count() == 0


def test_a_script_that_gets_into_the_page_is_not_run(page, address):
    page.attacked = True  # and the browser says so
    page.goto(address)
    page.wait_for_selector(".stat.done")
    blocked = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener('securitypolicyviolation', () => done(true));
            document.body.insertAdjacentHTML('beforeend', '<a id="bad" onclick="window.stolen = 1">x</a>');
            document.getElementById('bad').click();
            setTimeout(() => done(window.stolen === undefined), 5000);
        })"""
    )
    assert blocked


def outcomes(page):
    """Return how often a pair of outcomes is, here and there."""
    page.wait_for_selector(".ends-of-both li")
    rows = page.locator(".ends-of-both li").all_inner_texts()
    return {" ".join(row.split()[:-1]): int(row.split()[-1]) for row in rows}


def test_two_corpora_that_are_alike(page, address):
    page.goto(f"{address}#/compare")
    page.get_by_text("in the same way").wait_for()
    assert outcomes(page)["done → done"] == DONE + 1
    figures = page.locator(".panel.wide .stat .figure").all_inner_texts()
    assert figures == [str(DONE + 1), "0", "± 0", "1.000"]  # nothing differs


def test_two_corpora_that_differ_in_scans_recipe_and_grid(page, root, tmp_path):
    coarse = make_coarse(tmp_path / "coarse")
    with serving(open_site(root, against=coarse, served=True)) as url:
        page.goto(f"{url}#/compare")
        page.wait_for_selector(".panel.wide .stat")
        differs = page.inner_text(".making")
        assert "16 × 20 × 18" in differs
        assert "8 × 10 × 9" in differs
        assert "Step canonical" in differs
        assert outcomes(page) == {
            "done → done": DONE - 1,
            "done → not listed": 1,
            "done → rejected": 1,
            "not listed → done": 1,
            "rejected → done": 1,
            "failed → done": 1,
            "failed → not listed": 1,
            "not planned → not listed": 1,
        }
        assert page.locator(".panel.wide .stat .figure").all_inner_texts()[:2] == [str(DONE - 1), "10"]
        page.get_by_role("link", name="done → rejected").click()
        page.get_by_text("rejected constant").wait_for()
        page.locator(".ends-of-both table a").click()
        page.get_by_text("All voxels have one value").wait_for()
        page.goto(f"{url}#/compare?scan={NEW.scan_id}")
        page.locator(".badge.notlisted").wait_for()
        page.goto(f"{url}#/compare?scan={SCANS[1].scan_id}")
        page.locator(".planes canvas").nth(8).wait_for()  # here, there, difference
        sizes = page.eval_on_selector_all(".planes canvas", "all => all.map(c => [c.width, c.height])")
        assert sizes[0] == sizes[6] == [20, 18]
        assert sizes[3] == [10, 9]
        sliders = page.get_by_role("slider", name="Sagittal plane")
        sliders.nth(0).fill("4")
        assert sliders.nth(1).input_value() == "2"  # the same millimetre


def test_the_folder_opens_from_a_disk(page, root, tmp_path):
    list(write_report(open_site(root, volumes=1), tmp_path / "report"))
    url = (tmp_path / "report" / "index.html").as_uri()
    page.goto(f"{url}#/brains")
    page.wait_for_function("() => [...document.querySelectorAll('.card img')].some(i => i.naturalWidth > 0)")
    shown_count(page, DONE + 1)
    page.goto(f"{url}#/scan/{SCANS[ODD].scan_id}?view=3d")
    page.wait_for_selector(".stage[data-drawn=none] canvas")
    page.goto(f"{url}#/scan/{SCANS[0].scan_id}")
    page.get_by_text("This folder holds the picture only").wait_for()


@pytest.mark.parametrize(
    "view", ["overview", "brains", "missing", "review", "compare", f"scan/{SCANS[0].scan_id}"]
)
def test_a_telephone_scrolls_only_down(page, address, view):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}#/{view}")
    page.wait_for_selector("h1")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
