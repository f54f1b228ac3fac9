"""What is known of one DICOM file. Only ``Identity`` says who a person is, and it shows nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

Triple = tuple[float, float, float]
Six = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose file it is; for comparing only, so it prints as nothing.

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
        tags: words of ImageType or FrameType.
    """

    position: Triple | None
    orientation: Six | None
    spacing: tuple[float, float] | None
    thickness: float = 0.0
    te_ms: float = 0.0
    b_value: float = -1.0
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One file.

    Attributes:
        path: where it is.
        uid: SOPInstanceUID; for telling copies apart.
        series: SeriesInstanceUID.
        number: SeriesNumber; -1 where there is none.
        order: InstanceNumber.
        identity: whose it is.
        modality: ``MR``, ``CT``, ``SR`` …
        sop_class: UID of what kind of object it is.
        syntax: UID of how its voxels are packed.
        colour: voxels have more than one channel.
        rows, columns: of a plane.
        frames: its planes.
        sequence: of ``SE``, ``GR``, ``EP``, ``IR``, ``RM``.
        three_d: MRAcquisitionType; None where the file doesn't say.
        tr_ms, ti_ms, flip_deg: 0 where unknown.
        words: known words among the description's, the protocol's and the sequence's; no others.
        contrast_agent: something was injected.
        age_years: at the examination; NaN where unknown.
    """

    path: Path = field(repr=False)
    uid: str = field(repr=False)
    series: str = field(repr=False)
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
    sequence: frozenset[str]
    three_d: bool | None
    tr_ms: float
    ti_ms: float
    flip_deg: float
    words: frozenset[str]
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
