"""What the documentation generates from the code: commands, columns, settings; and lists of pages.

MkDocs calls ``on_files`` and ``on_page_markdown``; the tests call the functions that make the pages.
"""

from __future__ import annotations

import ast
import inspect
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import allbrains  # noqa: E402
from allbrains import tables  # noqa: E402
from allbrains.cli.commands import COMMANDS  # noqa: E402
from allbrains.cli.main import cli  # noqa: E402
from allbrains.learn.settings import LearnSettings  # noqa: E402
from allbrains.store import manifest, sample_schema, split_table  # noqa: E402

_PAGE = re.compile(r'href="(?!\w+:|#)([^"#]+\.(?:md|ipynb))')
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)]*)?\)")


def commands_page() -> str:
    """Return the reference of every command, from its own ``--help``."""
    parts = [
        "# Commands",
        "Generated from the commands themselves; `allbrains COMMAND --help` prints the same. stdout is data, "
        "stderr is talk. Exit codes: 0 all done, 1 stopped, 2 usage or configuration, 3 finished with failed "
        "scans, 130 interrupted.",
        "Names and options are completed by TAB in a shell that was told once: "
        '`eval "$(_ALLBRAINS_COMPLETE=bash_source allbrains)"` in `~/.bashrc`, `zsh_source` in `~/.zshrc`, '
        "`_ALLBRAINS_COMPLETE=fish_source allbrains | source` for fish.",
    ]
    context = click.Context(cli, info_name="allbrains")
    for name, entry in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        extras = ",".join(entry.extras)
        needs = f"Needs `pip install 'allbrains[{extras}]'`." if extras else "Needs the base install only."
        parts += [f"## {name}", _help(command, name, context), needs]
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=context)
            for sub in command.list_commands(inner):
                one = command.get_command(inner, sub)
                assert one is not None
                parts += [f"### {name} {sub}", _help(one, sub, inner)]
    return "\n\n".join(parts) + "\n"


def python_page() -> str:
    """Return the reference of the library's public names, from their docstrings."""
    parts = [
        "# Python",
        "Generated from the docstrings; the examples are run by the tests. Everything that the command line "
        "does is done by these names. `Corpus` is a folder of samples; `open` gives `Brains`, which "
        "[Load a corpus](../how-to/load.md) shows.",
    ]
    for name in dir(allbrains):
        value = getattr(allbrains, name)
        if name.startswith("__"):
            continue
        parts.append(f"## {name}")
        parts += _documented(f"allbrains.{name}", value)
        if name == "Corpus":
            for method, function in inspect.getmembers(value, inspect.isfunction):
                if not method.startswith("_"):
                    parts.append(f"### Corpus.{method}")
                    parts += _documented(f"Corpus.{method}", function)
    return "\n\n".join(parts) + "\n"


def _documented(name: str, value: Any) -> list[str]:
    """Return a signature, where there is one of interest, and a docstring as it stands in the code."""
    text = inspect.getdoc(value) or ""
    first, _, rest = text.partition("\n\n")
    parts = [" ".join(first.split()).replace("``", "`")]
    if inspect.isfunction(value):
        parts.insert(0, f"```python\n{name}{inspect.signature(value)}\n```")
    return [*parts, f"```text\n{rest}\n```"] if rest else parts


def _help(command: click.Command, name: str, parent: click.Context) -> str:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    return f"```text\n{command.get_help(context)}\n```"


