"""A merge that was committed half done: Git's own marks must not be published with the pages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
MARK = re.compile(rb"^(<{7} |={7}$|>{7} )", re.MULTILINE)
KINDS = {".md", ".py", ".toml", ".yml", ".ipynb", ".ts", ".tsx", ".css", ".json"}
ROOMS = ("src", "docs", "tests", "bench", "tools", "web/src")


def marked(text: bytes) -> bool:
    return bool(MARK.search(text))


def test_no_file_holds_the_marks_of_a_merge_conflict():
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in KINDS]
    files += [path for path in ROOT.iterdir() if path.suffix in KINDS]
    assert len(files) > 500
    assert [path for path in files if marked(path.read_bytes())] == []


def test_marks_are_known_and_headings_are_not_taken_for_them():
    assert all(marked(line.encode()) for line in ("a\n<<<<<<< " + "HEAD", "=" * 7, ">>>>>>> " + "main"))
    assert not marked(b"Title\n=====\n\nLonger\n==========\n")
