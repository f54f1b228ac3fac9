"""``allbrains cite``: citations for the scans that were used."""

from __future__ import annotations

import click

from allbrains.cli.terminal import echo


@click.command("cite")
@click.argument("out")
@click.option("--where", default="", metavar="SQL", help="Condition over the columns of samples.parquet.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["bibtex", "cff"]),
    default="bibtex",
    show_default=True,
    help="BibTeX entries, or the text of a CITATION.cff.",
)
def command(out: str, where: str, kind: str) -> None:
    """Print the citations of the corpus OUT, or of the part of it that --where chooses.

    OUT is a folder or an address, such as hf://user/name: each dataset in its version, the papers behind the
    archive and the tools of the recipe.
    """
    from allbrains.library.study import Corpus

    found = Corpus(out).cite(where, form=kind)
    echo(found.text, nl=False)
    echo(f"{found.scans} scans from {len(found.datasets)} datasets", err=True)
    if found.without_doi:
        echo(f"no DOI is known of {', '.join(found.without_doi)}", err=True)
