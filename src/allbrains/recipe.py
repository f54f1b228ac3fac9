"""What a recipe is: ordered steps over one case, and a fingerprint. Pure.

A step is a frozen dataclass whose fields are its settings. It has a ``name``, a ``version`` that is
raised when its output bytes change, and says which entries of the case it ``needs`` and which it
``gives``; a recipe whose steps don't fit together is refused before anything starts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from allbrains.errors import ConfigurationError
from allbrains.records import Volume

if TYPE_CHECKING:
    from allbrains.records import Affine, Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """A map from template space to the scan: where each point of the template lies in the scan.

    ``scan_point = affine @ (x + displacement(x))`` for a template point ``x``.

    Attributes:
        affine: shape (4, 4), template RAS+ mm → scan RAS+ mm.
        displacement: shape (x, y, z, 3), RAS+ mm, on the template grid of ``grid_affine``.
        grid_affine: shape (4, 4), voxel of the displacement grid → template RAS+ mm.
    """

    affine: Affine
    displacement: Array
    grid_affine: Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is known of one scan so far; each step returns a richer one.

    Attributes:
        images: by name: ``t1w``, ``mask``, ``gm`` and so on. Which grid: the name's entry in
            ``docs/reference/names.md``; names that start with ``template_`` are in template space.
        warps: by name: ``affine`` (zero displacement) and ``warp``.
        numbers: volumes and metrics.
        texts: flags and provenance.
    """

    images: Mapping[str, Volume] = field(default_factory=dict)
    warps: Mapping[str, Warp] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def plus(
        self,
        *,
        images: Mapping[str, Volume] | None = None,
        warps: Mapping[str, Warp] | None = None,
        numbers: Mapping[str, float] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> Case:
        """Return a case with these entries added or replaced."""
        return replace(
            self,
            images={**self.images, **(images or {})},
            warps={**self.warps, **(warps or {})},
            numbers={**self.numbers, **(numbers or {})},
            texts={**self.texts, **(texts or {})},
        )

    def without(self, *images: str) -> Case:
        """Return a case that has forgotten these images, so that their memory can go."""
        return replace(self, images={k: v for k, v in self.images.items() if k not in images})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named chain of steps.

    Attributes:
        name: what ``--recipe`` takes.
        steps: in order.
    """

    name: str
    steps: tuple[Step, ...]

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

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when a step, its version or a setting changes."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]

    def as_json(self) -> str:
        """Return names, versions and settings of all steps, as canonical JSON."""
        return json.dumps([describe(step) for step in self.steps], sort_keys=True, separators=(",", ":"))


def describe(step: Step) -> dict[str, Any]:
    """Return a step's name, version and settings."""
    return {"step": step.name, "version": step.version, "settings": asdict(step)}  # type: ignore[call-overload]
