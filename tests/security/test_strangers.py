"""Names, answers and files are strangers' words: none of them moves a terminal, a spreadsheet or the code."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from allbrains.catalogue.raw_bids import Delivery, Status
from allbrains.cli import catalog, download
from allbrains.cli.progress_bar import Bar, Lines
from allbrains.errors import AllbrainsError, Reason
from allbrains.publish.card_text import tsv
from allbrains.records import Algorithm, Cause, Digest, Failed, Rejected, Scan
from allbrains.run.progress import Progress
from allbrains.run.run_log import RunLog
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.text import guarded, plain
from tests.sources.fake_openneuro import FakeOpenNeuro, file

SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.py"))
EVIL = "sub-\x1b]0;owned\x07\x1b[2J\r\n=cmd|' /C calc'!A0[bold]\u202egpj.exe"

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "cloudpickle"}


def scan(path: str) -> Scan:
    return Scan(
        dataset="ds1",
        snapshot="1",
        path=path,
        subject="01",
        session="",
        suffix="T1w",
        entities=(("sub", "01"),),
        size=1,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest="0" * 32),
        urls=(),
    )


def dangers(tree: ast.AST) -> list[str]:
    """Return what in a module could run or trust a stranger's bytes."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [name.name for name in names if name.name.partition(".")[0] in FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in FORBIDDEN_MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr="load")):
                found.append("yaml.load")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen")):
                found.append("os.system")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load"), keywords=keywords):
                if not any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in keywords):
                    found.append("torch.load")
            case ast.keyword(arg="allow_pickle" | "shell", value=ast.Constant(value=True)):
                found.append(node.arg)
            case ast.keyword(arg="verify" | "check_hostname", value=ast.Constant(value=False)):
                found.append(node.arg)
            case ast.Attribute(attr="CERT_NONE"):
                found.append("CERT_NONE")
    return found


def test_the_search_finds_what_it_looks_for():
    code = """
import pickle, joblib
from dill import loads
eval(x); yaml.load(x); os.system(x); torch.load(x); torch.load(x, weights_only=True)
np.load(x, allow_pickle=True); run(x, shell=True); get(x, verify=False); ssl.CERT_NONE
"""
    assert len(dangers(ast.parse(code))) == 11


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nothing_in_the_package_unpickles_evaluates_or_trusts_unseen(path):
    assert dangers(ast.parse(path.read_text())) == []


@given(st.text())
def test_plain_text_is_one_line_without_a_control_character(text):
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)


@given(st.text())
def test_no_cell_is_a_formula(text):
    assert not guarded(text).startswith(("=", "+", "-", "@"))
    assert guarded(text).endswith(text)


def test_a_name_moves_no_terminal_and_makes_no_line_of_its_own(tmp_path, capsys):
    counts = Progress(tmp_path, lambda: 1)
    screen = io.StringIO()
    bar = Bar(counts, Console(file=screen, force_terminal=False, width=300))
    log, lines = RunLog(tmp_path), Lines(counts)
    watchers = (counts, bar, log, lines)
    reports = [
        Report(outcome=Rejected(reason=Reason.UNREADABLE, detail=EVIL), said=f"{EVIL}\n{EVIL}"),
        Report(outcome=Failed(cause=Cause.EXCEPTION, detail=EVIL), said=EVIL),
    ]
    for watcher in watchers:
        watcher.begin(Plan(todo=(scan(EVIL), scan("b")), settled=0, seconds_per_scan=1.0))
    for report in reports:
        for watcher in watchers:
            watcher.again(scan(EVIL), report)
            watcher.see(scan(EVIL), report)
    for watcher in watchers:
        watcher.pause(EVIL)
        watcher.end("finished")
    logged = log.path.read_text()
    for text in (screen.getvalue(), logged, capsys.readouterr().out):
        assert text
        assert all(line.isprintable() for line in text.split("\n"))
        assert "\x1b" not in text
    assert all(
        line.startswith("20") and ("ds1/sub-" in line or " - " in line) for line in logged.splitlines()
    )
    assert "[bold]" in screen.getvalue()  # rich's markup is text, too


def test_tables_for_spreadsheets_hold_no_formula():
    assert catalog._cell("=1+1") == "'=1+1"
    assert catalog._cell(-1.5) == "-1.5"
    row = download._line(Delivery(status=Status.FAILED, path="@SUM(A1)", size=1, detail=EVIL))
    assert all(not cell.startswith(("=", "+", "-", "@")) for cell in row.split("\t"))
    assert len(row.split("\t")) == 4
    published = tsv([("=1+1", "@SUM(A1)", "-2"), (EVIL, "", "+x")])
    assert all(
        not cell.startswith(("=", "+", "-", "@")) for cell in published.replace("\n", "\t").split("\t")
    )


OPERATIONS = ["List", "Files", "Root", "Trees"]
FILES = [file("README"), file("participants.tsv"), file("sub-01/anat/sub-01_T1w.nii.gz")]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: object, here: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the way to each part of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, inner in items for place in places(inner, (*here, key)))]


def put(value: object, place: tuple[object, ...], other: object) -> object:
    """Return the value with another part at a place."""
    if not place:
        return other
    value = copy.copy(value)
    value[place[0]] = put(value[place[0]], place[1:], other)
    return value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_answer_of_the_api_is_read_or_refused_in_our_own_words(data, tmp_path_factory):
    operation, other = data.draw(st.sampled_from(OPERATIONS)), data.draw(JSON)

    def tamper(asked, variables, number, honest):
        if not asked.lower().startswith(operation.lower()):
            return honest
        honest = json.loads(json.dumps(honest))
        place = data.draw(st.sampled_from(places(honest)))
        changed = put(honest, place, other)
        return changed if isinstance(changed, dict) else {"data": changed}

    fake = FakeOpenNeuro({"ds000001": FILES}, tamper)
    source = OpenNeuro(fake, Endpoints(), cache=tmp_path_factory.mktemp("cache"))
    with contextlib.suppress(AllbrainsError):
        for snapshot in source.snapshots().snapshots:
            for entry in source.listing(snapshot).entries:
                assert not entry.path.startswith("/")
                assert ".." not in entry.path.split("/")
