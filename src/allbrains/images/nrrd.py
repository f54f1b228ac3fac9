"""NRRD with its voxels attached, raw or gzip.

References:
    Teem, "Definition of NRRD File Format", versions 1 to 5.
"""

from __future__ import annotations

import re

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.images.credibility import Account, doubts
from allbrains.images.placement import plausible
from allbrains.images.promise import START_BYTES, Promise, three_sides
from allbrains.records import Affine

MAGIC = b"NRRD000"
_BITS = {"char": 8, "short": 16, "int": 32, "longlong": 64, "long long": 64}
_SIGNS = {  # of x, y, z to get to right, anterior, superior
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
_VECTOR = re.compile(r"none|\([^)]*\)")


def promise(start: bytes) -> Promise:
    """Return what a file's first bytes promise.

    Raises:
        ScanUnusable: with the reason code for each way in which they can be bad.
    """
    fields, offset = _fields(start)
    try:
        sizes = [int(n) for n in fields["sizes"].split()]
        directions, known = _directions(fields, len(sizes))
        # where a list of one frame stands before the axes of space, not after them
        spatial = [k for k, n in enumerate(sizes) if n > 1] if len(sizes) > 3 else range(len(sizes))
        shape = three_sides([sizes[k] for k in spatial])
        affine = np.eye(4)
        affine[:3, :3] = np.stack([directions[k] for k in spatial], axis=1)
        affine[:3, 3] = _numbers(fields.get("space origin", "(0,0,0)"))
        signs = _SIGNS.get(fields.get("space", "").lower(), (1, 1, 1))
        dtype = _dtype(fields["type"], fields.get("endian", "little"))
    except (KeyError, ValueError, IndexError) as error:
        raise ScanUnusable(Reason.UNREADABLE, f"not a sound NRRD header ({error!r})") from error
    affine = plausible(np.diag([*signs, 1.0]) @ affine)
    numbers, reasons = doubts(Account(affine=affine, shape=shape, set=known))
    return Promise(
        shape=shape,
        dtype=dtype,
        offset=offset,
        affine=affine,
        packed=_packed(fields),
        orientation_from="nrrd" if known else "nothing",
        numbers={**numbers, "header_axes_conflict": 0.0},
        doubts=reasons,
    )


def _fields(start: bytes) -> tuple[dict[str, str], int]:
    """Return the header's fields, names in lower case, and the byte after the blank line that ends it."""
    ends = [(at, len(mark)) for mark in (b"\n\n", b"\r\n\r\n") if (at := start.find(mark)) >= 0]
    if not ends:
        reason = Reason.TRUNCATED if len(start) < START_BYTES else Reason.CORRUPT
        raise ScanUnusable(reason, f"the header doesn't end within {len(start)} bytes")
    at, mark = min(ends)
    lines = start[:at].decode("utf-8", errors="replace").splitlines()[1:]
    pairs = [line.partition(": ") for line in lines if not line.startswith("#")]
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}, at + mark


def _directions(fields: dict[str, str], axes: int) -> tuple[list[Affine], bool]:
    """Return each axis's step, and whether the world that they lie in has a left."""
    nowhere = np.zeros(3)
    if "space directions" in fields:
        words = _VECTOR.findall(fields["space directions"])
        steps = [nowhere if word == "none" else _numbers(word) for word in words]
        return steps, fields.get("space", "").lower() in _SIGNS
    sizes = [float(n) for n in fields.get("spacings", " ".join(["1"] * axes)).split()]
    whole = [n for n in sizes if np.isfinite(n)]  # an axis that isn't one of space has NaN
    steps = [float(n) * np.eye(3)[k] for k, n in enumerate(whole[:3])]
    return steps + [nowhere] * (axes - len(steps)), False


def _numbers(vector: str) -> Affine:
    values = np.asarray([float(n) for n in vector.strip("()").split(",")])
    if values.shape != (3,):
        raise ValueError(f"expected three numbers, found {vector!r}")
    return values


def _dtype(name: str, endian: str) -> np.dtype[np.generic]:
    order = {"little": "<", "big": ">"}[endian.lower()]
    known = name.lower().removesuffix("_t")
    if known in ("float", "double"):
        return np.dtype(order + {"float": "f4", "double": "f8"}[known])
    unsigned = known.startswith(("unsigned ", "u"))
    bare = known.removeprefix("unsigned ").removeprefix("u").removeprefix("signed ")
    for whole in ("short int", "long long int"):
        bare = whole.removesuffix(" int") if bare == whole else bare
    bits = int(bare[3:]) if bare.startswith("int") and bare != "int" else _BITS[bare]
    return np.dtype(f"{order}{'u' if unsigned else 'i'}{bits // 8}")


def _packed(fields: dict[str, str]) -> bool:
    if "data file" in fields or "datafile" in fields:
        raise ScanUnusable(Reason.UNREADABLE, "the voxels are in another file; expected one file")
    if any(fields.get(name, "0") not in ("0", "-1") for name in ("byte skip", "line skip")):
        raise ScanUnusable(Reason.UNREADABLE, "bytes are to be skipped; expected voxels after the header")
    encoding = fields.get("encoding", "raw").lower()
    if encoding not in ("raw", "gz", "gzip"):
        raise ScanUnusable(Reason.UNREADABLE, f"encoding {encoding!r}; expected raw or gzip")
    return encoding != "raw"
