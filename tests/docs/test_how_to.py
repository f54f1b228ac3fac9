"""The code of the how-to pages on loading and splitting runs, on a small corpus."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from allbrains.cli.main import run
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("how-to")
    scans = tuple(scan(number) for number in range(24))
    ages = [18.0 + number for number in range(24)]
    people = {"scan_id": [one.scan_id for one in scans], "age_years": ages, "sex": ["female"] * 24}
    write(Layout(folder / "brains"), ToyStory(scans=scans, people=pa.table(people)))
    assert run(["splits", str(folder / "brains"), "--no-images"]) == 0
    return folder


@pytest.mark.filterwarnings("ignore")  # of other libraries
def test_the_pages_run_from_top_to_bottom(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    names = {}
    for page in ("load.md", "splits.md"):
        text = (PAGES / page).read_text(encoding="utf-8")
        for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            exec(compile(code.replace("96, 96, 96", "8, 8, 8"), page, "exec"), names)
    assert len(names["brains"]) == 21  # 20 to 40 years
    assert sum(len(batch) for batch in names["rest"]) == 21 - 4
    assert names["first"]["gm"].shape == names["brain"].gm.shape
    assert 0 < sum(len(batch) for batch in names["train"]) < 21