def columns_page() -> str:
    """Return every column of every table, from the schemas that write them."""
    corpus = manifest.CorpusFormat(
        recipe="", steps="[]", fingerprint="", grid=manifest.StoredGrid(space="", shape=(1, 1, 1), affine=())
    )
    spec = {"map": sample_schema.MapSpec(shape=(1, 1, 1), dtype="uint8", affine=())}
    samples = sample_schema.samples_schema(
        specs=spec, numbers=[], texts=[], demographics=[], descriptions={}, corpus=corpus
    )
    labelled = [tables.LABELS, tables.CONTEXT, tables.ACQUISITION, tables.HEADERS]
    sections = [
        ("`catalog/datasets.parquet`", "A row a dataset that was read.", [tables.DATASETS]),
        (
            "`catalog/scans.parquet`",
            "A row a scan. What its participant, its sidecars and its header say stands beside it.",
            [tables.SCANS, *labelled],
        ),
        ("`catalog/exclusions.parquet`", "A row a file that is left out, and why.", [tables.EXCLUSIONS]),
        (
            "`samples.parquet`",
            "A row a planned scan. Besides the columns here it has those that the catalogue knows of the "
            "scan (above), and a column for each number and text of the recipe: [Names](names.md). `map` "
            "stands for each stored map's name.",
            [samples],
        ),
        ("`splits.parquet`", "A row a sample that has a side.", [split_table.SCHEMA]),
    ]
    parts = [
        "# Columns",
        "Generated from the schemas that write the tables. Each file carries the same descriptions in its "
        "own field metadata.",
    ]
    for title, about, schemas in sections:
        rows = [
            f"| `{field.name}` | `{_kind(field)}` | {_described(field)} |" for one in schemas for field in one
        ]
        parts += [f"## {title}", about, "\n".join(["| column | type | what |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _kind(field: Any) -> str:
    return str(field.type).replace("<element: ", "<").replace("<item: ", "<")


def _described(field: Any) -> str:
    return str((field.metadata or {}).get(b"description", b"").decode()).replace("|", "\\|")


def settings_page() -> str:
    """Return the settings of ``allbrains learn`` with their defaults, from the class that holds them."""
    text = inspect.getdoc(LearnSettings) or ""
    entries = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", text.partition("Attributes:")[2], re.MULTILINE)
    defaults = _defaults()
    rows = [
        f"| `{name}` | `{defaults.get(name, '')}` | {' '.join(about.split()).replace('``', '`')} |"
        for name, about in entries
    ]
    return "\n".join(
        [
            "# Settings of learn",
            "",
            "What a file for `allbrains learn --config FILE` may hold, as TOML. Generated from the class "
            "that reads it. `allbrains learn age OUT --dry-run` prints all of them with the values of a run; "
            "for `contrastive` some defaults differ.",
            "",
            "| setting | default | what |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _defaults() -> dict[str, str]:
    tree = ast.parse(inspect.getsource(LearnSettings))
    return {
        node.target.id: ast.unparse(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
    }


# The how-to pages in the order in which somebody needs them, each with what it is for.
HOW_TO = {
    "catalogue.md": "what there is, who is shown, why a file is left out; choose by SQL, pin a version",
    "build.md": "run it, stop it, go on; what failed and what is tried again; disk, memory, time",
    "grow.md": "more datasets into the same folder, corrected labels, withdrawn datasets",
    "slurm.md": "the same command on SLURM, PBS, SGE, LSF or any Dask scheduler",
    "report.md": "see every brain, the odd ones first, and rate them by keyboard",
    "qc.md": "which limits a scan must keep, and how to move them",
    "load.md": "single brains, batches, crops, torch, MONAI, TorchIO; from a disk or an address",
    "splits.md": "training, validation and test with nobody on two sides",
    "learn.md": "age, sex and an embedding, with the checks that say whether to believe them",
    "publish.md": "to the Hugging Face Hub, a folder or a bucket, with card, licences and citations",
    "own-brain.md": "your own DICOM by the same steps, beside everybody's distributions",
    "own-step.md": "a Python class of your own in a recipe, found by its entry point",
}


def how_to_page(folder: Path) -> str:
    """Return the index of the how-to pages; one that is not in the order yet comes last."""
    lines = ["# How-to", "", "One task a page, in the order in which they come up.", ""]
    found = {path.name for path in folder.glob("*.md")} - {"index.md"}
    for name in [*(one for one in HOW_TO if one in found), *sorted(found - set(HOW_TO))]:
        heading = (folder / name).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"* [{heading}]({name}){f': {HOW_TO[name]}' if name in HOW_TO else ''}")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """Return the generated pages, by their path under ``docs``."""
    docs = ROOT / "docs"
    return {
        "reference/commands.md": commands_page(),
        "reference/columns.md": columns_page(),
        "reference/python.md": python_page(),
        "reference/learn-settings.md": settings_page(),
        "how-to/index.md": how_to_page(docs / "how-to"),
        "contributing.md": (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
    }


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Show links to the repository's files that are no pages as paths; one to nowhere stays, and warns."""
    at = (ROOT / "docs" / page.file.src_uri).parent

    def plain(match: re.Match[str]) -> str:
        target = (at / match[2]).resolve()
        outside = ROOT in target.parents and ROOT / "docs" not in target.parents
        return f"{match[1]} (`{target.relative_to(ROOT)}`)" if outside and target.exists() else match[0]

    return _LINK.sub(plain, markdown)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Lead a notebook's links to pages, as MkDocs does for Markdown alone, and offer the notebook itself."""
    from mkdocs.exceptions import PluginError
    from mkdocs.utils import get_relative_url

    source = page.file.src_uri
    if not source.endswith(".ipynb"):
        return html

    def lead(match: re.Match[str]) -> str:
        target = files.get_file_from_path(
            posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        )
        if target is None:
            raise PluginError(f"{source}: a link to {match[1]}, which is no page")
        return f'href="{get_relative_url(target.url, page.url)}'

    name = posixpath.basename(source)
    return f'<p><a href="{name}" download>Download this notebook</a></p>\n' + _PAGE.sub(lead, html)
