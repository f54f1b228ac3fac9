"""Write the map of rooms in CONTRIBUTING.md from the first line of each package and ground-floor module.

Run ``python tools/map_of_rooms.py`` after adding or renaming a room; a test fails while the map is stale.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/allbrains"
PAGE = ROOT / "CONTRIBUTING.md"
START, END = "<!-- map of rooms: made by tools/map_of_rooms.py -->\n", "<!-- end of the map -->"


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].removesuffix(".")


def rooms() -> str:
    """Return the map as Markdown: a table of ground-floor modules and packages, in alphabetical order."""
    modules = [path for path in sorted(PACKAGE.glob("*.py")) if not path.name.startswith("__")]
    packages = [path for path in sorted(PACKAGE.rglob("__init__.py")) if path.parent != PACKAGE]
    rows = [(path.name, first_line(path)) for path in modules]
    rows += [(f"{path.parent.relative_to(PACKAGE)}/", first_line(path)) for path in packages]
    return "| in `src/allbrains/` | what it holds |\n|---|---|\n" + "".join(
        f"| `{name}` | {line} |\n" for name, line in rows
    )


def with_map(page: str) -> str:
    """Return the page with today's map between the two marks."""
    before, rest = page.split(START)
    after = rest.split(END)[1]
    return f"{before}{START}\n{rooms()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_map(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
