"""Every error that allbrains raises, by what the caller should do next.

    AllbrainsError
    ├── ConfigurationError   nothing was started: mend the command or the settings   (exit 2)
    ├── SourceError          the source can't be trusted or reached: stop            (exit 1)
    ├── CorpusError          the output folder contradicts itself: stop, `verify`    (exit 1)
    ├── TransientError       may pass: the only class that is retried
    │   └── NoSpace          a disk is full: a build pauses until there is room
    └── ScanUnusable         this scan can't be used: a row, and the run goes on

Exceptions of other libraries are translated once, where that library is called, with ``from``.
A message says what, which item, and, where it applies, expected and found.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a scan was rejected. Final: the same bytes and the same recipe give the same answer."""

    TRUNCATED = "truncated"  # the file ends before its header's promise, or its gzip stream is cut
    CORRUPT = "corrupt"  # a checksum inside the file fails, or bytes follow its end
    UNREADABLE = "unreadable"  # not an image that nibabel knows
    TOO_LARGE = "too_large"  # more voxels than any head scan has
    NOT_3D = "not_3d"  # more than one frame, or a plane
    COMPLEX_OR_RGB = "complex_or_rgb"  # voxels are not real numbers
    BAD_AFFINE = "bad_affine"  # singular, not finite, or absurd voxel sizes
    NON_FINITE = "non_finite"  # NaN or infinity in a large part of the voxels
    CONSTANT = "constant"  # nothing to see
    NO_BRAIN_FOUND = "no_brain_found"  # the brain mask is empty
    IMPLAUSIBLE_BRAIN = "implausible_brain"  # mask volume, extent or shape that no human head has
    NO_MATCH_TO_TEMPLATE = "no_match_to_template"  # registration fails: species, orientation or contrast
    WRONG_CONTRAST = "wrong_contrast"  # grey matter brighter than white: not a T1w
    WRONG_BYTES = "wrong_bytes"  # every source delivers bytes that differ from the published digest


class AllbrainsError(Exception):
    """Base of all errors that allbrains raises on purpose."""


class ConfigurationError(AllbrainsError):
    """A command, an option or a settings file is wrong; nothing was started."""


class SourceError(AllbrainsError):
    """A source of scans can't be reached, or what it says can't be trusted."""


class CorpusError(AllbrainsError):
    """An output folder is not what its own records say."""


class TransientError(AllbrainsError):
    """Something that may pass by itself: an outage, a full disk, a busy server.

    Attributes:
        retry_after_s: seconds that the other side asked us to wait, 0 if it said nothing.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NoSpace(TransientError):
    """A disk or a quota is full."""


class ScanUnusable(AllbrainsError):
    """A scan can't become a sample.

    Attributes:
        reason: the code that goes into the scan's row.
        detail: one sentence for a person: expected and found.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
