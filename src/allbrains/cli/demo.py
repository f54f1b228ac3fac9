"""``allbrains demo``: the main job, end to end, on a local OpenNeuro with phantom heads."""

from __future__ import annotations

import io
from pathlib import Path

import click

import allbrains
from allbrains import recipes, sandbox
from allbrains.cli.build import run
from allbrains.cli.gather import Choice, default_slots, gather
from allbrains.cli.options import out_option, recipe_options
from allbrains.cli.status import lines
from allbrains.load import Brains
from allbrains.run.engines.local import Local
from allbrains.run.lock import alone
from allbrains.run.slot.guard import SlotLimits
from allbrains.store.layout import Layout
from allbrains.testing.datasets import write_demo


@click.command()
@recipe_options
@out_option
def command(*, recipe: str, jobs: int | None, out: Path) -> int:
    """Serve five phantom scans as OpenNeuro would, crawl them, build a corpus, load a batch. Off-line."""
    served = out / "openneuro"
    if not served.exists():
        click.echo("making five phantom scans in two datasets …", err=True)
        write_demo(served)
    with sandbox.serve(served) as local:
        click.echo(f"a local OpenNeuro answers at {local.api}", err=True)
        slots = jobs or default_slots(recipes.load(recipe))
        with alone(Layout(out / "corpus")):
            chosen = gather(Choice(api=local.api, bucket=local.bucket), out / "corpus")
            tally = run(chosen, out / "corpus", recipe=recipe, engine=Local(slots=slots, limits=SlotLimits()))
    for line in lines(tally):
        click.echo(line)
    brains = allbrains.open(out / "corpus", maps=["t1w", "gm", "wm"])
    pictures = _pictures(brains, out / "montages")
    click.echo(f"montages\t{pictures}")
    _batch(brains)
    click.echo(f"next\tallbrains.open({str(out / 'corpus')!r}), or `allbrains export` for NIfTI", err=True)
    return 0 if not tally.failed else 3


def _pictures(brains: Brains, folder: Path) -> Path:
    """Write one PNG a sample, named by its scan."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for brain in brains:
        name = f"{brain.row['dataset']}_{Path(brain.row['path']).name.split('.')[0]}.png"
        Image.open(io.BytesIO(brain.montage)).save(folder / name)
    return folder


def _batch(brains: Brains) -> None:
    """Load everything as one torch batch and print its shapes."""
    from torch.utils.data import DataLoader

    batch = next(iter(DataLoader(brains.torch(["age_years", "sex"]), batch_size=len(brains))))
    for name, value in batch.items():
        if hasattr(value, "shape"):
            click.echo(f"batch\t{name}\t{tuple(value.shape)}\t{value.dtype}")
