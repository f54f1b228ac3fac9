"""The whole product on one screen: plan, run, record, seal. Resume is the second call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Protocol

import pyarrow as pa

from allbrains import recipes
from allbrains.records import Scan
from allbrains.run.corpus_format import corpus_of
from allbrains.run.engines.local import Engine
from allbrains.run.pause import Pause
from allbrains.run.slot.guard import Report
from allbrains.run.slot.job import Job
from allbrains.run.work_plan import ATTEMPTS, TYPICAL_SECONDS, Plan, again, make_plan
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger, LedgerReader, Tally
from allbrains.store.manifest import claim
from allbrains.store.samples import write_samples
from allbrains.store.shards import seal
from allbrains.store.staging import sweep
from allbrains.transfer import Network


class Watch(Protocol):
    """Observes a build: the progress bar, the figures and the log are three."""

    def begin(self, plan: Plan) -> None:
        """Learn what will be done."""

    def see(self, scan: Scan, report: Report) -> None:
        """Learn a scan's last outcome of this run, after it was recorded."""

    def again(self, scan: Scan, report: Report) -> None:
        """Learn of a failed try that will be repeated, after it was recorded."""


def build(
    scans: Sequence[Scan],
    people: pa.Table,
    layout: Layout,
    *,
    recipe: str,
    engine: Engine,
    network: Network,
    watch: Watch,
    pause: Pause,
    device: str = "",
) -> Tally:
    """Make every scan a sample, or a row that says why not; return the corpus' tally.

    The caller holds the folder's lock (``alone``).

    Args:
        scans: what to build, in the catalogue's order.
        people: the column ``scan_id`` and what the samples table is to say of that scan's version and
            participant; of all scans that the folder knows, not only of those to build.
        layout: the output folder; what it has already is not done again.
        recipe: name or TOML file.
        engine: where scans run.
        network: what workers may ask.
        watch: sees progress.
        device: ``cpu`` or ``cuda`` for the steps that can choose; empty: as the recipe says.
        pause: holds the build while a disk is full or no origin answers.

    Raises:
        ConfigurationError: the folder holds another recipe's results; or the recipe needs what this
            machine hasn't got; or no worker can be started.
    """
    made = recipes.ready(recipe, device=device)
    claim(layout, corpus_of(made))
    out = str(layout.root.resolve())
    job = Job(recipe_toml=recipes.text(recipe), recipe_origin=recipe, out=out, network=network, device=device)
    with Ledger.open(layout.ledger) as ledger:
        sweep(layout, ledger)
        ledger.register(scans)
        plan = plan_of(scans, ledger)
        watch.begin(plan)
        todo, tries = deque(plan.todo), Counter[str]()
        while todo:
            # closed at once where Ctrl-C comes between two results: a notebook keeps the traceback, and with
            # it this generator, alive
            with closing(engine(pause.feed(todo), job)) as results:
                for scan, report in results:
                    if pause.excuses(scan, report):
                        todo.append(scan)
                        continue
                    pause.patiently(partial(ledger.record, scan.scan_id, report.outcome))
                    tries[scan.scan_id] += 1
                    if again(report.outcome, now=tries[scan.scan_id], ever=ledger.tried(scan.scan_id)):
                        watch.again(scan, report)
                        todo.append(scan)
                    else:
                        watch.see(scan, report)
                        pause.patiently(partial(_seal_ripe, layout, ledger, scan.scan_id))
            pause.wait()
        pause.patiently(partial(_seal_ripe, layout, ledger, None))
        pause.patiently(partial(write_samples, layout, ledger, demographics=people))
        return ledger.tally()


def plan_of(scans: Sequence[Scan], ledger: LedgerReader) -> Plan:
    """Return what is left to do of these scans, timed by what this corpus' scans took so far."""
    settled = ledger.settled(attempts=ATTEMPTS)
    return make_plan(scans, settled, seconds_per_scan=ledger.seconds_per_scan() or TYPICAL_SECONDS)


def _seal_ripe(layout: Layout, ledger: Ledger, scan_id: str | None) -> None:
    for shard in ledger.ripe(attempts=ATTEMPTS if scan_id else 1, scan_id=scan_id):
        seal(layout, ledger, shard)
