"""Fill the pages' figures from what the benchmarks recorded in ``bench/results``.

A page says ``<!-- result NAME -->`` and ``<!-- end NAME -->``: between them come the lines that the benchmark
printed, and one line that says by which command, when, on what. Inside a sentence
``<!-- figure NAME KEY FORMAT -->24<!-- end -->`` holds one figure. A result of another recipe than today's
says so by itself. Run ``python tools/fill_figures.py`` after a benchmark; a test fails while a page is stale.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"
sys.path.insert(0, str(ROOT / "src"))

_BLOCK = re.compile(r"(<!-- result ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_FIGURE = re.compile(r"(<!-- figure ([\w-]+) (\w+) (\S+) -->).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Return every page that can hold figures."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fingerprint() -> str:
    """Return the fingerprint of today's recipe ``embedded``."""
    from allbrains import recipes

    return recipes.load("embedded").fingerprint


def filled(page: str, today: str) -> str:
    """Return the page with today's figures; ``today`` is the fingerprint of the recipe as it is now."""

    def block(match: re.Match[str]) -> str:
        result = _result(match[2])
        body = "\n".join(result["lines"])
        return f"{match[1]}\n{body}\n\n{_origin(result, today)}\n\n{match[3]}"

    def figure(match: re.Match[str]) -> str:
        value = format(_result(match[2])["figures"][match[3]], match[4])
        return f"{match[1]}{value}{match[5]}"

    return _FIGURE.sub(figure, _BLOCK.sub(block, page))


def _origin(result: dict[str, Any], today: str) -> str:
    said = f"*`{result['command']}`, {result['date']}, commit {result['commit']}; {result['machine']}.*"
    if result["fingerprint"] != today:
        said += " **Measured with an earlier version of the recipe `embedded` than today's.**"
    return said


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    now = fingerprint()
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if (new := filled(text, now)) != text:
            path.write_text(new, encoding="utf-8")
            print(path.relative_to(ROOT))
