"""Demographics with receipts: raw columns and values → age, sex, handedness, group, diagnosis, species.

``harmonise`` is the way in, ``Roster`` (or ``join``) the way to scans, ``merge`` takes a second source
such as a sidecar's age (``of_sidecar``). Pure: no disk, no network.
"""

from allbrains.participants.harmonise import harmonise
from allbrains.participants.joining import Roster, ScanKey, join
from allbrains.participants.participant import (
    FIELDS,
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
from allbrains.participants.second_sources import merge, of_sidecar
from allbrains.participants.summary import ParticipantsSummary, summarise

__all__ = [
    "FIELDS",
    "PARTICIPANTS",
    "Confidence",
    "Harmonised",
    "Note",
    "NoteKind",
    "Participant",
    "ParticipantsSummary",
    "Receipt",
    "Roster",
    "ScanKey",
    "harmonise",
    "join",
    "merge",
    "midpoint",
    "of_sidecar",
    "summarise",
    "table",
]
