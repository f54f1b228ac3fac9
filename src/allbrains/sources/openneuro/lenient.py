"""Decoding JSON in which one dataset's owner has put half a character, stray bytes or endless nesting."""

from __future__ import annotations

import mmap
from typing import Any

import msgspec

from allbrains.text import shallow, whole_characters

# what decoding raises over bytes; ``msgspec.ValidationError``, one of the first, over shapes
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Body = bytes | bytearray | mmap.mmap | msgspec.Raw


def decode(body: Body, kind: Any) -> Any:
    """Return a typed value of JSON; what is no text becomes U+FFFD, what is nested without end ``null``.

    Raises:
        msgspec.ValidationError: it has another shape.
        msgspec.DecodeError: it is not JSON; so is ``RecursionError``.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        raise
    except UNDECODABLE:
        text = bytes(body).decode("utf-8", errors="replace")
        return msgspec.json.decode(shallow(whole_characters(text)), type=kind)
