"""Pages hold the figures that ``bench/results`` holds, and say when these are of another recipe."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from allbrains.run.work_plan import TYPICAL_SECONDS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fill_figures", ROOT / "tools/fill_figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_show_what_the_benchmarks_recorded(tool: ModuleType):
    today = tool.fingerprint()
    stale = []
    for path in tool.pages():
        text = path.read_text(encoding="utf-8")
        if tool.filled(text, today) != text:
            stale.append(path.name)
    assert stale == [], "run `python tools/fill_figures.py`"


def test_a_result_of_another_recipe_says_so(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    result = {
        "command": "python bench/x.py",
        "commit": "abc",
        "date": "2026-01-02",
        "machine": "2 cores",
        "fingerprint": "old",
        "figures": {"mean": 23.94},
        "lines": ["| a |", "|---|", "| 1 |"],
    }
    (tmp_path / "x.json").write_text(json.dumps(result))
    monkeypatch.setattr(tool, "RESULTS", tmp_path)
    page = "<!-- result x -->\n<!-- end x -->\nIt takes <!-- figure x mean .0f -->?<!-- end --> s."
    said = tool.filled(page, "new")
    assert "| 1 |" in said
    assert "earlier version of the recipe" in said
    assert "-->24<!--" in said
    assert "earlier version" not in tool.filled(page, "old")
    assert tool.filled(said, "new") == said


def test_a_plan_counts_what_a_scan_was_measured_to_cost(tool: ModuleType):
    measured = json.loads((tool.RESULTS / "processing-cost.json").read_text(encoding="utf-8"))["figures"]
    assert pytest.approx(measured["cpu_s_mean"], rel=0.2) == TYPICAL_SECONDS
