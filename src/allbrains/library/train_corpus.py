"""Training on a corpus: sides by person, leaks of any split file, baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allbrains.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

    from allbrains.learn.results import Results
    from allbrains.learn.settings import LearnSettings
    from allbrains.splits.leaks import Leak

TASKS = ("age", "sex", "contrastive")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaksFound:
    """The people who are on more than one side of a split file.

    Attributes:
        leaks: one for each of them: why the scans belong together, and each scan with its side.
        rows: rows of the file.
        known: rows of scans that the corpus has.
    """

    leaks: tuple[Leak, ...]
    rows: int
    known: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a baseline would be trained with.

    Attributes:
        settings: all of them.
        counts: of each side: samples, people, datasets.
    """

    settings: LearnSettings
    counts: Mapping[str, tuple[int, int, int]]


def split(
    out: Path, *, shares: Sequence[float], seed: int, whole_datasets: bool, images: bool, where: str
) -> pa.Table:
    """Give each sample a side; see ``Corpus.splits``."""
    from allbrains.load import open as open_corpus
    from allbrains.splits.assign import SplitChoice
    from allbrains.splits.make_splits import comparable, earlier, make_splits, without_a_sample, write_splits

    if len(shares) != 3:  # training, validation, test
        raise ConfigurationError(f"shares are {tuple(shares)}, expected three numbers")
    choice = SplitChoice(shares=(shares[0], shares[1], shares[2]), seed=seed)
    before = earlier(out, choice, whole_datasets=whole_datasets)
    brains = comparable(out) if images else open_corpus(out, maps=())
    table = make_splits(
        brains,
        before,
        choice,
        whole_datasets=whole_datasets,
        images=images,
        unwanted=_unwanted(out, where),
        waiting=without_a_sample(out, before),
    )
    write_splits(out, table)
    return table


def _unwanted(out: Path, where: str) -> set[str]:
    """Return the ids of the samples for which a condition doesn't hold."""
    from allbrains.load import open as open_corpus

    if not where.strip():
        return set()
    everybody, wanted = (open_corpus(out, maps=(), where=one).table["scan_id"] for one in ("", where))
    return set(everybody.to_pylist()) - set(wanted.to_pylist())


def find_leaks(file: str | PathLike[str], corpus: str | PathLike[str] | None = None) -> LeaksFound:
    """Return the people who are on more than one side of any split file.

    Args:
        file: CSV, TSV or Parquet with a column ``split`` and columns that say which scan a row is:
            ``scan_id``, or ``dataset`` with ``subject``, ``participant_id`` or ``path``.
        corpus: folder of a corpus; then digests and brains are compared too, as far as it has the scans.

    Raises:
        ConfigurationError: the file is not there, or lacks these columns.

    Example:
        >>> sides = allbrains.Corpus("brains").splits()
        >>> found = allbrains.find_leaks("brains/splits.parquet", corpus="brains")
        >>> found.leaks, found.rows == found.known
        ((), True)
    """
    from allbrains.splits.leaks import leaks, read_sides
    from allbrains.splits.make_splits import comparable, matched

    if not Path(file).is_file():
        raise ConfigurationError(f"no such file: {file}")
    rows, sides = read_sides(Path(file))
    pairs: list[tuple[int, int]] = []
    known = 0
    if corpus is not None:
        rows, pairs, known = matched(rows, comparable(corpus))
    return LeaksFound(leaks=tuple(leaks(rows, sides, pairs)), rows=len(rows), known=known)


def lesson(out: Path, task: str, config: str, changes: Mapping[str, Any]) -> Lesson:
    """Return what a baseline would be trained with; see ``Corpus.lesson``."""
    from allbrains.learn.cohort import gather

    settings = _settings(task, config, changes)
    cohort = gather(out, settings)
    return Lesson(settings=cohort.complete(settings), counts=cohort.counts())


def learn(out: Path, task: str, to: Path, config: str, changes: Mapping[str, Any]) -> Results | None:
    """Train and test a baseline; see ``Corpus.learn``."""
    from allbrains.learn.experiment import learn as experiment

    return experiment(out, to, _settings(task, config, changes))


def _settings(task: str, config: str, changes: Mapping[str, Any]) -> LearnSettings:
    from allbrains.learn.settings import settings_for
    from allbrains.library.share_corpus import expect

    expect("task", task, TASKS)
    return settings_for(task, config, changes)
