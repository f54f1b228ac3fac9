"""The Range header, as S3 takes it. Pure.

References:
    RFC 9110, sections 13.1.5 (If-Range) and 14 (Range requests).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z", re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The range begins behind the end: 416."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The bytes to send: from ``start`` up to, not including, ``stop``; 206 if ``partial``, else 200."""

    start: int
    stop: int
    partial: bool


def span(header: str, size: int) -> Span:
    """Return what a Range header asks of ``size`` bytes.

    Several ranges at once, other units and nonsense ask for the whole, as S3 answers them.

    Raises:
        Unsatisfiable: no byte of the object is in the range.
    """
    whole = Span(start=0, stop=size, partial=False)
    match = _ONE_RANGE.match(header)
    if match is None or not (match[1] or match[2]):
        return whole
    if match[1]:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return whole
    else:
        start, stop = max(size - int(match[2]), 0), size
    if start >= stop:
        raise Unsatisfiable(header)
    return Span(start=start, stop=stop, partial=True)


def still_holds(if_range: str, etag: str, modified_s: int) -> bool:
    """Return whether an If-Range header names the present content: by its ETag, or by its exact date."""
    if not if_range or if_range == etag:
        return True
    if if_range.startswith(('"', "W/")):
        return False
    try:
        return int(parsedate_to_datetime(if_range).timestamp()) == modified_s
    except ValueError:
        return False
