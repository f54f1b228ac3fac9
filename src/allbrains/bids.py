"""BIDS paths: parse and format, order and labels kept as written. Pure.

References:
    BIDS 1.11.1, "File name template" and "Entities".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABEL = re.compile(r"[A-Za-z0-9]+\Z")
_ENTITY = re.compile(r"(?P<key>[a-z]+)-(?P<label>.+)\Z", re.IGNORECASE)
IMAGE_EXTENSIONS = (".nii.gz", ".nii")


@dataclass(frozen=True, slots=True, kw_only=True)
class BidsPath:
    """A file name taken apart.

    Attributes:
        folders: of the path, outermost first.
        entities: in the file name's order; labels are text.
        suffix: ``T1w`` and its like.
        extension: with its first dot: ``.nii.gz``.
    """

    folders: tuple[str, ...]
    entities: tuple[tuple[str, str], ...]
    suffix: str
    extension: str

    def label(self, key: str) -> str:
        """Return the label of the entity ``key``, or an empty text where the name has none."""
        return next((label for name, label in self.entities if name == key), "")

    def __str__(self) -> str:
        stem = "_".join([f"{key}-{label}" for key, label in self.entities] + [self.suffix])
        return "/".join((*self.folders, stem + self.extension))


class NotBids(ValueError):
    """The path is not of the form ``key-label[_key-label]*_suffix.extension``."""


def parse(path: str) -> BidsPath:
    """Return the parts of a BIDS path; ``str()`` of the result gives ``path`` back.

    Raises:
        NotBids: the file name is of another form.
    """
    *folders, name = path.split("/")
    stem, dot, rest = name.partition(".")
    *pairs, suffix = stem.split("_")
    matches = [_ENTITY.match(pair) for pair in pairs]
    if not dot or not _LABEL.match(suffix) or not pairs or not all(matches):
        raise NotBids(f"not a BIDS file name: {path!r}")
    entities = tuple((m["key"], m["label"]) for m in matches if m)
    return BidsPath(folders=tuple(folders), entities=entities, suffix=suffix, extension=dot + rest)
