"""A corpus at an address: the same brains, only the bytes that are asked for, a cache that stays small."""

import fsspec
import numpy as np
import pytest

import allbrains
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.load.chunk_cache import Cache
from allbrains.load.remote import Remote


class Counting(fsspec.get_filesystem_class("memory")):
    """A store that notes the ranges that it was asked for, and may refuse the next few."""

    protocol = "counting"
    store, pseudo_dirs = {}, [""]
    asked, refuse = [], 0

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("counting://", "/"))

    def cat_file(self, path, start=None, end=None, **kwargs):
        cls = type(self)
        cls.asked.append((path.rsplit("/", 1)[-1], start, end))
        if cls.refuse:
            cls.refuse -= 1
            raise OSError("503, as a busy server says")
        return super().cat_file(path, start, end, **kwargs)


fsspec.register_implementation("counting", Counting, clobber=True)


@pytest.fixture
def remote(eleven):
    Counting.store.clear()
    Counting.asked.clear()
    Counting.refuse = 0
    for path in eleven.rglob("*.parquet"):
        name = f"/corpus/{path.relative_to(eleven).as_posix()}"
        with fsspec.filesystem("counting").open(name, "wb") as file:
            file.write(path.read_bytes())
    return "counting://corpus"


def test_the_same_brains(remote, eleven, tmp_path):
    here, there = allbrains.open(eleven), allbrains.open(remote, cache=tmp_path)
    assert len(there) == 11
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.t1w, other.t1w)
        assert one.montage == other.montage
    for one, other in zip(here.batches(4, shuffle=1), there.batches(4, shuffle=1), strict=True):
        np.testing.assert_array_equal(one.gm, other.gm)


def test_a_map_is_one_range_and_the_second_time_none(remote, tmp_path):
    brains = allbrains.open(remote, maps=["gm"], cache=tmp_path)
    Counting.asked.clear()
    brains[3].integers("gm")
    start, nbytes = (brains.table[f"gm_{what}"][3].as_py() for what in ("start", "nbytes"))
    assert Counting.asked == [("ds000011-00000.parquet", start, start + nbytes)]
    allbrains.open(remote, maps=["gm"], cache=tmp_path)[3].integers("gm")
    assert len(Counting.asked) == 1


def test_what_decayed_in_the_cache_is_fetched_again(remote, eleven, tmp_path):
    brains = allbrains.open(remote, maps=["gm"], cache=tmp_path)
    brains[0].integers("gm")
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    np.testing.assert_array_equal(brains[0].gm, allbrains.open(eleven)[0].gm)
    assert len(Counting.asked) == 2


def test_a_busy_server_is_asked_again_a_few_times(remote, eleven, tmp_path):
    brains = allbrains.open(remote, maps=["gm"], cache=tmp_path)
    shelf = Remote(url=remote, cache=Cache(tmp_path, 10**6), pause_s=0)
    place = brains.place("gm", 0)
    Counting.refuse = 2
    place.check(shelf.read(place))
    Counting.refuse = 3
    with pytest.raises(CorpusError, match="503, as a busy server says"):
        shelf.read(brains.place("gm", 1))


def test_damage_and_absence_are_told(remote, tmp_path):
    brains = allbrains.open(remote, maps=["gm"], cache=tmp_path)
    name = "/corpus/shards/ds000011/ds000011-00000.parquet"
    data = bytearray(Counting.store[name].getvalue())
    data[brains.table["gm_start"][1].as_py() + 9] ^= 1
    with fsspec.filesystem("counting").open(name, "wb") as file:
        file.write(bytes(data))
    with pytest.raises(CorpusError, match=r"map gm: .*wrong checksum"):
        brains[1].integers("gm")
    with fsspec.filesystem("counting").open(name, "wb") as file:
        file.write(bytes(data[:1000]))
    with pytest.raises(CorpusError, match="bytes came for a range"):
        brains[2].integers("gm")
    Counting.store.pop(name)
    with pytest.raises(CorpusError, match="FileNotFoundError"):
        brains[3].integers("gm")
    with pytest.raises(CorpusError, match=r"samples\.parquet can't be read"):
        allbrains.open("counting://elsewhere", cache=tmp_path)
    with pytest.raises(ConfigurationError, match="Protocol not known"):
        allbrains.open("nosuch://elsewhere", cache=tmp_path)


def test_the_cache_keeps_what_was_read_last_within_its_limit(tmp_path):
    cache = Cache(tmp_path, 1000)
    for number in range(30):
        cache.put(f"{number:04d}", bytes([number]) * 100)
        assert cache.get("0000") == bytes(100)  # read again and again, so kept
        used = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
        assert used <= 1000
    assert cache.get("0029") == bytes([29]) * 100
    assert cache.get("0003") is None
    cache.put("large", bytes(1001))
    assert cache.get("large") is None
