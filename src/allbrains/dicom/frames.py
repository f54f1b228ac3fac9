"""The planes of a file: of a classic one the file itself, of an enhanced one each of its frames. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from allbrains.dicom.instances import Frame, Six, Triple
from allbrains.dicom.values import integer, number, numbers, texts

_MOST_FRAMES = 20_000
_SIEMENS_B, _GE_B = 0x0019100C, 0x00431039
_GE_OFFSET = 1_000_000_000  # some of GE's b-values come with this added


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
    general = _tags(dataset, "ImageType")
    return tuple(_enhanced(group, shared, general) for group in per_frame[:_MOST_FRAMES])


def _classic(dataset: Any) -> Frame:
    return Frame(
        position=cast("Triple | None", numbers(dataset, "ImagePositionPatient", 3)),
        orientation=cast("Six | None", numbers(dataset, "ImageOrientationPatient", 6)),
        spacing=cast("tuple[float, float] | None", numbers(dataset, "PixelSpacing", 2)),
        thickness=number(dataset, "SliceThickness"),
        te_ms=number(dataset, "EchoTime"),
        b_value=_b_value(dataset),
        tags=_tags(dataset, "ImageType"),
    )


def _enhanced(group: Any, shared: Any, general: frozenset[str]) -> Frame:
    def first(sequence: str) -> Any:
        return next(_items(group, shared, sequence), {})

    measures, diffusion = first("PixelMeasuresSequence"), first("MRDiffusionSequence")
    tags = _tags(first("MRImageFrameTypeSequence"), "FrameType")
    return Frame(
        position=cast("Triple | None", numbers(first("PlanePositionSequence"), "ImagePositionPatient", 3)),
        orientation=cast(
            "Six | None", numbers(first("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        ),
        spacing=cast("tuple[float, float] | None", numbers(measures, "PixelSpacing", 2)),
        thickness=number(measures, "SliceThickness"),
        te_ms=number(first("MREchoSequence"), "EffectiveEchoTime"),
        b_value=number(diffusion, "DiffusionBValue") if "DiffusionBValue" in diffusion else -1.0,
        tags=tags or general,
    )


def _items(group: Any, shared: Any, sequence: str) -> Iterator[Any]:
    for place in (group, shared):
        if place is not None:
            yield from (place.get(sequence) or ())[:1]


def _tags(dataset: Any, name: str) -> frozenset[str]:
    return frozenset(word.strip().upper() for word in texts(dataset, name))


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
