"""Messages for an empty selection, which is no success."""

from __future__ import annotations

NOTHING = "nothing was chosen: no scan that was read meets --dataset, --where and --suffix together"
