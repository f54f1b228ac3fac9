"""A corpus and all that can be done with it: what the command line does, for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allbrains.extras import needs
from allbrains.library import share_corpus, show_corpus, train_corpus
from allbrains.library.corpus_folder import CorpusFolder, FolderLike
from allbrains.library.listening import Progress, Tell, ignore

if TYPE_CHECKING:
    import pyarrow as pa

    from allbrains.bench.reading import Line
    from allbrains.learn.results import Results
    from allbrains.load import Brains

COMMITS_PER_HOUR = 100  # as in publish.pace, which leaves room below the Hub's limit


@dataclass(frozen=True, slots=True)
class Corpus(CorpusFolder):
    """A folder of samples: what a build makes, and others open, check, look at, train on and share.

    Nothing is read before a method is called; the folder need not exist yet.

    Attributes:
        folder: of the corpus. ``open`` and ``cite`` also take an address: ``hf://user/name``, ``s3://…``.

    Example:
        >>> allbrains.Corpus("brains").status().tally.done
        24
    """

    def open(self, maps: Sequence[str] | None = None, where: str = "", **how: Any) -> Brains:
        """Return the samples that are done, as ``allbrains.open`` does.

        Args:
            maps: names of the maps that will be read; None: all.
            where: an SQL condition over the columns of ``samples.parquet``.
            **how: as for ``allbrains.open``: ``cache``, ``cache_gb``, ``limits``.

        Raises:
            ConfigurationError: there is no corpus, no such map, or the condition is wrong.

        Example:
            >>> allbrains.Corpus("brains").open(maps=["t1w"], where="sex = 'female'")[0].t1w.dtype
            dtype('float32')
        """
        from allbrains.load import open as open_corpus

        return open_corpus(self.folder, maps, where, **how)

    def splits(
        self,
        *,
        shares: Sequence[float] = (0.8, 0.1, 0.1),
        seed: int = 0,
        whole_datasets: bool = False,
        images: bool = True,
        where: str = "",
    ) -> pa.Table:
        """Give each sample a side, so that no person is on two; return the table, also in ``splits.parquet``.

        Scans are one person's by dataset and subject, by digest, and by the brain itself. Sides are kept:
        after more scans were built, the same call adds them.

        Args:
            shares: of training, validation and test.
            seed: another one gives another split.
            whole_datasets: keep each dataset on one side.
            images: compare brains, too.
            where: leave out samples that don't meet this SQL condition, such as ``qc_pass``.

        Returns:
            One row for each sample: ``scan_id``, ``group``, ``split``, ``side``.

        Raises:
            ConfigurationError: there is no corpus, or it was split with other options before.

        Example:
            >>> sorted(set(allbrains.Corpus("brains").splits()["split"].to_pylist()))
            ['test', 'train', 'validation']
        """
        return train_corpus.split(
            self.path, shares=shares, seed=seed, whole_datasets=whole_datasets, images=images, where=where
        )

    @needs("learn")
    def lesson(self, task: str, *, config: str = "", **settings: Any) -> train_corpus.Lesson:
        """Return what ``learn`` would train with, and on how many people; trains nothing.

        Raises:
            ConfigurationError: as for ``learn``.

        Example:
            >>> allbrains.Corpus("brains").lesson("age", split="persons").settings.task
            'age'
        """
        return train_corpus.lesson(self.path, task, config, settings)

    @needs("learn")
    def learn(
        self, task: str, *, to: FolderLike | None = None, config: str = "", **settings: Any
    ) -> Results | None:
        """Train and test a baseline; the same call goes on where it was stopped.

        Args:
            task: ``age``, ``sex`` or ``contrastive``.
            to: folder for weights, figures and the card; None: ``learn/TASK`` in the corpus.
            config: text of a settings file, TOML.
            **settings: by name, such as ``epochs=10``, ``split="persons"``, ``pool=2``; see the reference.

        Returns:
            Scores on the test side with 95 % intervals, and notes; None in all processes of ``torchrun`` but
            the first.

        Raises:
            ConfigurationError: a setting is wrong, a side is empty, or the extra is missing.

        Example:
            >>> results = allbrains.Corpus("brains").learn("age", split="persons", epochs=1, pool=2)
            >>> [score.metric for score in results.scores if score.model == "CNN"][0]
            'mean absolute error, years'
        """
        folder = Path(to) if to is not None else self.path / "learn" / task
        return train_corpus.learn(self.path, task, folder, config, settings)

    def report(
        self,
        to: FolderLike | None = None,
        *,
        against: FolderLike | None = None,
        volumes: int = 40,
        progress: Progress | None = None,
    ) -> show_corpus.ReportWritten:
        """Write a page about the corpus that opens in a browser without any network.

        Args:
            to: folder; None: ``report`` in the corpus.
            against: another corpus, to compare with.
            volumes: write the volumes of so many samples, the oddest ones: about 4 MB each.
            progress: called with the files that are written.

        Raises:
            ConfigurationError: there is no corpus, or nothing is built yet.

        Example:
            >>> allbrains.Corpus("brains").report("pages", volumes=1).index.exists()
            True
        """
        folder = None if to is None else Path(to)
        other = None if against is None else Path(against)
        return show_corpus.report(self.path, folder, against=other, volumes=volumes, progress=progress)

    def serve(
        self, *, against: FolderLike | None = None, port: int = 0, host_names: Sequence[str] = ()
    ) -> AbstractContextManager[str]:
        """Serve the report on loopback while a ``with`` block runs, with all volumes and with ratings.

        Args:
            against: another corpus, to compare with.
            port: of loopback; 0: any free one.
            host_names: further addresses, ``name:port``, at which a tunnel shows the page.

        Yields:
            The address.

        Raises:
            ConfigurationError: there is no corpus, or nothing is built yet.

        Example:
            >>> with allbrains.Corpus("brains").serve() as address:
            ...     address.startswith("http://127.0.0.1:")
            True
        """
        other = None if against is None else Path(against)
        return show_corpus.serve(self.path, against=other, port=port, host_names=host_names)

    @needs("build")
    def export(
        self,
        to: FolderLike,
        *,
        where: str = "",
        limit: int | None = None,
        maps: Sequence[str] = (),
        form: str = "bids",
        space: str = "template",
        written: Callable[[Path], None] = ignore,
    ) -> tuple[Path, ...]:
        """Write samples as NIfTI with BIDS derivative names, NumPy files, or WebDataset tars.

        Args:
            to: folder.
            where: an SQL condition over the columns of ``samples.parquet``.
            limit: at most so many scans.
            maps: names; empty: all.
            form: ``bids``, ``npy`` or ``webdataset``.
            space: ``template``: the corpus' grid; ``native``: each scan's own (bids only).
            written: called with each path.

        Returns:
            Each image, each sample's folder, or each tar.

        Raises:
            ConfigurationError: there is no corpus, no such map, or the extra is missing.

        Example:
            >>> allbrains.Corpus("brains").export("nifti", limit=1, maps=["gm"])[0].name
            'sub-0000_ses-0_space-MNI152NLin2009aSym_res-10_label-GM_probseg.nii.gz'
        """
        return share_corpus.export(
            self.path, Path(to), where=where, limit=limit, maps=maps, form=form, space=space, written=written
        )

    @needs("publish")
    def publish(
        self,
        target: str,
        *,
        public: bool = False,
        dry_run: bool = False,
        leave_out: Sequence[str] = (),
        affirm_defaced: Sequence[str] = (),
        commits_per_hour: int = COMMITS_PER_HOUR,
        tell: Tell = ignore,
    ) -> share_corpus.Publication:
        """Send the corpus to where others can load it; the same call sends only what changed.

        Args:
            target: ``hf://user/name``, a folder, or any URL that fsspec knows (``s3://…``).
            public: let everybody read it, when all of it is there; on the Hub only.
            dry_run: return what would be sent, and send nothing.
            leave_out: datasets that stay at home.
            affirm_defaced: datasets in which, you affirm, faces were removed.
            commits_per_hour: the Hub refuses from about 128.
            tell: called with a sentence at each wait and each part.

        Raises:
            ConfigurationError: it means nothing; not everybody may see all of it; or the extra is missing.

        Example:
            >>> allbrains.Corpus("brains").publish("copy").sent.files > 0
            True
        """
        return share_corpus.publish(
            self.path,
            target,
            public=public,
            dry_run=dry_run,
            leave_out=leave_out,
            affirm_defaced=affirm_defaced,
            commits_per_hour=commits_per_hour,
            tell=tell,
        )

    def cite(self, where: str = "", *, form: str = "bibtex") -> share_corpus.Citation:
        """Return the citations of the corpus, or of the samples that meet an SQL condition.

        Args:
            where: over the columns of ``samples.parquet``.
            form: ``bibtex``, or ``cff`` for the text of a CITATION.cff.

        Raises:
            ConfigurationError: there is no corpus, or the condition is wrong.

        Example:
            >>> allbrains.Corpus("brains").cite("sex = 'female'").text.startswith("@")
            True
        """
        return share_corpus.cite(fspath(self.folder), where=where, form=form)

    def bench(
        self, *, samples: int = 6, rounds: int = 5, scratch: FolderLike | None = None
    ) -> Iterator[Line]:
        """Yield what reading costs here: samples as they are, and in the forms that other people have.

        Args:
            samples: to measure with.
            rounds: the best counts.
            scratch: folder for the other forms for a while, 150 MB a sample; None: beside the corpus.

        Example:
            >>> next(allbrains.Corpus("brains").bench(samples=1, rounds=1)).cost.cpu_ms > 0
            True
        """
        from allbrains.bench.reading import measure

        place = Path(scratch) if scratch is not None else self.path.resolve().parent
        return measure(self.open()[:samples], place, rounds=rounds)
