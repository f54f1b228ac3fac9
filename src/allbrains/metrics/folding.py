"""Folding of the warp: where the Jacobian determinant is 0 or less, results mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.case import Case
from allbrains.space.grid import jacobian
from allbrains.space.template import REGISTRATION_SPACING, template


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """Gives ``folded_fraction``, the share of the template's brain with a Jacobian of 0 or less.

    Also ``jacobian_min`` and ``jacobian_max`` there; non-linear part only, no unit.
    """

    name: ClassVar[str] = "folding"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the numbers above."""
        values = jacobian(case.warps["warp"])[template(REGISTRATION_SPACING).mask]
        return {
            "folded_fraction": float((values <= 0).mean()),
            "jacobian_min": float(values.min()),
            "jacobian_max": float(values.max()),
        }
