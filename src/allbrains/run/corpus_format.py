"""What a recipe makes of an output folder."""

from __future__ import annotations

from allbrains.errors import ConfigurationError
from allbrains.recipe import Recipe
from allbrains.space.template import SPACE, output_grid
from allbrains.store.manifest import CorpusFormat, StoredGrid


def corpus_of(recipe: Recipe) -> CorpusFormat:
    """Return the corpus of a recipe: its steps, and the grid that its maps end on.

    Raises:
        ConfigurationError: no step brings the maps to the template, so nothing could be stored.
    """
    for step in recipe.steps:
        if step.name == "to_template":
            grid = output_grid(getattr(step, "spacing_mm", 1.0))
            return CorpusFormat.of(recipe, StoredGrid.of(SPACE, grid.shape, grid.affine))
    raise ConfigurationError(f"recipe {recipe.name!r} has no step 'to_template', so nothing can be stored")
