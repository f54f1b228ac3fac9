"""All faults that can be switched on. Adding one: an entry in its family's ``FAULTS``."""

from __future__ import annotations

from allbrains.sandbox.faults import (
    api_faults,
    delivery_faults,
    fault_words,
    gateway_faults,
    listing_faults,
    object_faults,
    stock,
)
from allbrains.sandbox.faults.fault_kinds import TIMES, Lasts, Misbehaviour

FAULTS: dict[str, Misbehaviour] = {
    fault.name: fault
    for family in (
        gateway_faults,
        api_faults,
        fault_words,
        listing_faults,
        object_faults,
        stock,
        delivery_faults,
    )
    for fault in family.FAULTS
}


def table() -> str:
    """Return all faults as a table in Markdown."""
    lines = [
        f"| `--fault` | what happens | share of | passes after {TIMES} hits |",
        "|---|---|---|---|",
    ]
    for fault in FAULTS.values():
        passes = "yes" if fault.lasts is Lasts.PASSES else "no"
        lines.append(f"| `{fault.name}` | {fault.says} | {fault.drawn} | {passes} |")
    return "\n".join(lines) + "\n"
