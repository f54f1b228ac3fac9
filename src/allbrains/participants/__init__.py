"""Demographics with receipts: raw columns and values → age, sex, handedness, group and species.

``harmonise`` is the way in, ``Roster`` (or ``join``) the way to scans. Pure: no disk, no network.
"""

from allbrains.participants.harmonise import harmonise
from allbrains.participants.joining import Roster, ScanKey, join
from allbrains.participants.records import (
    PARTICIPANTS,
    Confidence,
    Harmonised,
    Note,
    NoteKind,
    Participant,
    Receipt,
    midpoint,
    table,
)

__all__ = [
    "PARTICIPANTS",
    "Confidence",
    "Harmonised",
    "Note",
    "NoteKind",
    "Participant",
    "Receipt",
    "Roster",
    "ScanKey",
    "harmonise",
    "join",
    "midpoint",
    "table",
]
