"""The catalogue as tables: what there is to build from, and the people that the scans show."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allbrains.errors import ConfigurationError
from allbrains.extras import needs
from allbrains.library.listening import Progress, heard

if TYPE_CHECKING:
    import pyarrow as pa

    from allbrains.catalogue.catalogue import Catalogue
    from allbrains.catalogue.changes import Changes
    from allbrains.library.choose_scans import Choice

CHANGES = "changes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A catalogue, and the scans of it that were asked for.

    Attributes:
        scans: the chosen scans, one row each, with the labels of their participants; columns as
            ``scans.parquet``.
        catalogue: all that is known: Arrow tables ``datasets``, ``scans``, ``participants``, ``exclusions``.
        missing: one sentence for each thing that the catalogue lacks; empty where it is complete.
        notes: one sentence for each column that the condition asks for and that is not read.
        changes: against the catalogue that the folder held before; None where it held none.
        choice: what was asked for; a build of this selection asks for the same.
    """

    scans: pa.Table
    catalogue: Catalogue
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    changes: Changes | None
    choice: Choice

    def __len__(self) -> int:
        return int(self.scans.num_rows)

    @property
    def datasets(self) -> pa.Table:
        """One row for each dataset that was read."""
        return self.catalogue.datasets

    @property
    def exclusions(self) -> pa.Table:
        """One row for each file that is left out, and why."""
        return self.catalogue.exclusions

    def defects(self, corpus: str | os.PathLike[str] | None = None) -> pa.Table:
        """Return what is wrong in the datasets themselves, one row for each finding, for their owners.

        Args:
            corpus: folder of a corpus: what its build refused is told, too.

        Returns:
            Columns ``dataset``, ``snapshot``, ``path``, ``defect``, ``evidence``, ``certainty``.

        Raises:
            CorpusError: the corpus' ledger can't be read.

        Example:
            >>> allbrains.catalog(bids="study").defects()["defect"].to_pylist()
            []
        """
        from allbrains.catalogue.defects import defects as defects_of
        from allbrains.library.choose_scans import outcomes_in

        outcomes = {} if corpus is None else outcomes_in(Path(corpus))
        return defects_of(self.catalogue, outcomes)


@needs("build")
def catalog(
    out: str | os.PathLike[str] | None = None,
    *,
    bids: str | os.PathLike[str] | None = None,
    dataset: str | Sequence[str] = (),
    where: str = "",
    limit: int | None = None,
    suffix: str | Sequence[str] = ("T1w",),
    lock: str | os.PathLike[str] | None = None,
    headers: bool = False,
    sidecars: bool = False,
    api: str = "",
    bucket: str = "",
    contact: str = "",
    progress: Progress | None = None,
) -> Selection:
    """Return the T1w scans of OpenNeuro, or of a BIDS folder, and the people that they show.

    Args:
        out: folder to keep the tables in; what it holds is not asked for again, and is merged. None: nothing
            is kept but OpenNeuro's listings, in the user's cache folder.
        bids: a BIDS dataset, or a folder of them, that is read in OpenNeuro's stead.
        dataset: accessions to read; empty: all.
        where: an SQL condition over the catalogue's columns, such as ``"age_years < 40"``.
        limit: at most so many scans.
        suffix: BIDS suffixes of the images that count.
        lock: a ``catalog.lock.json``: only its datasets, in its versions.
        headers: read the images' headers too (4 kB each).
        sidecars: read the scans' JSON sidecars too.
        api: URL of the GraphQL API; empty: OpenNeuro's.
        bucket: URL of the bucket; empty: OpenNeuro's.
        contact: your e-mail address, told to the servers that are asked.
        progress: called with what is read, how many are, and of how many.

    Raises:
        ConfigurationError: a wrong argument; another process reads into ``out``; or the extra is missing.
        SourceError: the source can't be reached, or what it says can't be trusted.

    Example:
        >>> found = allbrains.catalog(bids="study", where="age_years < 40")
        >>> len(found), found.scans["sex"].to_pylist(), found.missing
        (1, ['female'], ())
    """
    choice = chosen_by(
        bids=bids,
        dataset=dataset,
        where=where,
        limit=limit,
        suffix=suffix,
        lock=lock,
        headers=headers,
        sidecars=sidecars,
        api=api,
        bucket=bucket,
        contact=contact,
    )
    with ExitStack() as stack:
        if out is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="allbrains-catalog-")))
            if choice.bids is None:
                choice = replace(choice, cache=user_cache() / "catalog")
        else:
            folder = Path(out)
            choice = replace(choice, cache=folder / "cache")
        return read_catalog(choice, folder, progress=progress)


def chosen_by(**said: Any) -> Choice:
    """Return the choice that arguments of ``catalog`` make; empty ones are left at their defaults.

    Raises:
        ConfigurationError: an argument is of the wrong kind, or names a folder or file that isn't there.
    """
    from allbrains.library.choose_scans import Choice

    for name in ("bids", "lock"):
        if said.get(name) is not None:
            said[name] = Path(said[name])
            if not said[name].exists():
                raise ConfigurationError(f"{name}: no such file or folder: {said[name]}")
    for name in ("dataset", "suffix"):
        value = said.get(name, ())
        said[name] = (value,) if isinstance(value, str) else tuple(value)
    limit = said.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ConfigurationError(f"limit is {limit!r}, expected a whole number of 1 or more")
    return Choice(**{name: value for name, value in said.items() if value not in ("", (), None)})


def read_catalog(choice: Choice, folder: Path, *, progress: Progress | None = None) -> Selection:
    """Read the catalogue of a choice into a folder, and write what has changed there since the last time.

    Args:
        choice: what is asked for.
        folder: for the tables; merged with what it holds.
        progress: as for ``catalog``.

    Raises:
        ConfigurationError: the condition is wrong, or another process reads into the folder.
        SourceError: the source can't be reached, or what it says can't be trusted.
    """
    from allbrains.catalogue import catalogue
    from allbrains.catalogue.changes import changes
    from allbrains.library.choose_scans import look, only_one, sentences, unread, writing_to

    with writing_to(folder), only_one(folder), heard(progress, "reading the catalogue") as hear:
        seen = look(choice, folder, hear)
        known = seen.known()
        different = None if seen.before is None else changes(seen.before, known.catalogue)
        if different is not None:
            _write_changes(different, folder)
        catalogue.write(known.catalogue, folder)
        scans = catalogue.select(seen.candidates(), where=choice.where, limit=choice.limit)
    return Selection(
        scans=scans,
        catalogue=known.catalogue,
        missing=sentences(known.catalogue, known.kept),
        notes=tuple(unread(choice, seen.surveyed)),
        changes=different,
        choice=choice,
    )


def _write_changes(different: Changes, folder: Path) -> None:
    part = folder / f".{CHANGES}.part"
    part.write_text(json.dumps(different.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / CHANGES)


def user_cache() -> Path:
    """Return the folder below which this user's caches are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "allbrains"


def choice_of(selection: Selection | Choice) -> Choice:
    """Return what a selection asked for; a choice is one itself.

    Raises:
        ConfigurationError: it is neither.
    """
    from allbrains.library.choose_scans import Choice

    if isinstance(selection, Choice):
        return selection
    if not isinstance(selection, Selection):
        raise ConfigurationError(
            f"expected what allbrains.catalog() returns, found {type(selection).__name__}"
        )
    return selection.choice
