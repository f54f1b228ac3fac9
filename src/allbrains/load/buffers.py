"""Reused buffers: their memory pages are touched once, not at every batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from allbrains.records import Array


class Buffers:
    """Arrays of one shape and type.

    An array comes back by itself when it and all views of it, tensors included, are gone; so what a
    caller keeps is never written over.

    Args:
        shape: of each array.
        dtype: of each array.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._free: list[Array] = []

    def take(self) -> Array:
        """Return an array; what is in it is left from before."""
        block = self._free.pop() if self._free else np.empty(self._shape, self._dtype)
        return np.asarray(_Lease(block, self._free))


class _Lease:
    """What the arrays over a block have as their base; gone when they are."""

    def __init__(self, block: Array, home: list[Array]) -> None:
        self._block, self._home = block, home

    @property
    def __array_interface__(self) -> dict[str, Any]:
        interface: dict[str, Any] = self._block.__array_interface__
        return interface

    def __del__(self) -> None:
        self._home.append(self._block)  # list.append is atomic: any thread may let go
