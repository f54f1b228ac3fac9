"""The ledger: one outcome a scan, places that never change, and a tally that adds up."""

import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.errors import ConfigurationError, CorpusError, Reason, TransientError
from allbrains.records import Cause, Done, Failed, Rejected, StepCost
from allbrains.store.layout import SCANS_PER_SHARD, ShardKey
from allbrains.store.ledger import Ledger, LedgerReader, Sealed
from allbrains.store.ledger_file import connect_to_write
from allbrains.testing.corpora import scan

DONE = Done(sha256="a" * 64, size=10)
REJECTED = Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")
FAILED = Failed(cause=Cause.TIMEOUT, detail="not done after 1800 s")
SHARD = ShardKey("ds000011", 0)


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def places(ledger):
    return {member.scan.scan_id: (member.shard, member.position) for member in ledger.members()}


def test_scans_come_back_as_they_were(ledger):
    scans = [scan(number) for number in range(5)]
    assert ledger.register(scans) == 5
    assert [member.scan for member in ledger.members()] == scans


def test_shards_are_filled_in_order_and_places_never_change(ledger):
    first = [scan(number) for number in range(70)] + [scan(number, "ds000001") for number in range(3)]
    ledger.register(first)
    before = places(ledger)
    assert ledger.register(first) == 0
    assert ledger.register([*first, *(scan(number) for number in range(70, 140))]) == 70
    after = places(ledger)
    assert before.items() <= after.items()
    numbers = [number for key, number in after.values() if key.dataset == "ds000011"]
    keys = [key.number for key, _ in after.values() if key.dataset == "ds000011"]
    assert keys == [0] * SCANS_PER_SHARD + [1] * SCANS_PER_SHARD + [2] * 12
    assert all(later == earlier + 1 or later == 0 for earlier, later in pairwise(numbers))
    assert ShardKey("ds000001", 0) in dict(after.values())


@pytest.mark.parametrize("outcome", [DONE, REJECTED, FAILED])
def test_an_outcome_comes_back_as_it_was(ledger, outcome):
    ledger.register([scan(0)])
    ledger.record(scan(0).scan_id, outcome)
    assert ledger.outcomes() == {scan(0).scan_id: outcome}


def test_costs_of_every_attempt_are_kept(ledger):
    ledger.register([scan(0)])
    costs = (StepCost(name="bias", cpu_s=1.5, wall_s=2.0, peak_mb=300.0),)
    ledger.record(scan(0).scan_id, Failed(cause=Cause.SIGNAL, detail="SIGSEGV", costs=costs))
    ledger.record(scan(0).scan_id, Done(sha256="a" * 64, size=10, costs=costs * 2))
    found = [(attempt, cost) for _, attempt, cost in ledger.costs()]
    assert found == [(1, costs[0]), (2, costs[0]), (2, costs[0])]
    assert ledger.attempts() == {scan(0).scan_id: 2}


def test_a_failure_may_be_mended_but_an_answer_is_for_good(ledger):
    ledger.register([scan(0)])
    for outcome in (FAILED, FAILED, REJECTED, REJECTED):
        ledger.record(scan(0).scan_id, outcome)
    with pytest.raises(CorpusError, match="for good"):
        ledger.record(scan(0).scan_id, DONE)
    assert ledger.outcomes() == {scan(0).scan_id: REJECTED}


def test_an_outcome_of_no_planned_scan(ledger):
    with pytest.raises(CorpusError, match="never planned"):
        ledger.record("0" * 32, DONE)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([None, DONE, REJECTED, FAILED]), min_size=1, max_size=12))
def test_the_tally_adds_up(outcomes):
    with Ledger.open(Path(":memory:")) as ledger:
        check_tally(ledger, outcomes)


def check_tally(ledger, outcomes):
    ledger.register([scan(number) for number in range(len(outcomes))])
    for number, outcome in enumerate(outcomes):
        if outcome is not None:
            ledger.record(scan(number).scan_id, outcome)
    tally = ledger.tally()
    assert tally.planned == len(outcomes)
    assert tally.done == outcomes.count(DONE)
    assert tally.pending == outcomes.count(None)
    assert sum(tally.rejected.values()) == tally.rejected.get("constant", 0) == outcomes.count(REJECTED)
    assert sum(tally.failed.values()) == tally.failed.get("timeout", 0) == outcomes.count(FAILED)


def test_a_shard_is_ripe_when_all_its_scans_have_their_last_outcome(ledger):
    ledger.register([scan(0), scan(1)])
    ledger.record(scan(0).scan_id, DONE)
    assert ledger.ripe() == []
    ledger.record(scan(1).scan_id, FAILED)
    assert ledger.ripe(attempts=2) == []
    assert ledger.ripe() == ledger.ripe(scan_id=scan(0).scan_id) == [SHARD]
    assert ledger.awaiting() == {scan(0).scan_id}
    ledger.seal(SHARD, Sealed(sha256="b" * 64, size=1))
    assert (ledger.ripe(), ledger.awaiting()) == ([], set())
    assert ledger.sealed() == {SHARD: Sealed(sha256="b" * 64, size=1)}


