"""``allbrains doctor``: can this machine run a recipe, and if not, what is missing."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from allbrains import recipes
from allbrains.errors import ConfigurationError
from allbrains.machine import usable_cores
from allbrains.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that was looked at."""

    what: str
    found: str
    good: bool
    remedy: str = ""


@click.command()
@click.option("--recipe", default="embedded", show_default=True, help="Recipe to check for.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Where the corpus would go.")
def command(recipe: str, out: Path) -> int:
    """Check packages, weights, memory, cores and disk; exit 2 when something is missing.

    With --recipe also what its steps need beyond the package, and how to fill their folders off-line.
    """
    findings = list(examine(recipe, out))
    for f in findings:
        line = f"{'ok' if f.good else 'MISSING':8}{f.what:28}{f.found}"
        click.echo(line if f.good else f"{line}  →  {f.remedy}")
    return 0 if all(f.good for f in findings) else 2


def examine(recipe: str, out: Path) -> Iterator[Requirement]:
    """Yield what was found; the recipe itself comes last because it needs the packages."""
    yield Requirement(what="python", found=sys.version.split()[0], good=sys.version_info >= (3, 11))
    packages_good = True
    for name, extra in _packages():
        finding = _package(name, extra)
        packages_good &= finding.good
        yield finding
    yield from _machine(out)
    if not packages_good:
        return
    for what, check in (
        ("recipe", lambda: _recipe(recipe)),
        ("brain mask weights", _weights),
        ("template", _template),
    ):
        finding = _tried(what, check)
        yield finding
        if what == "recipe" and finding.good:
            yield from _needs(recipes.load(recipe))


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


def _packages() -> Iterator[tuple[str, str]]:
    """Yield the packages that the package's own metadata names for the extra ``build``."""
    for requirement in importlib.metadata.requires("allbrains") or []:
        name, _, marker = requirement.partition(";")
        bare = name.split(">")[0].split("<")[0].split("=")[0].split("[")[0].strip()
        if not marker:
            yield bare, ""
        elif "extra == 'build'" in marker.replace('"', "'"):
            yield bare, "build"


def _package(name: str, extra: str) -> Requirement:
    remedy = f"pip install 'allbrains[{extra}]'" if extra else "pip install allbrains"
    try:
        return Requirement(what=name, found=importlib.metadata.version(name), good=True)
    except importlib.metadata.PackageNotFoundError:
        return Requirement(what=name, found="not installed", good=False, remedy=remedy)


def _machine(out: Path) -> Iterator[Requirement]:
    cores = usable_cores()
    yield Requirement(what="cores", found=str(cores), good=True)
    folder = next(p for p in (out.resolve(), *out.resolve().parents) if p.exists())
    free = shutil.disk_usage(folder).free / 1e9
    yield Requirement(what="free disk", found=f"{free:.1f} GB", good=free > 1, remedy="choose another --out")


def _tried(what: str, check: Callable[[], str]) -> Requirement:
    try:
        return Requirement(what=what, found=check(), good=True)
    except (ConfigurationError, ImportError, OSError) as error:
        return Requirement(what=what, found="no", good=False, remedy=str(error))


def _recipe(name: str) -> str:
    made = recipes.load(name)
    return f"{made.name}, {len(made.steps)} steps, {made.fingerprint}"


def _weights() -> str:
    from deepbet.utils import DATA_PATH

    path = Path(DATA_PATH) / "models" / "model.pt"
    return f"{path.stat().st_size / 1e6:.1f} MB, inside deepbet's package"


def _template() -> str:
    from allbrains.space.template import SPACE, template

    return f"{SPACE}, brain {template(2.0).brain_ml:.0f} ml, inside this package"
