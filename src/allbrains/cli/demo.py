"""``allbrains demo``: the main job, end to end, on a local OpenNeuro with phantom heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import allbrains
from allbrains.cli.build import shown
from allbrains.cli.options import out_option, recipe_options
from allbrains.cli.status import lines
from allbrains.cli.terminal import echo

if TYPE_CHECKING:
    from allbrains.load import Brains


@click.command()
@recipe_options
@out_option
def command(*, recipe: str, jobs: int | None, out: Path) -> int:
    """Serve five phantom scans as OpenNeuro would, crawl them, build a corpus, load a batch. Off-line."""
    from allbrains.library.demo_corpus import demo

    made = demo(out, recipe=recipe, jobs=jobs, tell=_say, watch=shown(as_json=False))
    for line in lines(made.built.tally):
        echo(line)
    echo(f"montages\t{made.montages}")
    _batch(allbrains.open(made.corpus, maps=["t1w", "gm", "wm"]))
    echo(f"next\tallbrains.open({str(made.corpus)!r}), or `allbrains export` for NIfTI", err=True)
    return 0 if not made.built.tally.failed else 3


def _say(sentence: str) -> None:
    echo(sentence, err=True)


def _batch(brains: Brains) -> None:
    """Load everything as one torch batch and print its shapes."""
    from torch.utils.data import DataLoader

    batch = next(iter(DataLoader(brains.torch(["age_years", "sex"]), batch_size=len(brains))))
    for name, value in batch.items():
        if hasattr(value, "shape"):
            echo(f"batch\t{name}\t{tuple(value.shape)}\t{value.dtype}")
