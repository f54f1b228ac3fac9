"""The planes of a file: of a classic one the file itself, of an enhanced one each of its frames. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from allbrains.dicom.instances import Frame, Six, Triple
from allbrains.dicom.values import integer, number, numbers, text, texts

_MOST_FRAMES = 20_000
_SIEMENS_B, _GE_B, _GE_PART = 0x0019100C, 0x00431039, 0x0043102F
_GE_OFFSET = 1_000_000_000  # some of GE's b-values come with this added
_GE_PARTS = {0: "M", 1: "P", 2: "R", 3: "I"}
# ImageTypeText of Siemens XA, which says NORM where ImageType doesn't: element xx75 of group 0021, in
# whichever block; in enhanced files inside a private sequence, element xxFE, of each frame
SIEMENS_TYPES = tuple(0x00210000 | block << 8 | 0x75 for block in range(0x10, 0x18))
_SIEMENS_GROUPS = tuple(0x00210000 | block << 8 | 0xFE for block in range(0x10, 0x18))
PRIVATE = (_SIEMENS_B, _GE_B, _GE_PART, *SIEMENS_TYPES)
# words of ImageType, FrameType and ComplexImageComponent that name a part of the complex signal
_PARTS = {
    **dict.fromkeys(("P", "PHASE", "PHASE MAP", "PHASE_MAP", "VELOCITY MAP", "P_FFE", "P_SE", "P_IR"), "P"),
    **dict.fromkeys(("R", "REAL", "R_FFE", "R_SE", "R_IR"), "R"),
    **dict.fromkeys(("I", "IMAGINARY", "I_FFE", "I_SE", "I_IR"), "I"),
    **dict.fromkeys(("M", "MAGNITUDE", "M_FFE", "M_SE", "M_IR"), "M"),
}


def frames_of(dataset: Any) -> tuple[Frame, ...]:
    """Return a file's planes; none where it is no image."""
    if not integer(dataset, "Rows", 0):
        return ()
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is None:
        count = min(max(integer(dataset, "NumberOfFrames", 1), 1), _MOST_FRAMES)
        frame = _classic(dataset)
        # several planes and one place: no volume, and judged so
        return (frame,) * count
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    return tuple(_enhanced(group, shared, dataset) for group in per_frame[:_MOST_FRAMES])


def _classic(dataset: Any) -> Frame:
    tags = _tags(dataset, "ImageType") | _siemens_types(dataset)
    slope, intercept = _scale(dataset)
    return Frame(
        position=cast("Triple | None", numbers(dataset, "ImagePositionPatient", 3)),
        orientation=cast("Six | None", numbers(dataset, "ImageOrientationPatient", 6)),
        spacing=cast("tuple[float, float] | None", numbers(dataset, "PixelSpacing", 2)),
        thickness=number(dataset, "SliceThickness"),
        te_ms=number(dataset, "EchoTime"),
        b_value=_b_value(dataset),
        tags=tags,
        part=_part(dataset, tags) or _ge_part(dataset),
        slope=slope,
        intercept=intercept,
    )


def _enhanced(group: Any, shared: Any, whole: Any) -> Frame:
    def first(sequence: str) -> Any:
        return next(_items(group, shared, sequence), {})

    measures, diffusion = first("PixelMeasuresSequence"), first("MRDiffusionSequence")
    kind = first("MRImageFrameTypeSequence")
    tags = _tags(kind, "FrameType") or _tags(whole, "ImageType")
    for place in (whole, shared, group):
        tags |= _siemens_types(place)
    slope, intercept = _scale(first("PixelValueTransformationSequence"))
    return Frame(
        position=cast("Triple | None", numbers(first("PlanePositionSequence"), "ImagePositionPatient", 3)),
        orientation=cast(
            "Six | None", numbers(first("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        ),
        spacing=cast("tuple[float, float] | None", numbers(measures, "PixelSpacing", 2)),
        thickness=number(measures, "SliceThickness"),
        te_ms=number(first("MREchoSequence"), "EffectiveEchoTime"),
        b_value=number(diffusion, "DiffusionBValue") if "DiffusionBValue" in diffusion else -1.0,
        tags=tags,
        part=_part(kind, tags) or _part(whole, frozenset()),
        slope=slope,
        intercept=intercept,
    )


def _items(group: Any, shared: Any, sequence: str) -> Iterator[Any]:
    for place in (group, shared):
        if place is not None:
            yield from (place.get(sequence) or ())[:1]


def _tags(dataset: Any, name: str) -> frozenset[str]:
    return frozenset(word.strip().upper() for word in texts(dataset, name))


def _scale(dataset: Any) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 is none."""
    return number(dataset, "RescaleSlope") or 1.0, number(dataset, "RescaleIntercept")


def _part(dataset: Any, tags: frozenset[str]) -> str:
    """Return which part of the complex signal it is: what the scanner says of it before what it implies."""
    told = text(dataset, "ComplexImageComponent").strip().upper()
    found = {_PARTS[word] for word in tags if word in _PARTS} | {_PARTS.get(told, "")} - {""}
    other = found - {"M"}
    return min(other) if other else "".join(found)


def _ge_part(dataset: Any) -> str:
    if _GE_PART not in dataset:
        return ""
    value = dataset[_GE_PART].value
    # without GE's name of the block, which is not read, the number comes as its bytes
    found = float(value[0]) if isinstance(value, bytes) and len(value) in (2, 4) else _private(value)
    return next((part for code, part in _GE_PARTS.items() if code == found), "")


def _siemens_types(dataset: Any) -> frozenset[str]:
    """Return the words of ImageTypeText, at the top or inside the private group of a frame."""
    if dataset is None:
        return frozenset()
    found = [dataset[tag].value for tag in SIEMENS_TYPES if tag in dataset]
    for tag in _SIEMENS_GROUPS:
        if tag in dataset and dataset[tag].VR == "SQ":
            found += [item[t].value for item in dataset[tag].value[:1] for t in SIEMENS_TYPES if t in item]
    return frozenset(word for value in found for word in _words(value))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    pieces = value.split("\\") if isinstance(value, str) else value
    for piece in pieces if hasattr(pieces, "__iter__") else ():
        yield str(piece).strip(" \0").upper()


def _b_value(dataset: Any) -> float:
    if "DiffusionBValue" in dataset:
        return number(dataset, "DiffusionBValue")
    if _SIEMENS_B in dataset:
        return _private(dataset[_SIEMENS_B].value)
    if _GE_B in dataset:
        return _private(dataset[_GE_B].value) % _GE_OFFSET
    return -1.0


def _private(value: Any) -> float:
    """Return the first number in a private value, which may have any form; -1 where it has none."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    pieces = value.replace("\\", " ").split() if isinstance(value, str) else value
    first = next(iter(pieces), None) if hasattr(pieces, "__iter__") else pieces
    try:
        return float(cast(Any, first))
    except (ValueError, TypeError):
        return -1.0
