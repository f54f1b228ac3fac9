"""Brightness of the tissues that an outside segmentation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.case import Case
from allbrains.steps.centres import centres


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueCentres:
    """Give ``wm_centre_raw`` and ``gm_centre``, which ``to_template`` scales the T1w by."""

    name: ClassVar[str] = "tissue_centres"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "gm", "wm")
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the two numbers.

        Raises:
            ScanUnusable: there is no GM or no WM.
        """
        t1w, gm, wm = (case.images[name].array for name in ("t1w", "gm", "wm"))
        return case.plus(numbers=centres(t1w, gm, wm))
