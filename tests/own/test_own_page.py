"""The page needs nobody, lets nothing in, and says what it must."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from allbrains.limits import LIMITS
from allbrains.own import page_text
from allbrains.own.centiles import Centile
from allbrains.own.charts import chart, number
from allbrains.own.compare import MEASURES, Chart, Compared, Subject
from allbrains.own.mesh import Mesh
from allbrains.own.page import PageContent, centile_text, page

CANARY = '"><script>alert(1)</script>'


def compared(percent=62.0, **changes):
    ages = np.linspace(18, 80, 20)
    curves = np.stack([600 - ages + k * 30 for k in range(5)], axis=1)
    drawn = Chart(ages=ages, curves=curves, low=curves - 5, high=curves + 5)
    centile = Centile(percent=percent, low=max(percent - 4, 5), high=min(percent + 5, 95))
    made = Compared(measure=MEASURES[0], value=640.0, people=812, centile=centile, chart=drawn)
    return replace(made, **changes)


def story(**changes):
    corners = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]], np.float32)
    made = PageContent(
        subject=Subject(age_years=42.0, sex="female"),
        faults=(),
        quality=("Voxels of 1 mm.",),
        doubts=(),
        compared=(compared(),),
        lobes=(("frontal", 90.0, 91.0),),
        corpus="Compared with 812 people.",
        pictures=(b"one", b"two", b"three"),
        mesh=Mesh(vertices=corners, faces=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)),
        chosen=("Series 4.",),
        files=(("brain.stl", "the surface"),),
        recipe="embedded (0123)",
    )
    return replace(made, **changes)


class Reader(HTMLParser):
    """Notes tags, attributes, and the bodies of scripts and styles."""

    def __init__(self):
        super().__init__()
        self.attributes, self.bodies, self._open = [], [], None

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._open = (tag, dict(attrs)) if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.bodies.append((*self._open, data))


def read(text):
    reader = Reader()
    reader.feed(text)
    return reader


def test_it_loads_nothing_from_anywhere():
    reader = read(page(story()))
    for tag, name, value in reader.attributes:
        assert name not in ("href", "style"), (tag, name)
        assert not name.startswith("on"), (tag, name)
        if name == "src":
            assert value.startswith("data:image/jpeg;base64,")
    text = page(story())
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|import\(", text)


def test_only_its_own_script_and_style_may_run():
    reader = read(page(story()))
    (policy,) = (v for t, n, v in reader.attributes if (t, n) == ("meta", "content") and "default-src" in v)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag, attributes, body in reader.bodies:
        if attributes.get("type") == "application/json":
            continue  # data, which no browser runs
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_quality_comes_before_any_number_and_no_diagnosis_before_all():
    for made in (story(), story(faults=("cjv",))):
        text = page(made)
        places = [text.index(part) for part in ("No diagnosis", "Is the scan good enough?", "640 ml")]
        assert places == sorted(places)


def test_a_poor_scan_says_so_and_why():
    text = page(story(faults=("cjv", "made_up")))
    assert "<strong>No.</strong>" in text
    assert page_text.QUALITY["cjv"] in text
    assert "made_up is outside its limits" in text


def test_every_limit_of_the_verdict_has_words():
    assert set(page_text.QUALITY) >= set(LIMITS)


def test_why_there_is_no_centile_is_told_once():
    nobody = tuple(Compared(measure=m, value=1.0, why_not="the corpus is empty") for m in MEASURES)
    text = page(story(compared=nobody))
    assert text.count("No centile: the corpus is empty.") == 1
    assert "<svg" not in text


@pytest.mark.parametrize(
    ("percent", "says"), [(5.0, "below the 5th"), (95.0, "above the 95th"), (62.0, "62nd"), (11.0, "11th")]
)
def test_centiles_in_words(percent, says):
    assert centile_text(compared(percent)).startswith(says)


def test_another_scanner_is_told_where_it_was_looked_at():
    assert "40–80 with another scanner (12 in the corpus)" in centile_text(
        compared(site_low=40.0, site_high=80.0, sites=12)
    )


def test_what_strangers_wrote_stays_text():
    strange = story(
        corpus=CANARY, recipe=CANARY, chosen=(CANARY,), quality=(CANARY,), files=((CANARY, CANARY),)
    )
    text = page(strange)
    assert CANARY not in text
    assert text.count("<script") == page(story()).count("<script")


def test_the_mesh_survives_the_way_into_the_page():
    import json

    made = story()
    (body,) = (b for _, a, b in read(page(made)).bodies if a.get("type") == "application/json")
    data = json.loads(body)
    back = np.frombuffer(base64.b64decode(data["vertices"]), "<i2").reshape(-1, 3) * data["step"]
    np.testing.assert_allclose(np.diff(back, axis=0), np.diff(made.mesh.vertices, axis=0), atol=data["step"])
    np.testing.assert_array_equal(
        np.frombuffer(base64.b64decode(data["faces"]), "<u4").reshape(-1, 3), made.mesh.faces
    )


def test_the_dot_of_a_chart_stays_inside_it_however_far_out():
    for value in (1.0, 640.0, 9000.0):
        (x, y) = re.search(r'cx="([\d.]+)" cy="([\d.]+)"', chart(compared(value=value), 95.0)).groups()
        assert 0 <= float(x) <= 320
        assert 0 <= float(y) <= 190


def test_numbers_that_were_not_measured_are_a_dash():
    assert number(float("nan"), "ml") == "–"
    assert number(640.2, "ml") == "640 ml"
    assert number(0.4321, "") == "0.432"
