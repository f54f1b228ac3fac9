"""One palette: the pages' style sheets have the colours that the charts of Python have."""

import re
from pathlib import Path

from allbrains import palette

PROJECT = Path(__file__).parents[1]


def light(path):
    """Return the colours that a style sheet names for a light ground."""
    text = (PROJECT / path).read_text(encoding="utf-8").partition("@media (prefers-color-scheme: dark)")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))


def test_the_pages_have_the_charts_colours():
    page = light("web/src/style.css")
    assert {name: page[name] for name in ("female", "male")} == {
        name: palette.SEXES[name] for name in ("female", "male")
    }
    assert page["quiet"] == palette.QUIET == palette.SEXES["unknown"]
    assert page["accent"] == light("src/allbrains/own/page.css")["accent"] == palette.ACCENT
    assert page["warn"] == palette.LIMIT


def test_no_chart_has_a_colour_of_its_own():
    source = PROJECT / "src" / "allbrains"
    charts = [path for path in source.rglob("*.py") if "matplotlib" in path.read_text(encoding="utf-8")]
    assert len(charts) >= 2
    for path in charts:
        assert not re.findall(r"#[0-9a-fA-F]{6}", path.read_text(encoding="utf-8")), path
