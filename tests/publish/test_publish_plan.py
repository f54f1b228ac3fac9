"""The plan and the pace: laws, without any server."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allbrains.errors import ConfigurationError, CorpusError, TransientError
from allbrains.publish.commits import CommitLimits, Held, Item, commits
from allbrains.publish.pace import Pace
from allbrains.publish.upload import send, tier
from allbrains.records import Algorithm, Digest


def item(name, size=1, sha256="", last=False):
    digest = sha256 or f"sha of {name}"
    return Item(name=name, path=Path(name), size=size, sha256=digest, git_sha1="known", last=last)


def held(one):
    return Held(size=one.size, digest=Digest(algorithm=Algorithm.SHA256, hexdigest=one.sha256))


@dataclass
class Clock:
    """A clock that only moves when somebody waits."""

    time: float = 0.0

    def now(self):
        return self.time

    def wait(self, seconds):
        self.time += seconds


@dataclass
class FakeHub:
    """A target that remembers, and fails as it is told to: before or after doing what it was asked."""

    clock: Clock = field(default_factory=Clock)
    limits: CommitLimits = field(default_factory=CommitLimits)
    files: dict = field(default_factory=dict)
    made: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    hurried: bool = True
    seconds: float = 0.0
    forgets: bool = False

    def prepare(self):
        self.files.setdefault(".gitattributes", held(item(".gitattributes")))

    def held(self):
        return dict(self.files)

    def read(self, name):
        raise AssertionError

    def commit(self, commit, message):
        self.clock.wait(self.seconds)
        how = self.failures.pop(0) if self.failures else ""
        if how == "before":
            raise TransientError("429", retry_after_s=7)
        self.made.append((self.clock.now(), commit))
        if not self.forgets:
            self.files |= {one.name: held(one) for one in commit.adds}
            for name in commit.removes:
                del self.files[name]
        if how == "after":
            raise TransientError("the answer was lost")

    def recent(self):
        return [when for when, _ in self.made]

    def where(self):
        return "fake"


def sent(items, hub, limit=100):
    return send(items, hub, pace=Pace(limit=limit, now=hub.clock.now, wait=hub.clock.wait))


names = st.lists(st.sampled_from(range(12)), unique=True, max_size=12)
unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(wanted=names, there=names, stale=names, files=st.integers(1, 5), nbytes=st.integers(1, 9))
def test_after_all_commits_the_target_holds_what_it_should_and_no_limit_was_broken(
    wanted, there, stale, files, nbytes
):
    items = [item(f"shards/a/{n}", size=n % 4 + 1, last=n % 3 == 0) for n in wanted]
    files_there = {f"shards/a/{n}": held(item(f"shards/a/{n}", size=n % 4 + 1)) for n in there}
    files_there |= {f"shards/a/{n}": held(item(f"shards/a/{n}", sha256="old")) for n in stale}
    files_there["owners.txt"] = held(item("owners.txt"))
    limits = CommitLimits(files=files, nbytes=nbytes)
    plan = commits(items, files_there, limits)
    for number, commit in enumerate(plan):
        assert commit.adds or commit.removes
        if number < len(plan) - 1:
            assert not commit.removes
            assert len(commit.adds) <= files
            assert commit.nbytes <= nbytes or len(commit.adds) == 1
    for commit in plan:
        files_there |= {one.name: held(one) for one in commit.adds}
        for name in commit.removes:
            del files_there[name]
    assert files_there.pop("owners.txt")
    assert files_there == {one.name: held(one) for one in items}
    assert commits(items, files_there, limits) == []


def test_what_names_files_comes_after_them():
    items = [
        item("samples.parquet", last=True),
        item("shards/a/1"),
        item("allbrains.json"),
        item("README.md", last=True),
    ]
    first, second = commits(items, {"shards/b/1": held(item("shards/b/1"))}, CommitLimits())
    assert [one.name for one in first.adds] == ["allbrains.json", "shards/a/1"]
    assert [one.name for one in second.adds] == ["README.md", "samples.parquet"]
    assert second.removes == ("shards/b/1",)


@unhurried
@given(failures=st.lists(st.sampled_from(["", "before", "after"]), max_size=12))
def test_each_file_is_committed_once_whatever_fails(failures):
    hub = FakeHub(limits=CommitLimits(files=2), failures=[how for how in failures if how])
    items = [item(f"shards/a/{n}") for n in range(7)] + [item("README.md", last=True)]
    sent(items, hub) if len(hub.failures) < 8 else send(
        items, hub, pace=Pace(now=hub.clock.now, wait=hub.clock.wait), patience=99
    )
    added = [one.name for _, commit in hub.made for one in commit.adds]
    assert sorted(added) == sorted(one.name for one in items)
    assert len(hub.made) == 5


def test_it_waits_as_long_as_it_is_asked_and_gives_up_in_the_end():
    hub = FakeHub(failures=["before"] * 3)
    sent([item("shards/a/1")], hub)
    assert hub.clock.now() == 21
    with pytest.raises(TransientError, match="429"):
        sent([item("shards/a/2")], FakeHub(failures=["before"] * 8))


def test_a_target_that_forgets_is_not_sent_the_same_for_ever():
    with pytest.raises(CorpusError, match="doesn't keep what it is sent: shards/a/1"):
        sent([item("shards/a/1")], FakeHub(forgets=True))


def worst_hour(times):
    return max(sum(1 for other in times if when <= other < when + 3600) for when in times)


@pytest.mark.parametrize(("size", "expected"), [(300_000, 33), (600_000_000, 401)])
def test_1600_shards_stay_within_128_commits_an_hour_on_a_simulated_clock(size, expected):
    hub = FakeHub(seconds=2.0)
    items = [item(f"shards/ds{n // 8}/{n}", size=size) for n in range(1600)]
    sent([*items, item("README.md", last=True)], hub)
    times = [when for when, _ in hub.made]
    assert len(times) == expected
    assert worst_hour(times) <= 100


def test_starting_anew_does_not_start_a_new_hour():
    hub = FakeHub(limits=CommitLimits(files=1), seconds=1.0)
    items = [item(f"shards/a/{n:03d}") for n in range(30)]
    for upto in range(1, 30):  # killed after each commit
        sent(items[:upto], hub, limit=10)
    assert worst_hour([when for when, _ in hub.made]) <= 10


def test_a_place_with_other_things_in_it_is_left_alone():
    hub = FakeHub(files={"README.md": held(item("README.md", sha256="theirs"))})
    with pytest.raises(ConfigurationError, match="something else"):
        sent([item("allbrains.json"), item("shards/a/1")], hub)


def test_a_damaged_file_is_not_sent(tmp_path):
    hub, path = FakeHub(), tmp_path / "1"
    path.write_bytes(b"other bytes")
    with pytest.raises(CorpusError, match="damaged"):
        sent([Item(name="shards/a/1", path=path, size=11, sha256="0" * 64)], hub)
    assert not hub.made


def test_the_storage_that_it_takes():
    assert "free account" in tier(99 * 10**9)
    assert "PRO" in tier(500 * 10**9)
    assert "2.0 TB" in tier(2 * 10**12)
