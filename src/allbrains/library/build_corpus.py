"""Plan and build: what a corpus would cost, and the corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.errors import ConfigurationError
from allbrains.extras import lacking
from allbrains.library.listening import Progress, heard, in_notebook
from allbrains.machine import usable_cores

if TYPE_CHECKING:
    from allbrains.library.choose_scans import Choice, Chosen
    from allbrains.recipe import Recipe
    from allbrains.run.engines.cluster_settings import ClusterSite
    from allbrains.run.engines.local import Engine
    from allbrains.run.progress import Progress as Counts
    from allbrains.run.run_status import Figures
    from allbrains.run.watchers import Watcher
    from allbrains.store.ledger import Tally

    Watch = Callable[[Counts], Sequence[Watcher]]


def unwatched(counts: Counts) -> Sequence[Watcher]:
    """Return no watcher."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a build would do.

    Attributes:
        scans_to_run: scans that have no outcome yet, or failed and are tried again.
        scans_settled: scans that are done, rejected, or failed for good.
        slots: scans at once.
        hours: of wall time.
        download_gb: to fetch, GB (10⁹ bytes).
        temporary_gb: the most disk that scans in flight take, GB.
        result_gb: of the corpus, GB.
        headers_unread: images of the catalogue with an unknown header.
        headers_gb: what reading those would fetch, GB.
        incomplete: one sentence for each thing that the catalogue lacks.
        notes: one sentence for each column that the condition asks for and that is not read.
    """

    scans_to_run: int
    scans_settled: int
    slots: int
    hours: float
    download_gb: float
    temporary_gb: float
    result_gb: float
    headers_unread: int
    headers_gb: float
    incomplete: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build left.

    Attributes:
        tally: how many scans of the corpus are planned, done, rejected by reason, failed by cause, pending.
        incomplete: one sentence for each thing that the catalogue lacks.
        notes: one sentence for each column that the condition asks for and that is not read.
    """

    tally: Tally
    incomplete: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Where scans run, and what one may take.

    Attributes:
        jobs: scans at once; None: what cores and memory allow.
        timeout_s: seconds a scan; None: as ``SlotLimits`` says.
        memory_mb: at which a scan is ended, MB; None: 6000, and more where the recipe needs it.
        device: ``cpu`` or ``cuda`` for torch's networks; empty: as the recipe says.
        cluster: ``slurm``; ``dask`` (its local cluster); a scheduler's address, ``tcp://…`` or ``tls://…``;
            or a TOML file that describes a site. Empty: this machine.
    """

    jobs: int | None = None
    timeout_s: float | None = None
    memory_mb: float | None = None
    device: str = ""
    cluster: str = ""


def plan_corpus(
    out: Path, choice: Choice, *, recipe: str, jobs: int | None, progress: Progress | None = None
) -> Costs:
    """Return what a build of a choice would do in a folder; see ``Corpus.plan``."""
    from allbrains import recipes
    from allbrains.library.choose_scans import gather
    from allbrains.run.corpus_format import corpus_of
    from allbrains.run.driver import plan_of
    from allbrains.run.work_plan import TYPICAL_SAMPLE_BYTES, make_plan
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    made = recipes.load(recipe)
    spacing_mm = corpus_of(made).grid.affine[0][0]
    with heard(progress, "reading the catalogue") as hear:
        chosen = gather(choice, out, hear)
    ledger_file = Layout(out).ledger
    if ledger_file.exists():
        with LedgerReader.open(ledger_file) as ledger:
            plan = plan_of(chosen.scans, ledger)
    else:
        plan = make_plan(chosen.scans, ())
    slots = jobs or default_slots(made)
    return Costs(
        scans_to_run=len(plan.todo),
        scans_settled=plan.settled,
        slots=slots,
        hours=round(plan.hours(slots), 2),
        download_gb=round(plan.bytes_to_fetch / 1e9, 3),
        temporary_gb=round(plan.temporary_bytes(slots) / 1e9, 3),
        result_gb=round(len(plan.todo) * TYPICAL_SAMPLE_BYTES / spacing_mm**3 / 1e9, 3),
        headers_unread=chosen.unread_headers,
        headers_gb=round(chosen.header_bytes / 1e9, 3),
        incomplete=chosen.incomplete,
        notes=chosen.notes,
    )


def build_corpus(
    out: Path,
    choice: Choice,
    *,
    recipe: str,
    resources: Resources,
    watch: Watch = unwatched,
    progress: Progress | None = None,
) -> Built:
    """Build a choice into a folder; see ``Corpus.build``."""
    from allbrains import recipes
    from allbrains.library.choose_scans import gather
    from allbrains.run.lock import alone
    from allbrains.store.layout import Layout

    # what is misspelt or missing ends here, not after a long crawl
    made = recipes.ready(recipe, device=resources.device)
    engine = engine_for(made, resources)
    with alone(Layout(out)):  # before the catalogue: reading it takes long, and writes into the folder
        with heard(progress, "reading the catalogue") as hear:
            chosen = gather(choice, out, hear)
        tally = build_chosen(chosen, out, recipe=recipe, engine=engine, device=resources.device, watch=watch)
    return Built(tally=tally, incomplete=chosen.incomplete, notes=chosen.notes)


def build_chosen(
    chosen: Chosen,
    out: Path,
    *,
    recipe: str,
    engine: Engine,
    device: str = "",
    watch: Watch = unwatched,
) -> Tally:
    """Build chosen scans, with a log and with figures for ``status``; return the corpus' tally.

    The caller holds the folder's lock (``run.lock.alone``).

    Args:
        chosen: the scans.
        out: folder of the corpus.
        recipe: name or TOML file.
        engine: where scans run; closed at the end.
        device: as for ``Resources``.
        watch: called with the run's figures; returns further watchers of the build.
    """
    from allbrains.run.progress import Progress as Counts
    from allbrains.run.run_log import RunLog
    from allbrains.run.watched_build import BuildWork, watched_build
    from allbrains.store.layout import Layout

    counts = Counts(out, lambda: engine.slots)
    work = BuildWork(
        scans=chosen.scans, people=chosen.people, network=chosen.network, recipe=recipe, device=device
    )
    watchers: list[Watcher] = [counts, RunLog(out), *watch(counts)]
    return watched_build(work, Layout(out), engine=engine, watchers=watchers)


def telling(progress: Callable[[Figures], None] | None) -> Watch:
    """Return a watcher that reports the run's figures to a caller's function, else as a notebook's bar.

    Args:
        progress: called with the figures at the start, after each outcome, at each pause and at the end.
    """

    def watch(counts: Counts) -> Sequence[Watcher]:
        from allbrains.library.figures_told import FiguresTold, figures_bar

        if progress is not None:
            return [FiguresTold(counts, progress)]
        return [FiguresTold(counts, figures_bar())] if in_notebook() else []

    return watch


def engine_for(recipe: Recipe, resources: Resources) -> Engine:
    """Return where scans run.

    Raises:
        ConfigurationError: the cluster is none, a job of it is too small for a scan, or Dask is not there.
    """
    from allbrains.run.engines.cluster_settings import fitted
    from allbrains.run.engines.local import Local
    from allbrains.run.slot.guard import SlotLimits

    usual = SlotLimits()
    limits = SlotLimits(
        wall_s=resources.timeout_s or usual.wall_s,
        # half as much again as the recipe expects to need: then something is wrong
        memory_mb=resources.memory_mb or max(usual.memory_mb, 1.5 * recipe.memory_mb),
    )
    jobs = resources.jobs
    if not resources.cluster:
        return Local(slots=jobs or default_slots(recipe), limits=limits)
    site = site_of(resources.cluster)
    try:
        from allbrains.run.engines.dask_cluster import Dask
    except ModuleNotFoundError as error:
        raise lacking(error, "a cluster", ("cluster",)) from error
    site = site.at_once(jobs) if jobs and site.batch else site
    slots = site.jobs * site.cores if site.batch else jobs or default_slots(recipe)
    return Dask(site=site, limits=fitted(limits, site, recipe.memory_mb), slots=slots)


def site_of(cluster: str) -> ClusterSite:
    """Return the site that ``Resources.cluster`` names.

    Raises:
        ConfigurationError: it is none, or its file is wrong.
    """
    from allbrains.run.engines.cluster_settings import ClusterSite, checked, read_site

    if cluster == "slurm":
        return ClusterSite(kind="slurm")
    if cluster == "dask":
        return ClusterSite()
    if "://" in cluster:
        return checked(ClusterSite(kind="address", address=cluster))
    if not Path(cluster).is_file():
        raise ConfigurationError(
            f"cluster is {cluster!r}, expected slurm, dask, a scheduler's address, or a TOML file"
        )
    return read_site(Path(cluster))


def default_slots(recipe: Recipe) -> int:
    """Return how many scans this machine can run at once: by cores, and by the memory that each takes."""
    import psutil

    return max(1, min(usable_cores(), int(psutil.virtual_memory().available / 1e6 / recipe.memory_mb)))
