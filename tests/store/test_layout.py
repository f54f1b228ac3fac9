"""Names on disk: safe, and different where the datasets differ."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from allbrains.store.layout import Layout, ShardKey, folder_name

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=150)


@given(NAMES)
def test_any_name_gives_a_plain_folder_below_the_root(name):
    assert re.fullmatch(r"[A-Za-z0-9_%][A-Za-z0-9_.%~-]{0,99}", folder_name(name))


@given(NAMES, NAMES)
def test_two_datasets_never_share_a_folder(one, other):
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_names_that_differ_only_in_a_long_tail():
    assert folder_name("x" * 200) != folder_name("x" * 201)


def test_an_accession_is_its_own_name():
    shard = Layout(Path("out")).shard(ShardKey("ds000011", 7))
    assert shard == Path("out/shards/ds000011/ds000011-00007.parquet")


def test_a_path_is_not_a_way_out():
    assert Layout(Path("out")).shard(ShardKey("../../etc", 0)).resolve().is_relative_to(Path("out").resolve())
