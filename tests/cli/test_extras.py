"""Every install works: help and completion need no extra, and a command says which one it lacks."""

import json
import subprocess
import sys
from importlib import metadata

import pytest

from allbrains import extras
from allbrains.cli.commands import COMMANDS, GROUPS
from allbrains.testing.corpora import ToyStory, scan, write

# Runs the command line as if the packages of all extras but some were not installed; prints, a line a call,
# exit code, stdout, stderr.
BARE = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from allbrains import extras

installed, calls = json.loads(sys.argv[1]), json.loads(sys.argv[2])
absent = {name for names in extras.packages().values() for name in names} - {*installed}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if extras.distribution_of(name) in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from allbrains.cli.main import run
for call in calls:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(call)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def bare(calls, *having):
    """Run calls with the base install and some extras."""
    installed = [name for extra in ("", *having) for name in extras.packages()[extra]]
    command = [sys.executable, "-c", BARE, json.dumps(installed), json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    from allbrains.store.layout import Layout

    folder = tmp_path_factory.mktemp("extras") / "brains"
    write(Layout(folder), ToyStory(scans=(scan(0), scan(1))))
    return folder


def test_help_needs_no_extra():
    first, *others = bare([["--help"], *([name, "--help"] for name in COMMANDS)])
    for name, (code, out, err) in zip(COMMANDS, others, strict=True):
        assert (code, err) == (0, ""), name
        assert out.startswith("Usage:"), name
        assert out.endswith(f"  Example:\n    {COMMANDS[name].example}\n"), out
    assert first[0] == 0


def test_a_command_whose_extra_is_missing_says_which_in_one_sentence(corpus, tmp_path):
    calls = {
        "demo": ["--out", str(tmp_path)],
        "catalog": ["--bids", str(tmp_path), "--out", str(tmp_path)],
        "download": ["--out", str(tmp_path)],
        "build": ["--bids", str(tmp_path), "--out", str(tmp_path)],
        "plan": ["--out", str(tmp_path)],
        "repair": [str(corpus)],
        "remove": [str(corpus), "--dataset", "ds000011"],
        "scan": [str(tmp_path), "--out", str(tmp_path / "own")],
        "learn": ["age", str(corpus)],
        "export": [str(corpus), "--to", str(tmp_path / "to")],
        "publish": [str(corpus), "hf://user/name"],
        "sandbox": [str(tmp_path)],
    }
    assert set(calls) == {name for name, entry in COMMANDS.items() if entry.extras}
    answers = bare([[name, *words] for name, words in calls.items()])
    for name, (code, out, err) in zip(calls, answers, strict=True):
        assert (code, out) == (2, ""), (name, err)
        assert err.count("\n") == 1, err
        assert f"pip install 'allbrains[{','.join(COMMANDS[name].extras)}]'" in err


def test_commands_that_need_no_extra_do_without(corpus, tmp_path):
    calls = [
        ["status", str(corpus)],
        ["verify", str(corpus)],
        ["splits", str(corpus), "--no-images"],
        ["verify-splits", str(corpus / "splits.parquet")],
        ["report", str(corpus), "--to", str(tmp_path / "report")],
        ["cite", str(corpus)],
        ["bench", str(corpus), "--samples", "1", "--rounds", "1", "--scratch", str(tmp_path)],
    ]
    for call, (code, out, err) in zip(calls, bare(calls), strict=True):
        assert code == 0, (call, out, err)


def test_an_extra_alone_is_enough_for_its_commands(tmp_path):
    """``learn`` imports none of ``build``; what comes before the training shows it."""
    from allbrains.testing.cohorts import ToyCohort, write_cohort

    write_cohort(tmp_path / "toy", ToyCohort(people=24, datasets=3))
    ((code, out, err),) = bare(
        [["learn", "age", str(tmp_path / "toy"), "--split", "persons", "--dry-run"]], "learn"
    )
    assert code == 0, err
    assert "epochs" in out


def test_doctor_tells_what_is_missing_and_where_it_comes_from(monkeypatch, capsys, tmp_path):
    from allbrains.cli.main import run

    version = metadata.version

    def without(name):
        if name in ("antspyx", "monai"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without)
    assert run(["doctor", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().out
    assert "MISSING antspyx                     not installed  →  pip install 'allbrains[build]'\n" in told
    assert "ok      extra learn                 lacks monai: pip install 'allbrains[learn]'\n" in told


@pytest.mark.parametrize(
    ("module", "asked", "said"),
    [
        ("ants.core", ("build",), "'antspyx': pip install 'allbrains[build]'"),
        ("distributed", ("build",), "'distributed': pip install 'allbrains[build,cluster]'"),
        ("fsspec", (), "'fsspec': pip install 'allbrains[remote]'"),
        ("nowhere", (), "'nowhere': pip install nowhere"),
        ("numpy", (), "'numpy': pip install numpy"),
    ],
)
def test_the_extra_is_the_one_that_brings_the_package(module, asked, said):
    error = extras.lacking(ModuleNotFoundError(name=module), "x", asked)
    assert str(error) == f"x needs the package {said}"


def test_every_extra_that_a_command_names_exists():
    assert {extra for entry in COMMANDS.values() for extra in entry.extras} <= set(extras.packages())


def test_the_list_of_commands_is_whole_and_no_line_is_cut():
    command = [sys.executable, "-m", "allbrains", "--help"]
    told = subprocess.run(command, capture_output=True, text=True).stdout
    for title, group in GROUPS.items():
        assert f"\n{title}:\n" in told
        assert next(iter(group.values())).example in told
    for name, entry in COMMANDS.items():
        assert any(line.split() == [name, *entry.summary.split()] for line in told.splitlines()), name


@pytest.mark.parametrize(
    ("word", "meant"), [("biuld", "build"), ("catalogue", "catalog"), ("verify_splits", "verify-splits")]
)
def test_a_misspelt_command_is_told_what_was_meant(word, meant, capsys):
    from allbrains.cli.main import run

    assert run([word]) == 2
    assert f"no command {word!r}; did you mean {meant!r}?" in capsys.readouterr().err


def test_listing_the_commands_imports_none_of_them():
    code = (
        "import sys; from allbrains.cli.main import run; run(['--help']);"
        "print([m for m in sys.modules if m.startswith('allbrains.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    imported = {name.removeprefix("allbrains.") for name in json.loads(done.stderr.replace("'", '"'))}
    assert imported <= {"cli", "cli.main", "cli.commands", "cli.interrupts", "errors", "extras", "version"}


def test_completion_needs_no_extra():
    words = {
        "allbrains bu": "build",
        "allbrains verify-": "verify-splits",
        "allbrains build --datas": "--dataset",
    }
    for line, expected in words.items():
        variables = {
            "_ALLBRAINS_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(line.count(" ")),
        }
        code = f"import os; os.environ.update({variables!r}); import sys; sys.argv = ['allbrains'];" + (
            "from allbrains.cli.main import main; main()"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert f"plain,{expected}" in done.stdout.splitlines(), done.stderr


def test_what_the_options_show_is_what_the_code_does():
    """Defaults stand twice, because a ``--help`` imports nothing that runs."""
    from allbrains.cli import build, options
    from allbrains.run.slot.guard import SlotLimits
    from allbrains.sources.openneuro import Endpoints

    assert SlotLimits().wall_s == build.TIMEOUT_S
    assert Endpoints() == Endpoints(api=options.API, bucket=options.BUCKET)
