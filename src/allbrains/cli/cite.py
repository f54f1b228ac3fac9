"""``allbrains cite``: whom to name for the scans that were used."""

from __future__ import annotations

import click


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
    from allbrains.load.opening import open_corpus
    from allbrains.publish import citing
    from allbrains.publish.papers import works_of
    from allbrains.publish.source_datasets import origins_of, read_rows

    brains = open_corpus(out, maps=[], where=where)
    versions = zip(brains.table["dataset"].to_pylist(), brains.table["snapshot"].to_pylist(), strict=True)
    origins = origins_of(versions, read_rows(brains.shelf))
    works = works_of(brains.corpus)
    if kind == "cff":
        part = f", where {where}" if where else ""
        click.echo(citing.citation_file(f"{len(brains)} brains of {out}{part}", origins, works), nl=False)
    else:
        click.echo(citing.bibliography(origins, works), nl=False)
    click.echo(f"{len(brains)} scans from {len(origins)} datasets", err=True)
    if unknown := [origin.dataset for origin in origins if not origin.doi]:
        click.echo(f"no DOI is known of {', '.join(unknown)}", err=True)
