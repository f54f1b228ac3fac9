"""The lock file of a catalogue: which version of each dataset it was read from.

A dataset's snapshot never changes, and its git commit says so: a catalogue read by a lock is the same
catalogue, for as long as its datasets are public.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from allbrains.errors import ConfigurationError
from allbrains.regular_files import read_regular
from allbrains.text import json_of, sound

NAME = "catalog.lock.json"
_VERSION = 1
_MOST_BYTES = 1 << 26  # a dataset takes some hundred bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One version of one dataset: its tag, and its git commit (empty where none is known)."""

    dataset: str
    snapshot: str
    hexsha: str = ""


def dump(pins: Iterable[Pin]) -> str:
    """Return the text of a lock file, in order of the datasets."""
    datasets = {
        pin.dataset: {"snapshot": pin.snapshot, "hexsha": pin.hexsha}
        for pin in sorted(pins, key=lambda pin: pin.dataset)
    }
    return json.dumps({"allbrains_lock": _VERSION, "datasets": datasets}, indent=1) + "\n"


def load(path: Path) -> tuple[Pin, ...]:
    """Return the versions in a lock file.

    Raises:
        ConfigurationError: it can't be read, or isn't a lock file.
    """
    try:
        content = json_of(read_regular(path, most=_MOST_BYTES))
        if content["allbrains_lock"] != _VERSION:
            raise ConfigurationError(f"{path} is a lock file of another version of allbrains")
        pins = tuple(
            Pin(dataset=sound(name), snapshot=sound(str(row["snapshot"])), hexsha=sound(str(row["hexsha"])))
            for name, row in content["datasets"].items()
        )
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is not a lock file: expected what `allbrains catalog` writes to {NAME}"
        ) from error
    if not pins:
        raise ConfigurationError(f"{path} names no dataset")
    return pins
