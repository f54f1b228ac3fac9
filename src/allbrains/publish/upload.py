"""Publishing, on one screen: see what is there, send the next commit, see again.

Resuming is the same call. Every wait and every attempt goes through the plan again, which is made from what
the target holds, so a commit is found and not repeated when its answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from allbrains.errors import ConfigurationError, CorpusError, TransientError
from allbrains.publish.commits import FIRST, OURS_FOLDERS, Commit, Held, Item, commits
from allbrains.publish.croissant import NAME as DESCRIBED
from allbrains.publish.croissant import first_published
from allbrains.publish.pace import Pace, hours
from allbrains.publish.targets import Target
from allbrains.store import manifest
from allbrains.store.sums import sha256

PATIENCE = 8  # failures in a row

# The Hub's storage, bytes: free private, and with a PRO account
_FREE, _PRO = 100_000_000_000, 1_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a call did.

    Attributes:
        commits: made.
        files: sent.
        nbytes: of these files.
        removed: files.
    """

    commits: int = 0
    files: int = 0
    nbytes: int = 0
    removed: int = 0

    def plus(self, commit: Commit) -> Sent:
        """Return the tally with one more commit."""
        return Sent(
            commits=self.commits + 1,
            files=self.files + len(commit.adds),
            nbytes=self.nbytes + commit.nbytes,
            removed=self.removed + len(commit.removes),
        )


class _Tries:
    """How often in a row something failed that may pass."""

    def __init__(self, pace: Pace, patience: int, tell: Callable[[str], None]) -> None:
        self._pace, self._patience, self._tell = pace, patience, tell
        self.failures = 0

    def failed(self, error: TransientError) -> None:
        """Rest before the next try; raise the error where it was the last."""
        self.failures += 1
        if self.failures >= self._patience:
            raise error
        self._tell(f"{error} (attempt {self.failures} of {self._patience})")
        self._pace.rest(error.retry_after_s, self.failures)


def send(
    items: Sequence[Item],
    target: Target,
    *,
    pace: Pace,
    patience: int = PATIENCE,
    tell: Callable[[str], None] = lambda _: None,
) -> Sent:
    """Make the target hold these files, and none of ours besides; return what had to be done.

    Raises:
        TransientError: it failed ``patience`` times in a row; the same call goes on.
        CorpusError: the target doesn't keep what it is sent.
        ConfigurationError: the target can't be written to, or holds another corpus.
    """
    sent, tries, before = Sent(), _Tries(pace, patience, tell), None
    while True:
        try:
            held = target.held()
            see_that_it_is_ours(items, held, target)
            todo = commits(items, held, target.limits)
            if not todo:
                return sent
            if todo == before:
                raise CorpusError(f"{target.where()} doesn't keep what it is sent: {_named(todo[0])}")
            if not held:
                target.prepare()
                target.held()  # a new repository has a first commit of its own
            if target.hurried:
                pace.remember(target.recent())
                pace.before_commit()
            see_undamaged(todo[0])
            tell(f"{len(todo)} commits to go: {_named(todo[0])}, {todo[0].nbytes / 1e6:.1f} MB")
            target.commit(todo[0], _message(todo[0]))
        except TransientError as error:
            tries.failed(error)
        else:
            pace.after_commit()
            tries.failures = 0
            sent, before = sent.plus(todo[0]), todo


def first_day(
    target: Target,
    today: date,
    *,
    pace: Pace,
    patience: int = PATIENCE,
    tell: Callable[[str], None] = lambda _: None,
) -> date:
    """Return the day of the first publication at a target; today where this is the first.

    Raises:
        TransientError: asking failed ``patience`` times.
        ConfigurationError: the target can't be asked.
    """
    tries = _Tries(pace, patience, tell)
    while True:
        try:
            if DESCRIBED not in target.held():
                return today
            return first_published(target.read(DESCRIBED).decode(errors="replace")) or today
        except TransientError as error:
            tries.failed(error)


def see_undamaged(commit: Commit) -> None:
    """Read the large files of a commit before they are sent: their digests are from a list.

    Raises:
        CorpusError: one is not what the list says.
    """
    for item in commit.adds:
        if not item.git_sha1 and sha256(item.path) != item.sha256:
            raise CorpusError(f"{item.path} is damaged: see `allbrains verify`")


def see_that_it_is_ours(items: Sequence[Item], held: Mapping[str, Held], target: Target) -> None:
    """Refuse a target that holds something else.

    Raises:
        ConfigurationError: it holds another recipe's corpus, or none of allbrains'.
    """
    ours = next((item for item in items if item.name == FIRST), None)
    if ours is None or (FIRST in held and ours.same_as(held[FIRST])):
        return
    if FIRST in held:
        there = manifest.parse(target.read(FIRST).decode(errors="replace"), Path(FIRST))
        here = manifest.parse(ours.path.read_text(encoding="utf-8"), ours.path)
        if there.fingerprint != here.fingerprint or there.grid != here.grid:
            raise ConfigurationError(
                f"{target.where()} holds the recipe {there.recipe!r} ({there.fingerprint}), not "
                f"{here.recipe!r} ({here.fingerprint}): publish to another name"
            )
    elif any(name.startswith(OURS_FOLDERS) or name == "README.md" for name in held):
        raise ConfigurationError(f"{target.where()} holds something else: it has files, but no {FIRST}")


def lines(todo: Sequence[Commit], items: Sequence[Item], target: Target) -> list[str]:
    """Return what would be done, for people."""
    nbytes, total = sum(one.nbytes for one in todo), sum(item.size for item in items)
    removed = sum(len(one.removes) for one in todo)
    told = [
        f"target     {target.where()}",
        f"files      {len(items)}, {total / 1e9:.3f} GB",
        f"to send    {sum(len(one.adds) for one in todo)} files, {nbytes / 1e9:.3f} GB",
        f"to remove  {removed} files",
        f"commits    {len(todo)}",
    ]
    if target.hurried:
        told += [f"at least   {hours(len(todo)):.0f} h, from the commits alone", f"storage    {tier(total)}"]
    return told


def tier(nbytes: int) -> str:
    """Return which storage of the Hub a private repository of this size needs."""
    if nbytes <= _FREE:
        return "fits the 100 GB of a free account, private"
    if nbytes <= _PRO:
        return "needs a PRO account (1 TB private), or --public"
    return f"needs {nbytes / 1e12:.1f} TB: PRO and paid storage, or --public (ask the Hub above 5 TB)"


def _named(commit: Commit) -> str:
    names = [item.name for item in commit.adds] or [f"without {name}" for name in commit.removes]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _message(commit: Commit) -> str:
    parts = [f"add {len(commit.adds)} files"] if commit.adds else []
    parts += [f"remove {len(commit.removes)}"] if commit.removes else []
    return f"allbrains: {', '.join(parts)} ({_named(commit)})"
