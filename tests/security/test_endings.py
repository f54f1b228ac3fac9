"""Words on a terminal move nothing; whatever the system does ends in a sentence and the right exit code."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from allbrains.cli import main as entry
from allbrains.cli.main import run
from allbrains.cli.terminal import echo
from allbrains.errors import CorpusError
from allbrains.store import ratings
from allbrains.store.ratings import Rating, Verdict
from allbrains.transfer.http_client import LONGEST_WAIT_S, retry_after
from tests.security import stranger

CLI = sorted((Path(__file__).parents[2] / "src/allbrains/cli").glob("*.py"))
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202e\ud83d"


@pytest.mark.parametrize(
    "path", [one for one in CLI if one.name != "terminal.py"], ids=lambda path: path.stem
)
def test_every_command_speaks_through_one_function(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("click.echo", "click.secho", "print", "sys.stdout.write"), (
                node.lineno
            )


def test_no_control_character_is_printed(capsys):
    echo(f"a\tb\n{EVIL}é漢")
    assert capsys.readouterr().out == "a\tb\n?]0;owned??[2J?31m???é漢\n"
    echo(EVIL, err=True)
    said = capsys.readouterr().err
    assert all(c.isprintable() or c == "\n" for c in said)


ERRORS = {
    OSError(errno.EIO, "Input/output error", "/data/x"): (1, "/data/x: Input/output error"),
    OSError(errno.ENOSPC, "No space left on device"): (1, "No space left"),
    MemoryError(): (1, "memory"),
    BrokenPipeError(): (1, ""),
    CorpusError(f"names {EVIL}"): (1, "names ?"),
    click.Abort(): (130, "interrupted"),
}


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_the_system_does_ends_in_words(error, monkeypatch, capsys):
    def fail(**_):
        raise error

    monkeypatch.setattr(entry.cli, "main", fail)
    code, said = ERRORS[error]
    assert run(["status", "x"]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_any_locale_and_any_name(locale, tmp_path):
    corpus = stranger.sound(tmp_path / "corpus")
    stranger.with_values(corpus, note="é漢")
    odd = os.fsencode(tmp_path) + b"/\xe9\xff"
    os.rename(corpus, odd)
    settings = {**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": "ascii"}
    for command in (
        ["verify", odd],
        ["cite", odd],
        ["export", odd, "--to", odd + b"/to", "--where", "note = 'é漢'"],
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "allbrains", *command], capture_output=True, env=settings, timeout=100
        )
        assert ended.returncode in (0, 1, 2), ended
        assert b"Traceback" not in ended.stderr, ended.stderr.decode(errors="replace")


@pytest.mark.parametrize(
    "told",
    [
        "1" + "0" * 9,
        "1" + "0" * 400,
        "1e400",
        "-5",
        "nan",
        "Fri, 31 Dec 99999999999 23:59:59 GMT",
        "\x00",
        "٣",
    ],
)
def test_an_absurd_wait_is_a_long_pause_or_none(told):
    wait_s = retry_after({"retry-after": told})
    assert 0 <= wait_s <= LONGEST_WAIT_S
    if told.isascii() and told.isdigit():
        assert wait_s >= 10**9


def test_a_cell_of_a_rating_is_no_formula_and_comes_back(tmp_path):
    note = '=HYPERLINK("http://x")'
    rated = Rating(scan_id="a" * 32, dataset="@ds", path="-1", rating=Verdict.DOUBT, note=note, rated="+1")
    ratings.rate(tmp_path, rated.scan_id, rated)
    cells = [cell for line in (tmp_path / ratings.NAME).read_text().splitlines() for cell in line.split("\t")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert ratings.read(tmp_path) == {rated.scan_id: rated}


WRITER = """
import sys
from pathlib import Path
from allbrains.store import ratings
from allbrains.store.ratings import Rating, Verdict
for number in range(24):
    name = f"{sys.argv[2]}-{number}"
    one = Rating(scan_id=name, dataset="d", path="p", rating=Verdict.ACCEPT, note="", rated="")
    ratings.rate(Path(sys.argv[1]), one.scan_id, one)
    print("saved", one.scan_id, flush=True)
"""


def test_no_rating_that_was_answered_saved_is_lost(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, str(n)], stdout=subprocess.PIPE)
        for n in range(4)
    ]
    saved = [
        line.split()[1] for one in writers for line in one.communicate(timeout=100)[0].decode().splitlines()
    ]
    assert len(saved) == 96
    assert {*ratings.read(tmp_path)} == {*saved}
