"""``allbrains doctor``: can this machine run a recipe, and if not, what is missing."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.terminal import echo


@click.command()
@click.option("--recipe", default="embedded", show_default=True, help="Recipe to check for.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Where the corpus would go.")
def command(recipe: str, out: Path) -> int:
    """Check packages, weights, memory, cores and disk; exit 2 when a build would lack something.

    With --recipe also what its steps need beyond the package, and how to fill their folders off-line. Extras
    that other commands need are listed, and no reason for an exit code.
    """
    from allbrains.library.checkup import look_at

    complete = True
    for one in look_at(recipe, out):
        complete &= one.good
        line = f"{'ok' if one.good else 'MISSING':8}{one.what:28}{one.found}"
        echo(line if one.good else f"{line}  →  {one.remedy}")
    return 0 if complete else 2
