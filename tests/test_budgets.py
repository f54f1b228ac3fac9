"""The budgets of the house: file length, function length, no import cycle, modules documented."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_CODE_LINES = 40


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines of a function without its docstring, blank lines, comments and its own nested functions."""
    skip: set[int] = set()
    if ast.get_docstring(function) is not None:
        doc = function.body[0]
        skip |= set(range(doc.lineno, (doc.end_lineno or 0) + 1))
    body = range(function.lineno, (function.end_lineno or 0) + 1)
    return sum(
        1
        for n in body
        if n not in skip and lines[n - 1].strip() and not lines[n - 1].lstrip().startswith("#")
    )


def functions(path: Path) -> Iterator[tuple[str, int]]:
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, code_lines(node, lines)


def over_budget(path: Path) -> Iterator[str]:
    """Yield what is too long in a file."""
    name, lines = path.relative_to(ROOT), len(path.read_text().splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{name}: {lines} lines"
    yield from (f"{name}, {f}: {n} code lines" for f, n in functions(path) if n > MAX_FUNCTION_CODE_LINES)


def test_no_file_or_function_is_too_long():
    assert [fault for path in SOURCES for fault in over_budget(path)] == []


def test_what_is_too_long_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_budgets.ROOT", tmp_path)
    path = tmp_path / "long.py"
    path.write_text("def f():\n" + "    x = 1\n" * MAX_FUNCTION_CODE_LINES + "\n" * MAX_FILE_LINES)
    assert list(over_budget(path)) == ["long.py: 441 lines", "long.py, f: 41 code lines"]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("allbrains"):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("allbrains")}
    return found


def test_no_import_cycle():
    names = {
        ".".join(p.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__"): p
        for p in SOURCES
    }
    # a package's own name is kept out of its children's edges: `from allbrains.store import layout`
    # names the module; the package is only the way there
    edges = {name: {i for i in imports(path) if i in names and i != name} for name, path in names.items()}
    for name, targets in edges.items():
        edges[name] = {t for t in targets if not any(o.startswith(t + ".") for o in targets)}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail, name))
        if name not in done:
            for target in sorted(edges[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())


# Where a scan is run, and where a dataset is read: what is processed there is a stranger's, of any shape, and
# whatever it makes our code raise becomes a row. Anywhere else a broad clause would hide a fault of ours.
BROAD = ("src/allbrains/catalogue/contained.py", "src/allbrains/run/one_scan.py")


def test_broad_excepts_stand_where_a_stranger_is_contained_and_nowhere_else():
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.strip().startswith(("except Exception", "except:", "except BaseException"))
    ]
    assert sorted(one.partition(":")[0] for one in found) == sorted(BROAD), found


def test_no_module_name_stands_in_two_rooms():
    """One who looks for a module by its name opens the right file first."""
    modules = Counter(path.name for path in SOURCES if not path.name.startswith("__"))
    assert [name for name, times in modules.items() if times > 1] == []


def test_no_public_class_name_stands_in_two_modules():
    classes = Counter(
        node.name
        for path in SOURCES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in classes.items() if times > 1] == []


def test_no_two_test_files_share_a_name():
    """Outside packages pytest imports a test by its bare name; a second one stops the whole collection."""
    tests = [p for p in (ROOT / "tests").rglob("test_*.py") if not (p.parent / "__init__.py").exists()]
    assert len({p.name for p in tests}) == len(tests)
