"""What a notebook shows of a brain and of brains: HTML with everything escaped. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import Any

_TOLD = (
    "dataset",
    "path",
    "age_years",
    "sex",
    "qc_reasons",
    "brain_mask_ml",
    "gm_ml",
    "wm_ml",
    "csf_ml",
    "rating",
)
_JPEG = b"\xff\xd8"


def brain_html(row: Mapping[str, Any], montage: bytes) -> str:
    """Return a brain's picture and what is known of it.

    Args:
        row: of the samples table.
        montage: JPEG; anything else is not shown.
    """
    told = [(name, row[name]) for name in _TOLD if row.get(name) not in (None, "")]
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_shown(value))}</td></tr>" for name, value in told
    )
    picture = ""
    if montage.startswith(_JPEG):
        data = base64.b64encode(montage).decode()
        about = escape(f"Slices of {row['dataset']}/{row['path']}: T1w above, tissues below", quote=True)
        picture = f'<img style="max-width:100%" alt="{about}" src="data:image/jpeg;base64,{data}">'
    return f"<figure>{picture}<table>{cells}</table></figure>"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
