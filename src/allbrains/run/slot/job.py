"""What a worker must know beside the scan."""

from __future__ import annotations

from dataclasses import dataclass, field

from allbrains.transfer import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker must know beside the scan; plain values, so that it can travel.

    Attributes:
        recipe_toml: the recipe's text.
        recipe_origin: its name or file, for messages.
        out: the output folder; finished samples go to its staging folder.
        network: what may be asked, and how patiently.
        device: ``cpu`` or ``cuda`` for the steps that can choose; empty: as the recipe says.
    """

    recipe_toml: str
    recipe_origin: str
    out: str
    network: Network = field(default_factory=Network)
    device: str = ""
