"""``allbrains plan``: what a build would do, and what it would cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from allbrains import recipes
from allbrains.cli.gather import Choice, default_slots, gather
from allbrains.cli.options import json_option, out_option, recipe_options, selection_options, source_options
from allbrains.run.corpus_format import corpus_of
from allbrains.run.driver import plan_of
from allbrains.run.work_plan import TYPICAL_SAMPLE_BYTES, Plan, make_plan
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader


@click.command()
@source_options
@selection_options
@recipe_options
@out_option
@json_option
def command(*, recipe: str, jobs: int | None, out: Path, as_json: bool, **choice: Any) -> None:
    """Print what `build` would do with the same options: scans, bytes, hours, disk. Builds nothing."""
    made = recipes.load(recipe)
    grid = corpus_of(made).grid
    chosen = gather(Choice(**choice), out)
    layout = Layout(out)
    if layout.ledger.exists():
        with LedgerReader.open(layout.ledger) as ledger:
            plan = plan_of(chosen.scans, ledger)
    else:
        plan = make_plan(chosen.scans, ())
    figures = cost(plan, jobs or default_slots(made), grid.affine[0][0])
    figures |= {
        "headers_unread": chosen.unread_headers,
        "headers_gb": round(chosen.header_bytes / 1e9, 3),
    }
    if as_json:
        click.echo(json.dumps(figures))
    else:
        for name, value in figures.items():
            click.echo(f"{name.replace('_', ' '):18}{value:>12,}")
    for sentence in chosen.incomplete:
        click.echo(f"the catalogue is incomplete: {sentence}", err=True)


def cost(plan: Plan, slots: int, spacing_mm: float) -> dict[str, float]:
    """Return the plan in figures; sizes in GB (10⁹ bytes)."""
    return {
        "scans_to_run": len(plan.todo),
        "scans_settled": plan.settled,
        "slots": slots,
        "hours": round(plan.hours(slots), 2),
        "download_gb": round(plan.bytes_to_fetch / 1e9, 3),
        "temporary_gb": round(plan.temporary_bytes(slots) / 1e9, 3),
        "result_gb": round(len(plan.todo) * TYPICAL_SAMPLE_BYTES / spacing_mm**3 / 1e9, 3),
    }
