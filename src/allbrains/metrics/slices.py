"""Voxel edges: thick slices lose most of the cortex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Gives ``spacing_max_mm``, a voxel's longest edge, and ``anisotropy``, that over its shortest."""

    name: ClassVar[str] = "slices"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the numbers above."""
        spacing = case.images["t1w"].spacing
        return {"spacing_max_mm": max(spacing), "anisotropy": max(spacing) / min(spacing)}
