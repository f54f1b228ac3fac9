"""Recipes as data: a TOML file names steps in order and their settings.

A recipe of your own is a file of the same form: ``allbrains build --recipe my.toml``. A step of your
own is a class that an installed package names in the entry-point group ``allbrains.steps``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from allbrains.errors import ConfigurationError
from allbrains.recipe import MEMORY_MB, Recipe, Step
from allbrains.regular_files import read_regular

# name in a recipe → where the step's class lives; imported only when a recipe uses it
STEPS: dict[str, str] = {
    "canonical": "allbrains.steps.canonical:Canonical",
    "orientation": "allbrains.steps.orientation:Orientation",
    "brain_mask": "allbrains.steps.brain_mask:BrainMask",
    "brain_gate": "allbrains.steps.gate:BrainGate",
    "bias": "allbrains.steps.bias:Bias",
    "ants_bias": "allbrains.steps.ants_bias:AntsBias",
    "affine_to_template": "allbrains.steps.register:AffineToTemplate",
    "ants_affine": "allbrains.steps.ants_affine:AntsAffine",
    "greedy_to_template": "allbrains.steps.greedy:GreedyToTemplate",
    "syn_to_template": "allbrains.steps.syn:SynToTemplate",
    "tissues": "allbrains.steps.tissues:Tissues",
    "labels": "allbrains.steps.labels:Labels",
    "structures": "allbrains.steps.structures:Structures",
    "volumes": "allbrains.steps.volumes:Volumes",
    "to_template": "allbrains.steps.to_template:ToTemplate",
    "measure_scan": "allbrains.steps.measure:MeasureScan",
    "measure_brain": "allbrains.steps.measure:MeasureBrain",
    "measure": "allbrains.steps.measure:Measure",
    "strip": "allbrains.steps.strip:Strip",
    "template_mask": "allbrains.steps.template_mask:TemplateMask",
    "atropos": "allbrains.steps.atropos:Atropos",
    "antspynet_mask": "allbrains.steps.antspynet_mask:AntspynetMask",
    "antspynet_bias": "allbrains.steps.antspynet_bias:AntspynetBias",
    "antspynet_preprocess": "allbrains.steps.antspynet_preprocess:AntspynetPreprocess",
    "deep_atropos": "allbrains.steps.deep_atropos:DeepAtropos",
    "six_to_template": "allbrains.steps.six_to_template:SixToTemplate",
    "tissue_centres": "allbrains.steps.tissue_centres:TissueCentres",
    "deepmriprep_mask": "allbrains.steps.deepmriprep_mask:DeepmriprepMask",
    "deepmriprep": "allbrains.steps.deepmriprep:Deepmriprep",
}
_MOST_BYTES = 1 << 20  # of a file that describes a recipe; ours have 1 kB
_MOST_STEPS = 100
_MOST_MEMORY_MB = 1e8  # 100 TB: no machine has it
GROUP = "allbrains.steps"  # of entry points: name in a recipe = "package.module:Class"


def names() -> list[str]:
    """Return the recipes that come with the package."""
    return sorted(p.name.removesuffix(".toml") for p in files(__name__).iterdir() if p.name.endswith(".toml"))


def load(name: str) -> Recipe:
    """Return a recipe that comes with the package, or one from a TOML file; see ``text``."""
    return parse(text(name), origin=name)


def ready(name: str, *, device: str = "") -> Recipe:
    """Return a recipe, checked that this machine has all that its steps need.

    Args:
        name: as for ``text``.
        device: ``cpu``, ``cuda``, or empty for what the recipe says.

    Raises:
        ConfigurationError: there is no such recipe, or weights, a package or a device is missing; says
            how to get each.
    """
    recipe = load(name).on(device)
    if lacks := recipe.missing():
        lines = "".join(f"\n  {lack.what}: {lack.remedy}" for lack in lacks)
        raise ConfigurationError(f"recipe {recipe.name!r} can't run here; missing:{lines}")
    return recipe


def text(name: str) -> str:
    """Return a recipe's TOML.

    Args:
        name: one of ``names()``, or a path that ends in ``.toml``.

    Raises:
        ConfigurationError: there is none; says which was meant.
    """
    if name.endswith(".toml"):
        try:
            return read_regular(Path(name), most=_MOST_BYTES).decode("utf-8")
        except FileNotFoundError as error:
            raise ConfigurationError(f"no recipe file {name!r}") from error
        except OSError as error:
            raise ConfigurationError(f"recipe file {name!r} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"recipe file {name!r} is not UTF-8: {error}") from error
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
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:  # a date of the year 0, too
        raise ConfigurationError(f"recipe {origin}: not valid TOML: {error}") from error
    _known(data, ["name", "memory_mb", "steps"], f"recipe {origin}")
    steps = data.get("steps", [])
    if not isinstance(steps, list) or not steps:
        raise ConfigurationError(f"recipe {origin}: expected at least one [[steps]] table")
    known = kinds(entry_points(group=GROUP))
    if len(steps) > _MOST_STEPS or not all(isinstance(entry, dict) for entry in steps):
        raise ConfigurationError(f"recipe {origin}: expected at most {_MOST_STEPS} [[steps]] tables")
    made = tuple(_step(dict(entry), f"recipe {origin}, step {n}", known) for n, entry in enumerate(steps, 1))
    name, memory = data.get("name", Path(origin).stem), data.get("memory_mb", MEMORY_MB)
    if not isinstance(memory, int | float) or not 0 < memory < _MOST_MEMORY_MB:
        raise ConfigurationError(f"recipe {origin}: memory_mb is {memory!r}, expected a number above 0")
    return Recipe(name=str(name), steps=made, memory_mb=float(memory))


def kinds(foreign: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    """Return where each step's class is, by its name in a recipe: our own, and other packages'.

    Raises:
        ConfigurationError: two packages use one name; which one runs must not depend on chance.
    """
    found = {name: EntryPoint(name, place, GROUP) for name, place in STEPS.items()}
    for entry in foreign:
        if (other := found.get(entry.name)) and other.value != entry.value:
            raise ConfigurationError(
                f"two steps are called {entry.name!r}: {other.value} and {entry.value}; "
                "rename one in its package's entry points, or uninstall it"
            )
        found[entry.name] = entry
    return found


def _step(entry: dict[str, Any], where: str, known: dict[str, EntryPoint]) -> Step:
    use = str(entry.pop("use", ""))
    if use not in known:
        raise ConfigurationError(f"{where}: no step {use!r}{_meant(use, list(known))}")
    kind = _class(known[use], f"{where} ({use})")
    _known(entry, [f.name for f in fields(kind)], f"{where} ({use})")
    try:
        step: Step = msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where} ({use}): {error}") from error
    return step


def _class(place: EntryPoint, where: str) -> Any:
    """Return a step's class.

    Raises:
        ConfigurationError: it can't be imported, or has not the shape of a step.
    """
    try:
        kind = place.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{where}: {place.value} can't be imported: {error}") from error
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise ConfigurationError(f"{where}: {place.value} is no step: expected a dataclass")
    known = {part for base in kind.__mro__ for part in vars(base)}
    if lacking := [part for part in ("name", "version", "needs", "gives", "__call__") if part not in known]:
        raise ConfigurationError(f"{where}: {place.value} is no step: it has no {', '.join(lacking)}")
    if vars(kind)["name"] != place.name:
        raise ConfigurationError(f"{where}: {place.value} is called {vars(kind)['name']!r} by itself")
    return kind


def _known(entry: dict[str, Any], allowed: list[str], where: str) -> None:
    for key in entry:
        if key not in allowed:
            raise ConfigurationError(f"{where}: unknown key {key!r}{_meant(key, allowed)}")


def _meant(word: str, choices: list[str]) -> str:
    close = get_close_matches(word, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(choices)}"
