"""From chosen planes to a volume: by dcm2niix, and where that fails or disagrees with the tags, by GDCM.

The place of every voxel is computed from the tags too (``geometry.stack``). What a converter gives must
agree with it, corner by corner, and with the numbers that a second reader finds in the files (``agreement``).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from allbrains.dicom.agreement import agrees, as_stacked, strangers
from allbrains.dicom.geometry import Stack
from allbrains.dicom.image_files import SUFFIXES
from allbrains.dicom.instances import Plane
from allbrains.dicom.native_child import run
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.errors import ScanUnusable
from allbrains.records import Affine, Array, Volume

CLOSE = 0.1  # voxels, at the corners of the volume
_LONGEST_SIDECAR = 1 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A volume and which program made it.

    Attributes:
        volume: the numbers as stored with each slice's own slope and intercept applied; integers where all
            are whole.
        way: ``dcm2niix`` or ``GDCM``.
        notes: what was done to the numbers, in words.
        guess: BIDS' suffix of what dcm2niix takes it for; empty where it has no opinion.
    """

    volume: Volume
    way: str
    notes: tuple[str, ...] = ()
    guess: str = ""


def convert(stack: Stack, workspace: Path) -> Converted:
    """Return the planes as a volume.

    Args:
        stack: the planes and where they lie.
        workspace: an empty folder of ours.

    Raises:
        Unsuitable: neither program can read them, or gives what the files say; or slices are of another
            image.
    """
    fault = "can read the voxels of the chosen series"
    for way, make in (("dcm2niix", by_dcm2niix), ("GDCM", by_gdcm)):
        volume = make(stack, workspace)
        if volume is None or not lies_as(volume, stack):
            continue
        if not agrees(volume, stack, partial(_decoded, workspace=workspace)):
            fault = "gives the numbers that are stored in the files of the chosen series"
            continue
        _see_that_slices_belong(volume, stack)
        return _upright(volume, way, stack, _guess(workspace / "out"))
    raise Unsuitable(Refusal.NOT_CONVERTED, f"neither dcm2niix nor GDCM {fault}")


def _see_that_slices_belong(volume: Volume, stack: Stack) -> None:
    if foreign := strangers(as_stacked(volume, stack)):
        numbers = ", ".join(str(k + 1) for k in foreign[:5])
        raise Unsuitable(
            Refusal.FOREIGN_SLICES,
            f"{len(foreign)} of {stack.shape[2]} slices are of another image than those around them, such as "
            f"phase (slice {numbers})",
        )


def _upright(volume: Volume, way: str, stack: Stack, guess: str) -> Converted:
    """Return the volume with large numbers bright, whatever way the files have it."""
    notes = []
    slopes = {(plane.frame.slope, plane.frame.intercept) for plane in stack.planes}
    if len(slopes) > 1:
        notes.append("each slice scaled by its own slope and intercept")
    if all(plane.instance.stored.inverted for plane in stack.planes):
        array: Array = volume.array.max() - volume.array.astype(np.float32)
        volume = Volume(array=array, affine=volume.affine)
        notes.append("stored with dark and bright exchanged (MONOCHROME1), and turned back")
    return Converted(volume=volume, way=way, notes=tuple(notes), guess=guess)


def by_dcm2niix(stack: Stack, workspace: Path) -> Volume | None:
    """Return what dcm2niix makes of the planes' files; None where that is not exactly one volume."""
    program = _dcm2niix()
    if not program:
        return None
    given, made = workspace / "in", workspace / "out"
    for folder in (given, made):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for number, path in enumerate(dict.fromkeys(plane.instance.path for plane in stack.planes)):
        # a link of a numbered name: the file's own may be a person's
        (given / f"{number:06d}.dcm").symlink_to(path.resolve())
    # -p n: Philips' numbers as the standard scales them, as every other reader has them
    options = ["-b", "y", "-ba", "y", "-z", "n", "-p", "n", "-f", "%s_%e"]
    ended = run([program, *options, "-o", str(made), str(given)], workspace)
    files = sorted(made.glob("*.nii"))
    if not ended or len(files) != 1:
        return None
    return _read(files[0])


def by_gdcm(stack: Stack, workspace: Path) -> Volume | None:
    """Return the voxels as GDCM decodes them, placed by the tags; None where it can't."""
    planes = _decoded(stack.planes, workspace)
    if planes is None:
        return None
    array = np.ascontiguousarray(planes.transpose(2, 1, 0))
    return Volume(array=array, affine=stack.affine) if array.shape == stack.shape else None


def _decoded(planes: Sequence[Plane], workspace: Path) -> Array | None:
    """Return planes as GDCM decodes them, each scaled as its file says, shape (plane, row, column)."""
    order, made = workspace / "planes.txt", workspace / "planes.npy"
    made.unlink(missing_ok=True)
    lines = (
        f"{p.index}\t{p.frame.slope!r}\t{p.frame.intercept!r}\t{p.instance.path.resolve()}" for p in planes
    )
    order.write_text("\n".join(lines), encoding="utf-8", errors="surrogateescape")
    if not run([sys.executable, "-m", "allbrains.dicom.planes", str(order), str(made)], workspace):
        return None
    try:
        found: Array = np.load(made, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found if found.ndim == 3 else None


def lies_as(volume: Volume, stack: Stack) -> bool:
    """Return whether a volume has the stack's voxels in the stack's places, axes flipped or not."""
    if sorted(volume.array.shape) != sorted(stack.shape):
        return False
    theirs = _corners(volume.affine, volume.array.shape)
    ours = _corners(stack.affine, stack.shape)
    inverse = np.linalg.inv(stack.affine)[:3, :3]
    apart = np.abs((theirs[:, None] - ours[None]) @ inverse.T).max(axis=-1)
    return bool((apart.min(axis=1) < CLOSE).all() and (apart.min(axis=0) < CLOSE).all())


def _corners(affine: Affine, shape: tuple[int, ...]) -> Array:
    index = np.array(list(product(*((0, n - 1) for n in shape))), float)
    return index @ affine[:3, :3].T + affine[:3, 3]


def _guess(made: Path) -> str:
    """Return the suffix that dcm2niix's sidecars agree on; a word of BIDS or nothing."""
    found = set()
    for path in made.glob("*.json"):
        try:
            with path.open("rb") as file:
                told = json.loads(file.read(_LONGEST_SIDECAR)).get("BidsGuess")
            found.add(str(told[1]).rsplit("_", maxsplit=1)[-1])
        except (OSError, ValueError, RecursionError, AttributeError, TypeError, IndexError):
            continue
    return found.pop() if len(found) == 1 and found <= SUFFIXES.keys() else ""


def _dcm2niix() -> str:
    try:
        import dcm2niix
    except ModuleNotFoundError:
        return shutil.which("dcm2niix") or ""
    program = str(dcm2niix.bin)
    return program if os.access(program, os.X_OK) else shutil.which("dcm2niix") or ""


def _read(path: Path) -> Volume | None:
    """Return an image that dcm2niix wrote, its header checked as a stranger's; None where it is none."""
    import nibabel

    from allbrains.images.image_file import read_image

    try:
        checked = read_image(path)
    except ScanUnusable:
        return None
    # integers stay integers where the header scales nothing
    stored = np.asarray(nibabel.load(path, mmap=False).dataobj).reshape(checked.array.shape)
    return Volume(array=stored, affine=checked.affine)
