"""Recipes are data, and a wrong one is refused with a suggestion before anything starts."""

import pytest

from allbrains import recipes
from allbrains.errors import ConfigurationError
from allbrains.run.corpus_format import corpus_of

GOOD = recipes.text("embedded")


def test_the_embedded_recipe_loads_and_its_steps_fit_together():
    recipe = recipes.load("embedded")
    assert [step.name for step in recipe.steps][:3] == ["canonical", "orientation", "measure_scan"]


def test_lite_is_embedded_on_a_coarser_grid():
    full, lite = recipes.load("embedded"), recipes.load("lite")
    other = [(one, two) for one, two in zip(full.steps, lite.steps, strict=True) if one != two]
    assert [one.name for one, _ in other] == ["to_template"]
    assert corpus_of(lite).grid.shape == (80, 96, 80)
    assert corpus_of(full).grid.shape == (160, 192, 160)


def test_the_fingerprint_changes_with_a_setting_and_with_nothing_else():
    same = recipes.parse(f"# a comment\n{GOOD}", origin="x")
    other = recipes.parse(GOOD.replace('use = "bias"', 'use = "bias"\niterations = 51'), origin="x")
    assert recipes.load("embedded").fingerprint == same.fingerprint
    assert recipes.load("embedded").fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace('"bias"', '"biass"'), "did you mean 'bias'"),
        (GOOD.replace('use = "bias"', 'use = "bias"\niteration = 5'), "did you mean 'iterations'"),
        (GOOD.replace('use = "bias"', 'use = "bias"\niterations = "many"'), "Expected `int`"),
        (GOOD.replace('[[steps]]\nuse = "brain_mask"\n', ""), "needs mask"),
        ("name = 3 3", "not valid TOML"),
        ("name = 'x'", "at least one"),
        ("nmae = 'x'", "did you mean 'name'"),
    ],
)
def test_a_wrong_recipe_is_refused_with_a_suggestion(text, said):
    with pytest.raises(ConfigurationError, match=said.replace("[", r"\[")):
        recipes.parse(text, origin="mine.toml")
