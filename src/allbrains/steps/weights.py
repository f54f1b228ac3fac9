"""Weights that come with no package: a folder of files, which we look into and never fill.

A machine without a network must be told what to copy there; a machine with one must not download
behind a user's back, in the middle of a run, in every slot at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from allbrains.errors import ConfigurationError
from allbrains.recipe import Lack


def packages_lacking(packages: tuple[str, ...], extra: str) -> list[Lack]:
    """Return the packages that can't be imported here, and the extra that brings them."""
    return [
        Lack(what=f"package {name}", remedy=f"pip install 'allbrains[{extra}]'")
        for name in packages
        if importlib.util.find_spec(name) is None
    ]


def files_lacking(folder: Path, urls: Mapping[str, str]) -> list[Lack]:
    """Return the files that aren't in a folder, each with where it is published.

    Args:
        folder: of the weights.
        urls: by file name.
    """
    return [
        Lack(
            what=f"file {folder / name}",
            remedy=f"fetch {url} where there is a network, and copy it there under that name",
        )
        for name, url in urls.items()
        if not (folder / name).is_file()
    ]


def demand(lacks: list[Lack]) -> None:
    """Refuse to go on where something is missing.

    Raises:
        ConfigurationError: naming each thing and how to get it.
    """
    if lacks:
        raise ConfigurationError("; ".join(f"{lack.what}: {lack.remedy}" for lack in lacks))


def digest_of(folder: Path, names: Mapping[str, str]) -> str:
    """Return 16 hex digits over the files' names and bytes: which weights a sample was made with."""
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(name.encode() + b"\0" + hashlib.sha256((folder / name).read_bytes()).digest())
    return total.hexdigest()[:16]
