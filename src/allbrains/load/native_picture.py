"""The picture of a brain's whole head in its own space, for people who judge its mask."""

from __future__ import annotations

from allbrains.load.brains import Brain
from allbrains.store.shards import pictures_of


def native_picture(brain: Brain) -> tuple[bytes, bytes]:
    """Return a JPEG of the whole head, and a PNG of its outlines that lies over it.

    Both are empty where the corpus was built without.

    Raises:
        CorpusError: the shard is damaged or missing.
    """
    row = brain.row
    with brain.brains.shelf.open(row["shard"]) as source:
        heads, lines = pictures_of(source, f"shard {row['shard']}", row["row_group"], ("mosaic", "outlines"))
    return heads, lines
