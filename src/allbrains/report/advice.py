"""What a code means and what can be done about it, for people who look for a missing scan."""

from __future__ import annotations

from collections.abc import Mapping

from allbrains.errors import Reason
from allbrains.records import Cause

_FILE = "Compare the published digest; if it agrees, the dataset's owner has to mend the file."
_NOTHING = "Nothing: this is not a T1-weighted scan of one living head. It stays listed with its reason."
_LOOK = "Look at the scan itself (`allbrains download`); another recipe may manage it."
_AGAIN = "`allbrains build` again: it tries failed scans anew."

# code → what it means, what to do
ADVICE: Mapping[str, tuple[str, str]] = {
    Reason.TRUNCATED: ("The file ends before what its header promises.", _FILE),
    Reason.CORRUPT: ("A checksum inside the file fails, or bytes follow its end.", _FILE),
    Reason.UNREADABLE: ("The file is no image format that is known.", _FILE),
    Reason.TOO_LARGE: ("The image has more voxels than any head scan.", _NOTHING),
    Reason.NOT_3D: ("The image has several frames, or is a plane.", _NOTHING),
    Reason.COMPLEX_OR_RGB: ("Its voxels are complex numbers or colours.", _NOTHING),
    Reason.BAD_AFFINE: ("The header's geometry is singular, not finite or absurd.", _FILE),
    Reason.NON_FINITE: ("A large part of the voxels is NaN or infinite.", _FILE),
    Reason.CONSTANT: ("All voxels have one value.", _FILE),
    Reason.NO_BRAIN_FOUND: ("No brain was found in the image.", _LOOK),
    Reason.IMPLAUSIBLE_BRAIN: ("What was found has a size or shape that no human brain has.", _LOOK),
    Reason.NO_MATCH_TO_TEMPLATE: (
        "Registration fails: another species, orientation or contrast, or half a head.",
        _LOOK,
    ),
    Reason.WRONG_CONTRAST: ("Grey matter is brighter than white: not a T1w.", _NOTHING),
    Reason.WRONG_BYTES: (
        "Every source delivers bytes that differ from the published digest.",
        "Read the catalogue again (`allbrains catalog`): the dataset may have a new snapshot.",
    ),
    Cause.EXCEPTION: (
        "The recipe raised an error; the detail has its last line.",
        f"{_AGAIN} If it stays, report it.",
    ),
    Cause.SIGNAL: ("Native code crashed.", f"{_AGAIN} If it stays, report it with the scan's path."),
    Cause.EXIT: ("The worker ended by itself.", _AGAIN),
    Cause.TIMEOUT: (
        "The scan took longer than a scan may.",
        f"{_AGAIN} A slow machine needs a longer limit.",
    ),
    Cause.MEMORY: ("The worker took more memory than it may.", f"{_AGAIN} Use fewer --jobs."),
    Cause.NETWORK: ("The source didn't answer, or broke off.", _AGAIN),
    Cause.UNAVAILABLE: (
        "Every address refuses the file: gone, or not public.",
        "Look at the dataset's page; `allbrains catalog` again sees whether it has a new snapshot.",
    ),
    Cause.DISK: ("A disk was full or failed.", f"Make room, then {_AGAIN}"),
}
