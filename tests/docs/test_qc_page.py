"""The page on quality tells the limits that the package has, and its code runs."""

import re
from pathlib import Path

import pytest

from allbrains.limits import LIMITS
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "qc.md").read_text(encoding="utf-8")


def test_the_page_has_every_limit_and_no_other():
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \|", PAGE, re.MULTILINE)
    told = {name: (float(low), float(high.replace("any", "inf"))) for name, low, high in rows}
    assert told == dict(LIMITS)


def test_the_pages_code_runs(tmp_path, monkeypatch):
    write(Layout(tmp_path / "brains"), ToyStory(scans=(scan(0), scan(1))))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(code, "qc.md", "exec"), names)
    assert {"brains", "strict"} <= names.keys()


@pytest.mark.parametrize("name", re.findall(r"\(\.\./(\S+?\.md)\)", PAGE))
def test_the_pages_links_lead_somewhere(name):
    assert (Path(__file__).parents[2] / "docs" / name).is_file()
