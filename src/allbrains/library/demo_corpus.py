"""The main job, end to end, on a local OpenNeuro with phantom heads."""

from __future__ import annotations

import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.extras import needs
from allbrains.library.build_corpus import Built, Resources, build_corpus, telling
from allbrains.library.listening import Tell, ignore

if TYPE_CHECKING:
    from allbrains.library.build_corpus import Watch
    from allbrains.load import Brains


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What the demo made.

    Attributes:
        built: the tally.
        corpus: its folder.
        montages: folder with a picture of each brain.
    """

    built: Built
    corpus: Path
    montages: Path


@needs("build", "sandbox")
def demo(
    out: str | PathLike[str],
    *,
    recipe: str = "embedded",
    jobs: int | None = None,
    tell: Tell = ignore,
    watch: Watch | None = None,
) -> Demo:
    """Serve five phantom scans as OpenNeuro would, crawl them, build a corpus, write a picture of each.

    Args:
        out: folder for all of it.
        recipe: name of a recipe, or a TOML file.
        jobs: scans at once; None: what cores and memory allow.
        tell: called with a sentence before each part.
        watch: as for ``build_corpus``; None: a bar in a notebook.

    Raises:
        ConfigurationError: an extra is missing.

    Example:
        >>> made = allbrains.demo("demo")
        >>> made.built.tally.failed, made.corpus.name
        ({}, 'corpus')
    """
    from allbrains import sandbox
    from allbrains.library.choose_scans import Choice
    from allbrains.load import open as open_corpus
    from allbrains.testing.datasets import write_demo

    served, corpus = Path(out) / "openneuro", Path(out) / "corpus"
    if not served.exists():
        tell("making five phantom scans in two datasets …")
        write_demo(served)
    with sandbox.serve(served) as local:
        tell(f"a local OpenNeuro answers at {local.api}")
        built = build_corpus(
            corpus,
            Choice(api=local.api, bucket=local.bucket),
            recipe=recipe,
            resources=Resources(jobs=jobs),
            watch=watch or telling(None),
        )
    return Demo(built=built, corpus=corpus, montages=_pictures(open_corpus(corpus), Path(out) / "montages"))


def _pictures(brains: Brains, folder: Path) -> Path:
    """Write one PNG a sample, named by its scan."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for brain in brains:
        name = f"{brain.row['dataset']}_{Path(brain.row['path']).name.split('.')[0]}.png"
        Image.open(io.BytesIO(brain.montage)).save(folder / name)
    return folder
