"""The samples table: one row for each planned scan, whatever became of it."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allbrains.errors import Reason
from allbrains.records import Cause, Failed, Rejected
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.manifest import claim
from allbrains.store.samples import write_samples
from allbrains.testing.corpora import MAPS, ToyStory, corpus, scan, write

PEOPLE = pa.table(
    {"scan_id": [scan(0).scan_id, scan(1).scan_id], "age_years": [31.5, None], "sex": ["female", "male"]}
)
STORY = ToyStory(
    scans=tuple(scan(number) for number in range(4)),
    ends={
        scan(1).scan_id: Rejected(reason=Reason.NOT_3D, detail="4 frames"),
        scan(2).scan_id: Failed(cause=Cause.MEMORY, detail="7000 MB in use"),
    },
    people=PEOPLE,
)


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "out")


def test_every_planned_scan_has_one_row_that_says_what_became_of_it(layout):
    write(layout, STORY)
    rows = pq.read_table(layout.samples).to_pylist()
    assert [row["scan_id"] for row in rows] == [one.scan_id for one in STORY.scans]
    assert [row["outcome"] for row in rows] == ["done", "rejected", "failed", "done"]
    assert (rows[1]["reason"], rows[1]["cause"], rows[1]["detail"]) == ("not_3d", "", "4 frames")
    assert (rows[2]["reason"], rows[2]["cause"], rows[2]["detail"]) == ("", "memory", "7000 MB in use")
    assert rows[0]["gm_ml"] == 600.0
    assert rows[0]["note"] == "sample 0"
    assert rows[3]["row_group"] == 1
    assert rows[1]["shard"] is None


def test_where_scans_were_fetched_from_is_not_told(layout):
    here = replace(scan(5), urls=("file:///home/somebody/brains/sub-0005_T1w.nii.gz",))
    write(layout, replace(STORY, scans=(*STORY.scans, here)))
    assert "urls" not in pq.read_schema(layout.samples).names
    kept = [path.read_bytes() for path in layout.root.rglob("*.parquet")]
    assert not [data for data in kept if b"somebody" in data or b"file:" in data]


def test_what_is_not_a_number_is_null(layout):
    write(layout, STORY)
    assert pq.read_table(layout.samples)["not_measured"].to_pylist() == [None] * 4


def test_demographics_are_joined_by_scan(layout):
    write(layout, STORY)
    table = pq.read_table(layout.samples)
    assert table["age_years"].to_pylist() == [31.5, None, None, None]
    assert table["sex"].to_pylist() == ["female", "male", None, None]


def test_each_map_can_be_found(layout):
    write(layout, STORY)
    row = pq.read_table(layout.samples).to_pylist()[3]
    data = (layout.root / row["shard"]).read_bytes()
    assert len(data) == row["shard_size"]
    for name in MAPS:
        start, nbytes = row[f"{name}_start"], row[f"{name}_nbytes"]
        assert int.from_bytes(data[start - 4 : start], "little") == nbytes


def test_every_column_says_what_it_is(layout):
    write(layout, STORY)
    silent = [f.name for f in pq.read_schema(layout.samples) if b"description" not in (f.metadata or {})]
    assert silent == ["age_years", "sex"]  # these came without


def test_a_scan_without_outcome_is_pending(layout):
    claim(layout, corpus())
    with Ledger.open(layout.ledger) as ledger:
        ledger.register(STORY.scans)
        write_samples(layout, ledger)
    table = pq.read_table(layout.samples)
    assert table["outcome"].to_pylist() == ["pending"] * 4


def test_two_columns_of_one_name_are_refused(layout):
    write(layout, STORY)
    with Ledger.open(layout.ledger) as ledger, pytest.raises(ValueError, match=r"two columns.*gm_ml"):
        write_samples(layout, ledger, demographics=pa.table({"scan_id": ["a"], "gm_ml": [1.0]}))


def test_descriptions_are_kept(layout):
    write(layout, STORY)
    with Ledger.open(layout.ledger) as ledger:
        write_samples(layout, ledger, descriptions={"gm_ml": "Grey matter, ml"})
    assert pq.read_schema(layout.samples).field("gm_ml").metadata[b"description"] == b"Grey matter, ml"
