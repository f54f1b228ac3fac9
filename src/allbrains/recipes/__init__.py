"""Recipes as data: a TOML file names steps in order and their settings.

A recipe of your own is a file of the same form: ``allbrains build --recipe my.toml``.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from allbrains.errors import ConfigurationError
from allbrains.recipe import Recipe, Step

# name in a recipe → where the step's class lives; imported only when a recipe uses it
STEPS: dict[str, str] = {
    "canonical": "allbrains.steps.canonical:Canonical",
    "brain_mask": "allbrains.steps.brain_mask:BrainMask",
    "brain_gate": "allbrains.steps.gate:BrainGate",
    "bias": "allbrains.steps.bias:Bias",
    "affine_to_template": "allbrains.steps.register:AffineToTemplate",
    "syn_to_template": "allbrains.steps.register:SynToTemplate",
    "tissues": "allbrains.steps.tissues:Tissues",
    "volumes": "allbrains.steps.volumes:Volumes",
    "to_template": "allbrains.steps.to_template:ToTemplate",
    "measure_scan": "allbrains.steps.measure:MeasureScan",
    "measure_brain": "allbrains.steps.measure:MeasureBrain",
    "measure": "allbrains.steps.measure:Measure",
}


def names() -> list[str]:
    """Return the recipes that come with the package."""
    return sorted(p.name.removesuffix(".toml") for p in files(__name__).iterdir() if p.name.endswith(".toml"))


def load(name: str) -> Recipe:
    """Return a recipe that comes with the package, or one from a TOML file; see ``text``."""
    return parse(text(name), origin=name)


def text(name: str) -> str:
    """Return a recipe's TOML.

    Args:
        name: one of ``names()``, or a path that ends in ``.toml``.

    Raises:
        ConfigurationError: there is none; says which was meant.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise ConfigurationError(f"no recipe file {name!r}")
        return path.read_text(encoding="utf-8")
    if name not in names():
        raise ConfigurationError(f"no recipe {name!r}{_meant(name, names())}")
    return (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")


def parse(toml: str, *, origin: str) -> Recipe:
    """Return the recipe that a TOML text describes.

    Args:
        toml: the text.
        origin: what to call it in errors.

    Raises:
        ConfigurationError: an unknown step or setting, or steps that don't fit together.
    """
    try:
        data = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"recipe {origin}: not valid TOML: {error}") from error
    _known(data, ["name", "steps"], f"recipe {origin}")
    steps = data.get("steps", [])
    if not isinstance(steps, list) or not steps:
        raise ConfigurationError(f"recipe {origin}: expected at least one [[steps]] table")
    made = tuple(_step(dict(entry), f"recipe {origin}, step {n}") for n, entry in enumerate(steps, 1))
    return Recipe(name=str(data.get("name", Path(origin).stem)), steps=made)


def _step(entry: dict[str, Any], where: str) -> Step:
    use = str(entry.pop("use", ""))
    if use not in STEPS:
        raise ConfigurationError(f"{where}: no step {use!r}{_meant(use, list(STEPS))}")
    module, _, attribute = STEPS[use].partition(":")
    kind = getattr(import_module(module), attribute)
    _known(entry, [f.name for f in fields(kind)], f"{where} ({use})")
    try:
        step: Step = msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where} ({use}): {error}") from error
    return step


def _known(entry: dict[str, Any], allowed: list[str], where: str) -> None:
    for key in entry:
        if key not in allowed:
            raise ConfigurationError(f"{where}: unknown key {key!r}{_meant(key, allowed)}")


def _meant(word: str, choices: list[str]) -> str:
    close = get_close_matches(word, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(choices)}"
