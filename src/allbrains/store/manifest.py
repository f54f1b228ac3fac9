"""``allbrains.json``: what an output folder holds. Written once; a folder holds one recipe on one grid."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.files import Hook, passing, publishing
from allbrains.recipe import Recipe
from allbrains.store.layout import Layout

if TYPE_CHECKING:
    from allbrains.records import Affine

FORMAT_VERSION = 1  # raised when a reader of the version before could misread a folder

Matrix = tuple[tuple[float, ...], ...]


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
class Corpus:
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
    def of(cls, recipe: Recipe, grid: StoredGrid) -> Corpus:
        """Return the corpus that this recipe makes on this grid."""
        return cls(recipe=recipe.name, steps=recipe.as_json(), fingerprint=recipe.fingerprint, grid=grid)

    def to_json(self) -> str:
        """Return the text of ``allbrains.json``."""
        fields = asdict(self)
        fields["steps"] = json.loads(self.steps)
        return json.dumps(fields, indent=1, sort_keys=True) + "\n"


def parse(text: str, origin: Path) -> Corpus:
    """Return the corpus that a manifest describes.

    Raises:
        ConfigurationError: it was written by a later version of allbrains.
        CorpusError: it is not a manifest.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        version = int(fields["format_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{origin} is not a manifest of allbrains: {error}") from error
    if version > FORMAT_VERSION:
        raise ConfigurationError(
            f"{origin.parent} is of format {version}, this allbrains reads up to {FORMAT_VERSION}: upgrade it"
        )
    try:
        grid = fields["grid"]
        _ = [step["step"] for step in fields["steps"]]
        return Corpus(
            format_version=version,
            recipe=fields["recipe"],
            steps=json.dumps(fields["steps"], sort_keys=True, separators=(",", ":")),
            fingerprint=fields["fingerprint"],
            grid=StoredGrid(
                space=grid["space"],
                shape=tuple(grid["shape"]),
                affine=matrix(grid["affine"]),
            ),
        )
    except (KeyError, TypeError) as error:
        raise CorpusError(f"{origin} is incomplete: {error}") from error


def read(layout: Layout) -> Corpus:
    """Return what an output folder holds.

    Raises:
        ConfigurationError: there is no corpus, or one of a later version.
        CorpusError: the manifest is broken.
    """
    try:
        text = layout.manifest.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigurationError(
            f"no corpus in {layout.root}: {layout.manifest.name} is missing; `allbrains build` makes one"
        ) from error
    return parse(text, layout.manifest)


def claim(layout: Layout, corpus: Corpus, *, at: Hook = passing) -> None:
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


def _difference(found: Corpus, wanted: Corpus) -> str:
    """Return in which steps two recipes differ; one name may stand for both, from release to release."""
    steps: list[dict[str, str]] = [
        {step["step"]: json.dumps(step, sort_keys=True) for step in json.loads(one.steps)}
        for one in (found, wanted)
    ]
    names = list(dict.fromkeys([*steps[0], *steps[1]]))
    differing = [name for name in names if steps[0].get(name) != steps[1].get(name)]
    return f"they differ in {', '.join(differing)}" if differing else "their steps stand in another order"
