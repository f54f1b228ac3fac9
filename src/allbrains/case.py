"""What is known of one scan while it is processed: images, warps, numbers and texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from allbrains.records import Volume

if TYPE_CHECKING:
    from allbrains.records import Affine, Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """A map from template space to the scan: where each point of the template lies in the scan.

    ``scan_point = affine @ (x + displacement(x))`` for a template point ``x``.

    Attributes:
        affine: shape (4, 4), template RAS+ mm → scan RAS+ mm.
        displacement: shape (x, y, z, 3), RAS+ mm, on the template grid of ``grid_affine``.
        grid_affine: shape (4, 4), voxel of the displacement grid → template RAS+ mm.
    """

    affine: Affine
    displacement: Array
    grid_affine: Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is known of one scan so far; each step returns a richer one.

    Attributes:
        images: by name: ``t1w``, ``mask``, ``gm`` and so on. Which grid: the name's entry in
            ``docs/reference/names.md``; names that start with ``template_`` are in template space.
        warps: by name: ``affine`` (zero displacement) and ``warp``.
        numbers: volumes and metrics.
        texts: flags and provenance.
    """

    images: Mapping[str, Volume] = field(default_factory=dict)
    warps: Mapping[str, Warp] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def plus(
        self,
        *,
        images: Mapping[str, Volume] | None = None,
        warps: Mapping[str, Warp] | None = None,
        numbers: Mapping[str, float] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> Case:
        """Return a case with these entries added or replaced."""
        return replace(
            self,
            images={**self.images, **(images or {})},
            warps={**self.warps, **(warps or {})},
            numbers={**self.numbers, **(numbers or {})},
            texts={**self.texts, **(texts or {})},
        )

    def without(self, *images: str) -> Case:
        """Return a case that has forgotten these images, so that their memory can go."""
        return replace(self, images={k: v for k, v in self.images.items() if k not in images})
