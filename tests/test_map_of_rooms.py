"""CONTRIBUTING's map of rooms is made from the packages' own first lines, and is today's."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_map_of_rooms_is_todays():
    spec = importlib.util.spec_from_file_location("map_of_rooms", ROOT / "tools/map_of_rooms.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = tool.PAGE.read_text(encoding="utf-8")
    assert tool.with_map(page) == page, "run `python tools/map_of_rooms.py`"
    assert page.count("`run/slot/`") == 1
