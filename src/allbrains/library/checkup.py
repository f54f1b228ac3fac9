"""What a machine and an installation can do: packages, cores, memory, disk, and what a recipe needs."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains import extras
from allbrains.errors import ConfigurationError
from allbrains.machine import usable_cores

if TYPE_CHECKING:
    from allbrains.recipe import Recipe

_LEAST_FREE_GB = 1.0  # a corpus of a hundred scans; less is a disk that is full


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that was looked at.

    Attributes:
        what: the thing.
        found: what there is.
        good: a build with the recipe can do with it.
        remedy: what to do where it is not good.
    """

    what: str
    found: str
    good: bool
    remedy: str = ""


def doctor(recipe: str = "embedded", out: str | os.PathLike[str] = ".") -> tuple[Requirement, ...]:
    """Return what this machine and this installation have, and what a build would lack.

    Args:
        recipe: name of a recipe, or a TOML file.
        out: where the corpus would go; need not exist.

    Returns:
        One for each thing that was looked at; where it is not ``good``, its ``remedy`` says what to do.

    Example:
        >>> [one.what for one in allbrains.doctor() if not one.good]
        []
    """
    return tuple(look_at(recipe, Path(out)))


def look_at(recipe: str, out: Path) -> Iterator[Requirement]:
    """Yield what this machine has, and what a build with this recipe would lack.

    Args:
        recipe: name of a recipe, or a TOML file.
        out: where the corpus would go; need not exist.
    """
    yield Requirement(what="python", found=sys.version.split()[0], good=sys.version_info >= (3, 11))
    complete = True
    for extra in ("", "build"):
        for name in extras.packages().get(extra, ()):
            finding = _package(name, extra)
            complete &= finding.good
            yield finding
    yield from _other_extras()
    yield from _room(out)
    if not complete:
        return
    finding = _tried("recipe", lambda: _described(recipe))
    yield finding
    if finding.good:
        from allbrains import recipes

        yield from _needs(recipes.load(recipe))
    yield _tried("brain mask weights", _weights)
    yield _tried("template", _template)


def _package(name: str, extra: str) -> Requirement:
    remedy = f"pip install 'allbrains[{extra}]'" if extra else "pip install allbrains"
    try:
        return Requirement(what=name, found=importlib.metadata.version(name), good=True)
    except importlib.metadata.PackageNotFoundError:
        return Requirement(what=name, found="not installed", good=False, remedy=remedy)


def _other_extras() -> Iterator[Requirement]:
    """Yield a line for each further extra; a build does without, so none of them is bad."""
    for extra, names in extras.packages().items():
        if extra in ("", "build"):
            continue
        lacks = [name for name in names if not _package(name, extra).good]
        found = f"lacks {', '.join(lacks)}: pip install 'allbrains[{extra}]'" if lacks else "complete"
        yield Requirement(what=f"extra {extra}", found=found, good=True)


def _room(out: Path) -> Iterator[Requirement]:
    yield Requirement(what="cores", found=str(usable_cores()), good=True)
    folder = next(p for p in (out.resolve(), *out.resolve().parents) if p.exists())
    free = shutil.disk_usage(folder).free / 1e9
    remedy = "choose a folder on another disk"
    yield Requirement(what="free disk", found=f"{free:.1f} GB", good=free > _LEAST_FREE_GB, remedy=remedy)


def _needs(recipe: Recipe) -> Iterator[Requirement]:
    """Yield the memory that a slot takes, then each thing that a step of this recipe lacks."""
    import psutil

    memory = psutil.virtual_memory().available
    needed = recipe.memory_mb * 1e6
    yield Requirement(
        what="free memory",
        found=f"{memory / 1e9:.1f} GB",
        good=memory > needed,
        remedy=f"a slot needs {needed / 1e9:.1f} GB",
    )
    lacks = recipe.missing()
    if not lacks:
        yield Requirement(what="the steps' own needs", found="all there", good=True)
    for lack in lacks:
        yield Requirement(what="needed by the recipe", found=lack.what, good=False, remedy=lack.remedy)


def _tried(what: str, check: Callable[[], str]) -> Requirement:
    try:
        return Requirement(what=what, found=check(), good=True)
    except (ConfigurationError, ImportError, OSError) as error:
        return Requirement(what=what, found="no", good=False, remedy=str(error))


def _described(name: str) -> str:
    from allbrains import recipes

    made = recipes.load(name)
    return f"{made.name}, {len(made.steps)} steps, {made.fingerprint}"


def _weights() -> str:
    from deepbet.utils import DATA_PATH

    path = Path(DATA_PATH) / "models" / "model.pt"
    return f"{path.stat().st_size / 1e6:.1f} MB, inside deepbet's package"


def _template() -> str:
    from allbrains.space.template import SPACE, template

    return f"{SPACE}, brain {template(2.0).brain_ml:.0f} ml, inside this package"
