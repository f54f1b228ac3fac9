"""A corpus folder as it is made: plan, build, status, verify, repair, remove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.errors import ConfigurationError
from allbrains.extras import needs
from allbrains.library import build_corpus, keep_corpus
from allbrains.library.crawl_catalog import choice_of
from allbrains.library.listening import Progress, Tell, ignore

if TYPE_CHECKING:
    from allbrains.library.choose_scans import Choice
    from allbrains.library.crawl_catalog import Selection
    from allbrains.run.run_status import Figures

FolderLike = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class CorpusFolder:
    """The part of ``Corpus`` that makes samples and keeps them sound.

    Attributes:
        folder: of the corpus.
    """

    folder: FolderLike

    @property
    def path(self) -> Path:
        """The folder.

        Raises:
            ConfigurationError: it is an address, which can only be read.
        """
        if "://" in fspath(self.folder):
            raise ConfigurationError(f"{fspath(self.folder)} is an address: it can be opened and cited only")
        return Path(self.folder)

    @needs("build")
    def plan(
        self,
        selection: Selection | Choice,
        *,
        recipe: str = "embedded",
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> build_corpus.Costs:
        """Return what ``build`` would do with the same arguments: scans, hours, GB. Builds nothing.

        Args:
            selection: of ``allbrains.catalog``.
            recipe: name of a recipe, or a TOML file.
            jobs: scans at once; None: what cores and memory allow.
            progress: called with what is read of the catalogue.

        Raises:
            ConfigurationError: there is no such recipe, or the extra is missing.
            SourceError: the source can't be reached.

        Example:
            >>> allbrains.Corpus("new").plan(allbrains.catalog(bids="study")).scans_to_run
            2
        """
        choice = choice_of(selection)
        return build_corpus.plan_corpus(self.path, choice, recipe=recipe, jobs=jobs, progress=progress)

    @needs("build")
    def build(
        self,
        selection: Selection | Choice,
        *,
        recipe: str = "embedded",
        jobs: int | None = None,
        timeout_s: float | None = None,
        memory_mb: float | None = None,
        device: str = "",
        cluster: str = "",
        progress: Callable[[Figures], None] | None = None,
    ) -> build_corpus.Built:
        """Make every scan of a selection a sample, or a row that says why not; the same call again goes on.

        Ctrl-C ends it in order. A notebook shows a bar.

        Args:
            selection: of ``allbrains.catalog``; its source is asked again for what it lists now.
            recipe: name of a recipe, or a TOML file.
            jobs: scans at once; None: what cores and memory allow.
            timeout_s: seconds a scan may take; None: 1800.
            memory_mb: memory a scan may take, MB; None: 6000, and more where the recipe needs it.
            device: ``cpu`` or ``cuda`` for torch's networks; empty: as the recipe says.
            cluster: ``slurm``, ``dask``, a scheduler's address, or a TOML file that describes a site; empty:
                this machine.
            progress: called with the run's figures at the start, after each outcome, at each pause and at the
                end.

        Raises:
            ConfigurationError: the folder holds another recipe's samples or is being written; the recipe
                can't run here; or an extra is missing.
            SourceError: the source can't be reached.

        Example:
            >>> built = allbrains.Corpus("new").build(allbrains.catalog(bids="study"))
            >>> built.tally.done, built.incomplete
            (2, ())
        """
        return build_corpus.build_corpus(
            self.path,
            choice_of(selection),
            recipe=recipe,
            resources=build_corpus.Resources(
                jobs=jobs, timeout_s=timeout_s, memory_mb=memory_mb, device=device, cluster=cluster
            ),
            watch=build_corpus.telling(progress),
        )

    def status(self) -> keep_corpus.CorpusStatus:
        """Return how far the corpus is, and how its last run goes. Reads only, also while a build runs.

        Raises:
            ConfigurationError: there is no corpus.

        Example:
            >>> allbrains.Corpus("brains").status().tally.failed
            {}
        """
        return keep_corpus.status_of(self.path)

    def verify(self, *, found: Tell = ignore) -> keep_corpus.Verified:
        """Read every checksum again; compare ledger, folder, catalogue and samples table.

        Not while a build runs.

        Args:
            found: called with each thing that is wrong, as it is found.

        Raises:
            ConfigurationError: there is no corpus.

        Example:
            >>> allbrains.Corpus("brains").verify().good
            True
        """
        return keep_corpus.verify(self.path, found=found)

    @needs("build")
    def repair(
        self,
        *,
        api: str = "",
        bucket: str = "",
        contact: str = "",
        found: Tell = ignore,
        progress: Progress | None = None,
    ) -> keep_corpus.Repaired:
        """Find what is broken, bring back what was lost, and let the next ``build`` do the rest again.

        Args:
            api: URL of the GraphQL API; empty: OpenNeuro's.
            bucket: URL of the bucket; empty: OpenNeuro's.
            contact: your e-mail address, told to the servers that are asked.
            found: called with each thing that is wrong, as it is found.
            progress: called with what is read again.

        Raises:
            ConfigurationError: there is no corpus, it is being written, or the extra is missing.

        Example:
            >>> allbrains.Corpus("brains").repair().again
            0
        """
        return keep_corpus.repair(
            self.path, api=api, bucket=bucket, contact=contact, found=found, progress=progress
        )

    @needs("build")
    def remove(self, dataset: str) -> keep_corpus.Removed:
        """Remove a dataset: its shards, its rows, what ledger and catalogue know of it.

        Raises:
            ConfigurationError: there is no such dataset; names those there are.

        Example:
            >>> allbrains.Corpus("brains").remove("ds000003").scans
            8
        """
        return keep_corpus.remove(self.path, dataset)
