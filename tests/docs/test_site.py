"""The documentation site builds without a warning; what it says of commands, columns and code is so."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import click
import pytest
from playwright.sync_api import sync_playwright
from tests.cli.growing import write_dataset
from tests.library.conftest import Instant

import allbrains
from allbrains import tables
from allbrains.cli.commands import COMMANDS
from allbrains.cli.main import cli
from allbrains.learn.settings import LearnSettings, settings_for
from allbrains.library import build_corpus
from allbrains.store.sample_schema import OUTCOME
from allbrains.testing.cohorts import ToyCohort, write_cohort

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
RUN = [*sorted((ROOT / "docs" / "tutorials").glob("*.md")), ROOT / "docs" / "index.md", ROOT / "README.md"]


def load_hooks():
    spec = spec_from_file_location("docs_hooks", ROOT / "tools" / "docs_hooks.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hooks = load_hooks()


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(path, *languages):
    found = re.findall(
        r"^```(\w+)[^\n]*\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [code for language, code in found if language in languages]


def commands_in(code):
    """Yield the words of each call of allbrains, continued lines joined, comments left out."""
    for line in code.replace("\\\n", " ").splitlines():
        text = re.sub(r"\s#.*", "", line).strip().removeprefix("$ ")
        text = re.sub(r"^.*-m allbrains ", "allbrains ", text)
        for part in re.split(r"\s(?:&&|\|\||;|\|)\s", text):
            words = part.split()
            if words[:1] == ["allbrains"] and len(words) > 1 and "…" not in words[1]:
                yield words[1:]


def command_of(words):
    """Return the command that the words call, through groups."""
    context, command = click.Context(cli), cli
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        command = command.get_command(context, word)
    return command


def options_of(command):
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {name for one in options for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}


def faults_in(code):
    """Return what a console block says that the command line doesn't know."""
    faults = []
    for words in commands_in(code):
        command = command_of(words)
        if command is None:
            faults.append(f"no command {words[0]}")
            continue
        known = options_of(command) | options_of(cli)
        faults += [word for word in words if word[:1] == "-" and word.partition("=")[0] not in known]
    return faults


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},  # the notebooks' kernels run elsewhere
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_builds_without_a_warning_and_holds_every_page(site):
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    pages += [Path(name) for name in hooks.pages()]
    for page in pages:
        assert (site / page.with_suffix(".html")).exists(), page


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")), ids=name_of)
def test_a_notebook_was_run_and_can_be_had(path, site):
    """The build stops at a cell that fails; each notebook ends with assertions on what it found."""
    cells = [
        cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    ]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
    assert any("assert " in "".join(cell["source"]) for cell in cells)
    folder = site / "notebooks"
    page = (folder / f"{path.stem}.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64") >= 1
    assert f"[{len(cells)}]" in page  # the last cell's number
    assert (folder / path.name).read_bytes() == path.read_bytes()
    assert f'href="{path.name}" download' in page
    links = re.findall(r'href="(?!\w+:|#)([^"#?]+)', page)
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_site_fetches_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|link)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)", page.read_text()
        )
        assert [url for url in loaded if "github.com" not in url] == [], page


def test_search_works_from_a_disk(site):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "these tests need Chromium: tools/install-debian"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((site / "how-to" / "report.html").as_uri())
        page.click("input.md-search__input")
        page.keyboard.type("centile")
        page.wait_for_selector(".md-search-result__item", timeout=60_000)
        found = page.eval_on_selector_all(".md-search-result__link", "all => all.map(a => a.href)")
        browser.close()
    assert (site / "how-to" / "own-brain.html").as_uri() in [one.partition("?")[0] for one in found]


def test_every_how_to_is_in_the_list_once_with_what_it_is_for():
    text = hooks.pages()["how-to/index.md"]
    names = [path.name for path in (ROOT / "docs" / "how-to").glob("*.md")]
    assert sorted(re.findall(r"\]\(([\w-]+\.md)\)", text)) == sorted(names)
    for line in text.splitlines():
        assert not line.startswith("* ") or len(line.partition("): ")[2]) > 20, line


def test_a_link_to_nowhere_stays_and_would_warn():
    page = type("Page", (), {"file": type("File", (), {"src_uri": "how-to/x.md"})})()
    kept = "[a](../nowhere.md) [b](../../nowhere.py)"
    assert hooks.on_page_markdown(kept, page, None, None) == kept
    told = hooks.on_page_markdown("[budgets](../../tests/test_budgets.py)", page, None, None)
    assert told == "budgets (`tests/test_budgets.py`)"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name):
    section = hooks.commands_page().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    command = command_of([name])
    assert (command.help or "").split("\n")[0][:60] in section
    for option in options_of(command) - {"-h"}:
        assert option in section


def test_every_public_name_is_in_the_reference():
    page = hooks.python_page()
    methods = [name for name in dir(allbrains.Corpus) if not name.startswith("_")]
    titles = [name for name in dir(allbrains) if not name.startswith("_")] + [
        f"Corpus.{name}" for name in methods if callable(getattr(allbrains.Corpus, name))
    ]
    assert [title for title in titles if f"# {title}\n" not in page] == []


def test_every_column_is_in_the_reference():
    page = hooks.columns_page()
    schemas = (tables.DATASETS, tables.LABELLED_SCANS, tables.EXCLUSIONS)
    names = {field.name for schema in schemas for field in schema} | set(OUTCOME)
    assert [name for name in sorted(names) if f"| `{name}` |" not in page] == []
    assert not re.search(r"\|\s*\|$", page, re.MULTILINE)  # each has a description


def test_every_setting_of_learn_is_in_the_reference():
    page = hooks.settings_page()
    assert [name for name in LearnSettings.__dataclass_fields__ if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_on_a_page_exist_with_their_options(path):
    for code in blocks(path, "console", "bash", "sh", "shell"):
        assert faults_in(code) == []


def test_a_wrong_command_on_a_page_would_be_found():
    code = "make\nallbrains biuld --out x  # comment\nallbrains build --otu x \\\n  --limit=3 --job 2"
    code += " && allbrains plan -q"
    assert faults_in(code) == ["no command biuld", "--otu", "--job", "-q"]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_python_on_a_page_is_python(path):
    for code in blocks(path, "python"):
        compile(code, name_of(path), "exec")


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_dataset(folder / "study", {"01": (34, "female"), "02": (71, "male")})
    write_cohort(folder / "brains", ToyCohort(people=24, datasets=3))
    return folder


@pytest.mark.parametrize("path", RUN, ids=name_of)
def test_python_of_a_tutorial_runs(path, brains, monkeypatch):
    monkeypatch.chdir(brains)
    # a build of README.md is real but for its samples
    monkeypatch.setattr(build_corpus, "engine_for", lambda recipe, resources: Instant())
    names = {}
    for code in blocks(path, "python"):
        exec(compile(code, name_of(path), "exec"), names)


def test_settings_in_the_docs_are_settings():
    for path in PAGES:
        if "learn" in path.read_text(encoding="utf-8"):
            for text in blocks(path, "toml"):
                if "[" not in text.split("=")[0]:  # a recipe's or a package's table
                    settings_for("contrastive" if "y_aware" in text else "age", text)
