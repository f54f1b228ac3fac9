"""From a scan's JSON sidecars to how it was acquired. Pure.

BIDS says seconds, tesla and degrees. Values that only milliseconds or gauss can explain are converted, and
what is not a plausible number stays unknown: the sidecar itself is the receipt.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from allbrains.participants import dictionary

# vendors as they sign themselves → as people write them
_VENDORS = (
    (re.compile(r"siemens", re.IGNORECASE), "Siemens"),
    (re.compile(r"philips", re.IGNORECASE), "Philips"),
    (re.compile(r"\bge\b|general electric|\bgems\b", re.IGNORECASE), "GE"),
    (re.compile(r"bruker", re.IGNORECASE), "Bruker"),
    (re.compile(r"toshiba|canon", re.IGNORECASE), "Canon"),
    (re.compile(r"united imaging|\buih\b", re.IGNORECASE), "United Imaging"),
    (re.compile(r"hitachi", re.IGNORECASE), "Hitachi"),
)
# Largest value that can be seconds; beyond it the same number is milliseconds. T1-weighted sequences have
# repetition times of 5 ms to 6 s, echo times of 1 to 120 ms, inversion times of 0.3 to 3 s.
_MOST_SECONDS = {"RepetitionTime": 20.0, "EchoTime": 0.9, "InversionTime": 20.0}
_MS = 1e-3
_MOST_TESLA, _TESLA_OF_GAUSS = 30.0, 1e-4


def parse(content: bytes) -> dict[str, Any]:
    """Return a sidecar's fields, also from one that is mended as `participants.json` is.

    Raises:
        ValueError: it is no JSON object; the message says what it is.
    """
    found, fault = dictionary.parse(content)
    if fault or content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise ValueError(f"expected a JSON object: {fault or 'a list'}")
    return found


def row(sidecar: Mapping[str, object]) -> dict[str, float | str | None]:
    """Return the columns of ``tables.ACQUISITION`` from merged sidecars."""
    tesla = _number(sidecar.get("MagneticFieldStrength"))
    if tesla is not None and tesla > _MOST_TESLA:
        tesla *= _TESLA_OF_GAUSS
    return {
        "field_strength_t": tesla if tesla is not None and tesla <= _MOST_TESLA else None,
        "manufacturer": _vendor(sidecar.get("Manufacturer")),
        "scanner_model": _text(sidecar.get("ManufacturersModelName")),
        "repetition_time_s": _seconds(sidecar, "RepetitionTime"),
        "echo_time_s": _seconds(sidecar, "EchoTime"),
        "inversion_time_s": _seconds(sidecar, "InversionTime"),
        "flip_angle_deg": _within(_number(sidecar.get("FlipAngle")), 360.0),
    }


def _seconds(sidecar: Mapping[str, object], field: str) -> float | None:
    value = _number(sidecar.get(field))
    if value is not None and value > _MOST_SECONDS[field]:
        value *= _MS
    return _within(value, _MOST_SECONDS[field])


def _within(value: float | None, most: float) -> float | None:
    return value if value is not None and value <= most else None


def _number(value: object) -> float | None:
    """Return a positive number, also one written as text or as the only item of a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _vendor(value: object) -> str | None:
    text = _text(value)
    if text is None:
        return None
    return next((name for pattern, name in _VENDORS if pattern.search(text)), text)


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    return None if text.lower() in ("", "n/a", "none", "unknown") else text
