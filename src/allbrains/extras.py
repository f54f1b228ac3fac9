"""Which extra of the package brings what, and the sentence to say where one is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, wraps
from importlib import metadata
from typing import ParamSpec, TypeVar

from allbrains.errors import ConfigurationError

Given = ParamSpec("Given")
Made = TypeVar("Made")

# Distributions that are not called as what is imported from them.
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "SimpleITK": "simpleitk",
    "ants": "antspyx",
    "dask": "distributed",
    "graphql": "graphql-core",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
_FOR_DEVELOPERS = ("dev", "docs")  # nobody who uses the package is sent to these
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def lacking(error: ModuleNotFoundError, what: str, extras: Sequence[str] = ()) -> ConfigurationError:
    """Return what to tell a user when a package is missing.

    Args:
        error: of the import that failed.
        what: what was asked for, such as ``allbrains learn`` in backquotes.
        extras: that it needs by itself; another one is added where none of these brings the package.
    """
    distribution = distribution_of(error.name or str(error))
    wanted = list(extras)
    bring = [extra for extra, brought in packages().items() if extra and distribution in brought]
    if bring and not set(bring) & set(wanted):
        # the smallest extra that does: `fsspec` is asked of `remote`, not of `publish`
        wanted.append(min(bring, key=lambda extra: len(packages()[extra])))
    what_to_install = f"'allbrains[{','.join(wanted)}]'" if wanted else distribution
    return ConfigurationError(f"{what} needs the package {distribution!r}: pip install {what_to_install}")


def needs(*extras: str) -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """Return a decorator: where the function finds a package missing, it says what to install.

    Raises:
        ConfigurationError: by the function, naming these extras, or the one that brings the package.
    """

    def decorate(function: Callable[Given, Made]) -> Callable[Given, Made]:
        @wraps(function)
        def wrapper(*args: Given.args, **kwargs: Given.kwargs) -> Made:
            try:
                return function(*args, **kwargs)
            except ModuleNotFoundError as error:
                if is_our_own(error):
                    raise
                raise lacking(error, f"{function.__qualname__}()", extras) from error

        return wrapper

    return decorate


def is_our_own(error: ModuleNotFoundError) -> bool:
    """Return whether the missing module is one of this package: then the package is broken."""
    return (error.name or "").partition(".")[0] == "allbrains"


def distribution_of(module: str) -> str:
    """Return what to install for a module, such as ``pillow`` for ``PIL.Image``."""
    top = module.partition(".")[0]
    return _plain(_DISTRIBUTIONS.get(top, top))


@cache
def packages() -> dict[str, tuple[str, ...]]:
    """Return the distributions that each extra brings by itself; those of the base install under ``""``.

    From the installed package's own metadata; empty where the source is run without being installed.
    """
    found: dict[str, list[str]] = {}
    for extra, distribution in _requirements():
        if extra not in _FOR_DEVELOPERS:
            found.setdefault(extra, []).append(distribution)
    return {extra: tuple(names) for extra, names in found.items()}


def _requirements() -> Iterator[tuple[str, str]]:
    try:
        lines = metadata.requires("allbrains") or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        if name:
            yield extra[1] if extra else "", _plain(name[0])


def _plain(name: str) -> str:
    """Return a distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()
