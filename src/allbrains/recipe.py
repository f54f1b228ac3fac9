"""What a recipe is: ordered steps over one case, and a fingerprint. Pure.

A step is a frozen dataclass with its settings as fields. It has a ``name``, a ``version`` that is
raised when its output bytes change, and says which entries of the case it ``needs`` and which it
``gives``; a recipe is refused if its steps don't fit together, before anything starts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

from allbrains.case import Case
from allbrains.errors import ConfigurationError


class Step(Protocol):
    """The shape of every step. Adding one: a file in ``steps/``, a line in its registry."""

    name: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[tuple[str, ...]]
    gives: ClassVar[tuple[str, ...]]

    def __call__(self, case: Case) -> Case:
        """Return the case with what the step gives.

        Raises:
            ScanUnusable: the scan can't go on, with the reason code.
        """


# Metadata of a step's field that says where something is or runs, not what is done: such a field is
# left out of the fingerprint, so that two machines with different folders make one corpus.
WHERE = {"fingerprint": False}


MEMORY_MB = 2500.0  # a slot's peak with the embedded recipe, with room to spare (docs/benchmarks.md)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Something that a step needs and this machine hasn't got.

    Attributes:
        what: the package, file or device.
        remedy: how to get it, in one sentence.
    """

    what: str
    remedy: str


@runtime_checkable
class Equipped(Protocol):
    """A step that needs more than the package brings: weights, another package, a device."""

    def missing(self) -> list[Lack]:
        """Return what isn't there; looks at this machine, never at a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named chain of steps.

    Attributes:
        name: what ``--recipe`` takes.
        steps: in order.
        memory_mb: what a scan may need at its peak, MB (10⁶ bytes); no part of the fingerprint.
    """

    name: str
    steps: tuple[Step, ...]
    memory_mb: float = MEMORY_MB

    def __post_init__(self) -> None:
        """Refuse a chain in which a step needs what no step before it gives.

        Raises:
            ConfigurationError: naming the step and the missing entry.
        """
        known = {"t1w"}
        for step in self.steps:
            if missing := sorted(set(step.needs) - known):
                raise ConfigurationError(
                    f"recipe {self.name!r}: step {step.name!r} needs {', '.join(missing)}, "
                    f"which no step before it gives (known there: {', '.join(sorted(known))})"
                )
            known |= set(step.gives)

    def missing(self) -> list[Lack]:
        """Return what the steps need and this machine hasn't got, each thing once."""
        found = [lack for step in self.steps if isinstance(step, Equipped) for lack in step.missing()]
        return list(dict.fromkeys(found))

    def on(self, device: str) -> Recipe:
        """Return the recipe with this device for every step that can choose one; empty: as it is.

        Args:
            device: ``cpu`` or ``cuda``.
        """
        if not device:
            return self
        moved = (
            replace(step, device=device) if hasattr(step, "device") else step  # type: ignore[type-var]
            for step in self.steps
        )
        return replace(self, steps=tuple(moved))

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when a step, its version or a setting changes."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]

    def as_json(self) -> str:
        """Return names, versions and settings of all steps, as canonical JSON."""
        return json.dumps([describe(step) for step in self.steps], sort_keys=True, separators=(",", ":"))


def describe(step: Step) -> dict[str, Any]:
    """Return a step's name, version and settings; those that only say where something is are left out."""
    settings = {
        one.name: getattr(step, one.name)
        for one in fields(step)  # type: ignore[arg-type]
        if one.metadata.get("fingerprint", True)
    }
    return {"step": step.name, "version": step.version, "settings": settings}
