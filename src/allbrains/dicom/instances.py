"""What is known of one DICOM file, and the units that files are sorted into.

Only ``Identity`` says who a person is, and it shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

Triple = tuple[float, float, float]
Six = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The person of a file; for comparing only, so it prints as nothing.

    Attributes:
        number: PatientID, folded; empty where there is none.
        name: PatientName's words, folded and sorted.
        born: PatientBirthDate.
        sex: ``M``, ``F``, ``O`` or empty.
    """

    number: str = field(default="", repr=False)
    name: tuple[str, ...] = field(default=(), repr=False)
    born: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One plane of a file.

    Attributes:
        position: of the first voxel's centre, LPS+ mm; None where the file doesn't say.
        orientation: direction of a row, then of a column; None where the file doesn't say.
        spacing: between rows, between columns, mm; None where the file doesn't say.
        thickness: mm; 0 where unknown.
        te_ms: echo time; 0 where unknown.
        b_value: s/mm²; -1 where it is no diffusion image.
        tags: words of ImageType or FrameType, and of Siemens' ImageTypeText.
        part: of the complex signal: ``M``, ``P``, ``R``, ``I``; empty where the file doesn't say.
        slope, intercept: from stored numbers to the image's own; 1 and 0 where the file doesn't say.
    """

    position: Triple | None
    orientation: Six | None
    spacing: tuple[float, float] | None
    thickness: float = 0.0
    te_ms: float = 0.0
    b_value: float = -1.0
    tags: frozenset[str] = frozenset()
    part: str = ""
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where and how a file keeps its voxels.

    Attributes:
        offset: of the first byte of the pixel data's value; 0 where there is none.
        length: bytes; -1 where they are packed in fragments.
        allocated, used: bits of a number, and how many of them count.
        signed: negative numbers exist.
        inverted: small numbers are meant to look bright (MONOCHROME1).
        cut: the file ends before its voxels do.
    """

    offset: int = 0
    length: int = 0
    allocated: int = 16
    used: int = 16
    signed: bool = False
    inverted: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One file.

    Attributes:
        path: where it is.
        uid: SOPInstanceUID; a hint only, as some programs give one to all.
        series: SeriesInstanceUID; a hint only.
        study: StudyInstanceUID: one examination.
        examined_s: when the examination was, seconds of some clock that all files share; NaN where unknown.
        acquired_s: when the image was measured, by the same clock.
        number: SeriesNumber; -1 where there is none.
        order: InstanceNumber.
        identity: of its person.
        modality: ``MR``, ``CT``, ``SR`` …
        sop_class: UID of what kind of object it is.
        syntax: UID of how its voxels are packed.
        colour: voxels have more than one channel.
        rows, columns: of a plane.
        frames: its planes.
        stored: where its voxels are.
        sequence: of ``SE``, ``GR``, ``EP``, ``IR``, ``RM``.
        variant: words of SequenceVariant: ``MP`` for magnetisation prepared, ``MTC``, ``SP`` for spoiled …
        three_d: MRAcquisitionType; None where the file doesn't say.
        tr_ms, ti_ms, flip_deg: 0 where unknown.
        words: known words among the description's, the protocol's and the sequence's; no others.
        region: of the body; empty where neither BodyPartExamined nor a known word tells.
        angiography: the scanner says that it shows vessels.
        transfer: magnetisation transfer was on.
        promised: how many images the acquisition has; 0 where the file doesn't say.
        contrast_agent: something was injected.
        age_years: at the examination; NaN where unknown.
    """

    path: Path = field(repr=False)
    uid: str = field(repr=False)
    series: str = field(repr=False)
    study: str = field(repr=False)
    examined_s: float = field(repr=False)
    acquired_s: float = field(repr=False)
    number: int
    order: int
    identity: Identity
    modality: str
    sop_class: str
    syntax: str
    colour: bool
    rows: int
    columns: int
    frames: tuple[Frame, ...]
    stored: Stored
    sequence: frozenset[str]
    variant: frozenset[str]
    three_d: bool | None
    tr_ms: float
    ti_ms: float
    flip_deg: float
    words: frozenset[str]
    region: str
    angiography: bool
    transfer: bool
    promised: int
    contrast_agent: bool
    age_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A frame with its file: the unit that volumes are stacked from."""

    instance: Instance
    index: int

    @property
    def frame(self) -> Frame:
        """The frame itself."""
        return self.instance.frames[self.index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Files that belong together.

    Attributes:
        label: number for people: SeriesNumber where it is unique, else counted on.
        instances: without copies, in InstanceNumber's order.
    """

    label: int
    instances: tuple[Instance, ...]

    @property
    def first(self) -> Instance:
        """A file that stands for all where they agree."""
        return self.instances[0]

    @property
    def planes(self) -> tuple[Plane, ...]:
        """All planes of all files."""
        return tuple(Plane(instance=one, index=k) for one in self.instances for k in range(len(one.frames)))

    @property
    def words(self) -> frozenset[str]:
        """Known words of any of its files."""
        return frozenset().union(*(one.words for one in self.instances))

    @property
    def tags(self) -> frozenset[str]:
        """Words of ImageType that all its planes share."""
        sets = [plane.frame.tags for plane in self.planes]
        return frozenset.intersection(*sets) if sets else frozenset()