def test_a_scan_asks_for_its_own_shard_and_for_no_other(ledger):
    ledger.register([*(scan(number) for number in range(SCANS_PER_SHARD + 1)), scan(0, "ds000001")])
    ledger.record(scan(SCANS_PER_SHARD).scan_id, DONE)
    assert ledger.ripe() == ledger.ripe(scan_id=scan(SCANS_PER_SHARD).scan_id) == [ShardKey("ds000011", 1)]
    assert ledger.ripe(scan_id=scan(0).scan_id) == ledger.ripe(scan_id=scan(0, "ds000001").scan_id) == []


def test_what_a_build_asks_after_each_scan_costs_the_same_in_a_small_ledger_and_in_a_large_one(tmp_path):
    few, many = (work_of_one_scan(tmp_path / f"{count}.sqlite", count) for count in (2, 100))
    assert many < 1.2 * few


def work_of_one_scan(path, shards):
    """Return the instructions that SQLite runs for a scan's outcome and all questions after it."""
    scans = [scan(number) for number in range(shards * SCANS_PER_SHARD)]
    connection, steps = connect_to_write(path), [0]
    with Ledger(connection, path) as ledger:
        ledger.register(scans)
        with connection:
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO outcomes VALUES (?, 'done', '', '', '', 'a', 1, 1)",
                [(one.scan_id,) for one in scans[1:]],
            )

        def count():
            steps[0] += 1

        connection.set_progress_handler(count, 1)
        ledger.record(scans[0].scan_id, DONE)
        assert ledger.tried(scans[0].scan_id) == 1
        assert ledger.ripe(attempts=2, scan_id=scans[0].scan_id) == [SHARD]
    return steps[0]


def test_a_shard_is_sealed_again_when_a_failed_scan_is_done_or_a_scan_is_added(ledger):
    ledger.register([scan(0), scan(1)])
    ledger.record(scan(0).scan_id, DONE)
    ledger.record(scan(1).scan_id, FAILED)
    ledger.seal(SHARD, Sealed(sha256="b" * 64, size=1))
    ledger.record(scan(1).scan_id, DONE)
    assert ledger.ripe() == [SHARD]
    ledger.seal(SHARD, Sealed(sha256="c" * 64, size=2))
    ledger.register([scan(2)])
    assert ledger.ripe() == []
    ledger.record(scan(2).scan_id, DONE)
    assert ledger.ripe() == [SHARD]


def test_a_shard_without_a_done_scan_needs_no_file(ledger):
    ledger.register([scan(0)])
    ledger.record(scan(0).scan_id, REJECTED)
    assert ledger.ripe() == []


def test_a_reopened_scan_is_pending_and_its_shard_is_sealed_again(ledger):
    ledger.register([scan(0)])
    ledger.record(scan(0).scan_id, DONE)
    ledger.seal(SHARD, Sealed(sha256="b" * 64, size=1))
    ledger.reopen([scan(0).scan_id])
    assert ledger.tally().pending == 1
    ledger.record(scan(0).scan_id, REJECTED)
    assert ledger.ripe() == [SHARD]


def test_status_reads_while_a_build_writes_and_can_not_write(ledger, tmp_path):
    ledger.register([scan(0)])
    with LedgerReader.open(tmp_path / "ledger.sqlite") as reader:
        assert reader.tally().pending == 1
        ledger.record(scan(0).scan_id, DONE)
        assert reader.tally().done == 1
        assert not hasattr(reader, "record")


def test_a_second_ledger_finds_all_of_the_first(tmp_path):
    path = tmp_path / "out" / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        ledger.register([scan(0)])
        ledger.record(scan(0).scan_id, DONE)
    with Ledger.open(path) as ledger:
        assert ledger.outcomes() == {scan(0).scan_id: DONE}


def test_no_ledger(tmp_path):
    with pytest.raises(ConfigurationError, match="no ledger"):
        LedgerReader.open(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize("kind", [Ledger, LedgerReader])
def test_a_later_ledger_is_refused(tmp_path, kind):
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ConfigurationError, match="ledger is version 99, this one knows 1"):
        kind.open(path)


@pytest.mark.parametrize("kind", [Ledger, LedgerReader])
def test_what_is_no_ledger_is_refused(tmp_path, kind):
    text = tmp_path / "text"
    text.write_text("not a database, and longer than the header of one: " * 20)
    with pytest.raises(CorpusError, match="not a database"):
        kind.open(text)
    other = tmp_path / "other.sqlite"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE scans (a)")
    db.close()
    with pytest.raises(CorpusError, match="not a ledger"):
        kind.open(other)


def test_a_full_disk_may_pass(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    db = sqlite3.connect(path, isolation_level=None)
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    with Ledger(db, path) as ledger:
        with pytest.raises(TransientError, match="no space left"):
            ledger.register([scan(number) for number in range(200)])
        assert ledger.tally().planned == 0
