"""``allbrains.json``: what an output folder holds. Written once; a folder holds one recipe on one grid."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.files import Hook, passing, publishing
from allbrains.recipe import Recipe
from allbrains.regular_files import read_regular
from allbrains.store.layout import Layout
from allbrains.text import json_of

if TYPE_CHECKING:
    from allbrains.records import Affine

FORMAT_VERSION = 1  # raised when a reader of the version before could misread a folder

MOST_BYTES = 1 << 24  # of a manifest; ours have some kB

Matrix = tuple[tuple[float, ...], ...]

_LONGEST_AXIS = 4096  # voxels; the largest heads have 512 along an axis
_LEAST_MM3, _MOST_MM3 = 1e-6, 1e9  # of a voxel: beyond these no affine is one of a head
_SPACE = re.compile(r"[A-Za-z0-9]{1,64}\Z")  # a BIDS label: it becomes part of exported files' names
_WORD = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}\Z")


def matrix(rows: Iterable[Iterable[float]]) -> Matrix:
    """Return a matrix as plain numbers, row by row."""
    return tuple(tuple(map(float, row)) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGrid:
    """The grid that all maps of a corpus share.

    Attributes:
        space: TemplateFlow name, such as ``MNI152NLin2009aSym``.
        shape: voxels along x, y, z.
        affine: 4 rows of 4, voxel index → RAS+ mm of the space.
    """

    space: str
    shape: tuple[int, int, int]
    affine: Matrix

    @classmethod
    def of(cls, space: str, shape: tuple[int, int, int], affine: Affine) -> StoredGrid:
        """Return a grid with the affine as plain numbers."""
        return cls(space=space, shape=shape, affine=matrix(affine))


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFormat:
    """What an output folder holds.

    Attributes:
        format_version: of the files in the folder.
        recipe: name of the recipe.
        steps: names, versions and settings of its steps, as canonical JSON.
        fingerprint: of the recipe.
        grid: of its maps.
    """

    format_version: int = FORMAT_VERSION
    recipe: str
    steps: str
    fingerprint: str
    grid: StoredGrid

    @classmethod
    def of(cls, recipe: Recipe, grid: StoredGrid) -> CorpusFormat:
        """Return the corpus that this recipe makes on this grid."""
        return cls(recipe=recipe.name, steps=recipe.as_json(), fingerprint=recipe.fingerprint, grid=grid)

    def to_json(self) -> str:
        """Return the text of ``allbrains.json``."""
        fields = asdict(self)
        fields["steps"] = json.loads(self.steps)
        return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def shape_of(told: Any, *, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return a grid's or a map's shape from untrusted JSON.

    Raises:
        ValueError: it is not so many whole numbers, or one of them is no length of an axis.
    """
    if not isinstance(told, list) or len(told) not in axes:
        raise ValueError(
            f"its shape is {str(told)[:80]}, expected {' or '.join(map(str, axes))} whole numbers"
        )
    if not all(type(one) is int and 1 <= one <= _LONGEST_AXIS for one in told):
        raise ValueError(f"its shape is {str(told)[:80]}, expected 1 to {_LONGEST_AXIS} along each axis")
    return tuple(told)


def affine_of(told: Any) -> Matrix:
    """Return an affine from untrusted JSON: 4 rows of 4, the last one 0 0 0 1.

    Raises:
        ValueError: it is none, is not finite, or can't be inverted.
        TypeError: it is not even made of rows.
    """
    rows = matrix(told)
    if [*map(len, rows)] != [4] * 4 or rows[3] != matrix([[0, 0, 0, 1]])[0]:
        raise ValueError("its affine is not 4 rows of 4 with 0 0 0 1 below")
    if not all(math.isfinite(one) for row in rows for one in row):
        raise ValueError("its affine is not finite")
    volume = abs(float(np.linalg.det(np.array(rows)[:3, :3])))
    if not _LEAST_MM3 <= volume <= _MOST_MM3:
        raise ValueError(f"its affine makes voxels of {volume:g} mm³")
    return rows


def parse(text: str | bytes, origin: Path) -> CorpusFormat:
    """Return the corpus that a manifest describes.

    Raises:
        ConfigurationError: it was written by a later version of allbrains.
        CorpusError: it is not a manifest.
    """
    try:
        fields: dict[str, Any] = json_of(text)
        version = int(fields["format_version"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise CorpusError(f"{origin} is not a manifest of allbrains: {error}") from error
    if version > FORMAT_VERSION:
        raise ConfigurationError(
            f"{origin.parent} is of format {version}, this allbrains reads up to {FORMAT_VERSION}: upgrade it"
        )
    try:
        grid = fields["grid"]
        if not all(isinstance(step["step"], str) for step in fields["steps"]):
            raise ValueError("a step's name is no text")
        return CorpusFormat(
            format_version=version,
            recipe=_text(fields["recipe"], _WORD),
            steps=json.dumps(fields["steps"], sort_keys=True, separators=(",", ":")),
            fingerprint=_text(fields["fingerprint"], _WORD),
            grid=_grid(grid),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{origin} is incomplete: {error}") from error


def _grid(told: Any) -> StoredGrid:
    x, y, z = shape_of(told["shape"], axes=(3,))
    return StoredGrid(space=_text(told["space"], _SPACE), shape=(x, y, z), affine=affine_of(told["affine"]))


def _text(told: Any, form: re.Pattern[str]) -> str:
    if not isinstance(told, str) or not form.match(told):
        raise ValueError(f"{str(told)[:80]!r} is no name")
    return told


def read(layout: Layout) -> CorpusFormat:
    """Return what an output folder holds.

    Raises:
        ConfigurationError: there is no corpus, or one of a later version.
        CorpusError: the manifest is broken.
    """
    try:
        text = read_regular(layout.manifest, most=MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigurationError(
            f"no corpus in {layout.root}: {layout.manifest.name} is missing; `allbrains build` makes one"
        ) from error
    except OSError as error:
        raise CorpusError(f"{layout.manifest} can't be read: {error.strerror}") from error
    return parse(text, layout.manifest)


def claim(layout: Layout, corpus: CorpusFormat, *, at: Hook = passing) -> None:
    """Make the folder hold this corpus, or see that it already does.

    Raises:
        ConfigurationError: it holds the results of another recipe, or on another grid.
    """
    if not layout.manifest.exists():
        with publishing(layout.manifest, at) as temporary:
            temporary.write_text(corpus.to_json(), encoding="utf-8")
        return
    found = read(layout)
    if found.fingerprint != corpus.fingerprint:
        raise ConfigurationError(
            f"{layout.root} holds the recipe {found.recipe!r} ({found.fingerprint}), "
            f"not {corpus.recipe!r} ({corpus.fingerprint}); {_difference(found, corpus)}: use another --out"
        )
    if found.grid != corpus.grid:
        raise ConfigurationError(
            f"{layout.root} holds maps on the grid {found.grid.shape} of {found.grid.space}, "
            f"not {corpus.grid.shape} of {corpus.grid.space}: use another --out"
        )


def _difference(found: CorpusFormat, wanted: CorpusFormat) -> str:
    """Return in which steps two recipes differ; one name may stand for both, from release to release."""
    steps: list[dict[str, str]] = [
        {step["step"]: json.dumps(step, sort_keys=True) for step in json.loads(one.steps)}
        for one in (found, wanted)
    ]
    names = list(dict.fromkeys([*steps[0], *steps[1]]))
    differing = [name for name in names if steps[0].get(name) != steps[1].get(name)]
    return f"they differ in {', '.join(differing)}" if differing else "their steps stand in another order"
