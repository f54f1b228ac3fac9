"""``SHA256SUMS``: digests of the shards and of the samples table, for ``sha256sum --check`` and ``verify``.

The ledger stays at home when a corpus is handed on; this goes with it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from allbrains.errors import CorpusError
from allbrains.files import Hook, passing, publishing
from allbrains.regular_files import open_regular, read_regular
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader

_MOST_BYTES = 1 << 26  # a line has some hundred bytes; a million scans are 16,000 shards


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(layout: Layout, ledger: LedgerReader, *, at: Hook = passing) -> None:
    """Write the list of digests; those of the shards are the ledger's, so nothing large is read."""
    lines = [f"{sealed.sha256}  {layout.shard_name(shard)}\n" for shard, sealed in ledger.sealed().items()]
    lines.append(f"{sha256(layout.samples)}  {layout.samples.name}\n")
    with publishing(layout.sums, at) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def read_sums(layout: Layout) -> dict[str, str]:
    """Return the digests by the files' names; none where there is no list.

    Raises:
        CorpusError: it can't be read.
    """
    try:
        text = read_regular(layout.sums, most=_MOST_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CorpusError(f"{layout.sums} can't be read: {error.strerror}") from error
    lines = text.decode("utf-8", "replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
