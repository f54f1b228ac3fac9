"""Where a corpus can go: what all targets have in common, and which one an address means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from allbrains.errors import ConfigurationError
from allbrains.extras import lacking
from allbrains.publish.commits import Commit, CommitLimits, Held

_HUB = re.compile(r"hf://(?:datasets/)?([A-Za-z0-9][\w.-]*/[\w.-]+?)/?\Z")


class Target(Protocol):
    """A place that holds files by name. What it raises as ``TransientError`` is tried again."""

    @property
    def limits(self) -> CommitLimits:
        """How much goes into one commit."""

    @property
    def hurried(self) -> bool:
        """Whether the number of commits an hour is bounded."""

    def prepare(self) -> None:
        """Make the place where it isn't there yet; nobody else can read it then."""

    def held(self) -> Mapping[str, Held]:
        """Return what is there, by name; nothing where there is no such place yet."""

    def read(self, name: str) -> bytes:
        """Return a small file that is there."""

    def commit(self, commit: Commit, message: str) -> None:
        """Do one commit. After an error it may or may not have been done; ``held`` shows which.

        Raises:
            TransientError: it may work later.
            ConfigurationError: it will not, as long as token or address stay what they are.
        """

    def recent(self) -> list[float]:
        """Return when the last commits were made, seconds since the epoch."""

    def public(self) -> bool:
        """Return whether everybody can read it."""

    def make_public(self) -> None:
        """Let everybody read it.

        Raises:
            ConfigurationError: this kind of place has no such switch.
        """

    def where(self) -> str:
        """Return the address as people write it, without credentials."""

    def shown(self) -> str:
        """Return the address for the card; of a folder only its name, because folders move."""


def target_at(address: str) -> Target:
    """Return the place that an address means: ``hf://user/name``, a folder, or any URL that fsspec knows.

    Raises:
        ConfigurationError: it means nothing, or the package for it is missing.
    """
    if address.startswith("hf://"):
        match = _HUB.match(address)
        if not match:
            raise ConfigurationError(f"{address} is not a dataset's address: hf://user/name")
        try:
            from allbrains.publish.hub import HubTarget
        except ModuleNotFoundError as error:
            raise lacking(error, address, ("publish",)) from error
        return HubTarget.of(match[1])
    from allbrains.publish.file_tree import TreeTarget

    return TreeTarget.at(address if "://" in address else Path(address).absolute().as_uri())
