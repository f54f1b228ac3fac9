"""The next day: what is new, changed, gone or renamed is told apart, and nothing else is asked for."""

import contextlib
import json

import pytest

from allbrains import tables
from allbrains.catalogue import catalogue
from allbrains.catalogue.changes import Changed, Reissued, changes
from allbrains.catalogue.crawl import crawl
from allbrains.catalogue.dataset_rows import row_of, snapshot_of
from allbrains.catalogue.place import place
from allbrains.catalogue.survey import previous
from allbrains.catalogue.withdrawn import MOST_AT_ONCE
from allbrains.errors import ConfigurationError, SourceError
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.sources.pins import Pin, dump, load
from allbrains.sources.snapshot import Snapshot
from allbrains.transfer import Reply
from tests.sources.fake_openneuro import FakeOpenNeuro, answer, fault, file

NAMES = [f"ds{number:06}" for number in range(1, 6)]


def rows_of(number, content=""):
    content = content or f"{number:032x}"
    return [
        file("CHANGES"),
        file(f"sub-{number:02}/anat/sub-{number:02}_T1w.nii.gz", file_id=f"MD5E-s1000000--{content}.nii.gz"),
    ]


@pytest.fixture
def world(tmp_path):
    """A fake OpenNeuro of five datasets, and a way to crawl it again and again."""
    fake = FakeOpenNeuro({name: rows_of(number) for number, name in enumerate(NAMES, 1)})

    def run(before=None):
        return crawl(OpenNeuro(fake, Endpoints(), cache=tmp_path), before=before)

    return fake, run


def reasons(found):
    return {row["dataset"]: row["reason"] for row in found.exclusions.to_pylist()}


def test_nothing_new_costs_the_list_and_changes_nothing(world):
    fake, run = world
    first = run()
    fake.asked.clear()
    second = run(first)
    assert second == first
    assert [operation for operation, _ in fake.asked] == ["List"]
    found = changes(first, second)
    assert (found.new, found.changed, found.withdrawn, found.scans_added, found.scans_gone) == (
        (),
        (),
        (),
        0,
        0,
    )


def test_new_and_changed_datasets_cost_one_listing_each(world):
    fake, run = world
    first = run()
    fake.datasets["ds000006"] = rows_of(6)
    fake.datasets["ds000002"] = [*rows_of(2), file("sub-09/anat/sub-09_T1w.nii.gz")]
    fake.about["ds000002"] = {"tag": "1.1.0"}
    fake.asked.clear()
    second = run(first)
    assert sorted(operation for operation, _ in fake.asked) == ["Files", "Files", "List"]
    found = changes(first, second)
    assert found.new == ("ds000006",)
    assert found.changed == (Changed(dataset="ds000002", before="1.0.0", after="1.1.0"),)
    assert (found.scans_added, found.scans_gone) == (2, 0)


def test_a_tag_that_was_moved_is_read_again(world):
    fake, run = world
    first = run()
    fake.about["ds000002"] = {"hexsha": "e" * 40}
    second = run(first)
    assert fake.total("Files") == 6
    assert [one.dataset for one in changes(first, second).changed] == ["ds000002"]


def test_deleted_is_withdrawn_at_once_and_stays_so(world):
    fake, run = world
    first = run()
    del fake.datasets["ds000003"]
    fake.gone["ds000003"] = fault("Dataset ds000003 has been deleted. Reason: R.", code="DELETED_DATASET")
    second = run(first)
    assert "ds000003" not in second.scans["dataset"].to_pylist() + second.datasets["dataset"].to_pylist()
    assert (reasons(second), second.missing) == ({"ds000003": "withdrawn"}, [])
    assert [gone.dataset for gone in changes(first, second).withdrawn] == ["ds000003"]
    fake.asked.clear()
    third = run(second)
    assert third == second
    assert [operation for operation, _ in fake.asked] == ["List"]
    assert changes(second, third).withdrawn == ()


def test_gone_once_is_kept_and_gone_twice_is_withdrawn(world):
    fake, run = world
    first = run()
    rows = fake.datasets.pop("ds000003")
    second = run(first)
    assert (reasons(second), second.missing) == ({"ds000003": "unlisted"}, [])
    assert second.scans == first.scans
    assert [gone.dataset for gone in changes(first, second).unlisted] == ["ds000003"]
    third = run(second)
    assert reasons(third) == {"ds000003": "withdrawn"}
    assert "two runs in a row" in third.exclusions["evidence"].to_pylist()[0]
    fake.datasets = dict(sorted({**fake.datasets, "ds000003": rows}.items()))
    assert run(second) == first  # it was but a bad day
    assert run(third) == first


def test_a_dataset_that_the_list_drops_is_found_by_its_name(world):
    fake, run = world
    first = run()

    def null_edge(operation, variables, number, honest):
        if operation == "List":
            honest["data"]["datasets"]["edges"][2] = None
        return honest

    fake.tamper = null_edge
    assert run(first) == first
    assert [row["reason"] for row in run().missing] == ["listing_failed"]  # unknown: nobody to ask for


def test_no_answer_about_a_dataset_keeps_it_and_says_so(world):
    fake, run = world
    first = run()
    del fake.datasets["ds000003"]
    html = Reply(status=502, headers={"content-type": "text/html"}, body=b"")
    fake.tamper = lambda o, v, n, honest: html if o == "Dataset" else honest
    second = run(first)
    assert second.scans == first.scans
    assert [(row["dataset"], row["reason"]) for row in second.missing] == [("ds000003", "listing_failed")]


def test_a_dataset_under_a_new_name_is_recognised_by_its_images(world):
    fake, run = world
    first = run()
    fake.datasets["ds000009"] = [*fake.datasets.pop("ds000003"), *rows_of(30)]
    fake.datasets["ds000008"] = rows_of(8)
    fake.gone["ds000003"] = fault("gone", code="DELETED_DATASET", redirect="/datasets/ds000009")
    second = run(first)
    assert changes(first, second).reissued == (
        Reissued(before="ds000003", after="ds000009", shared_images=1),
    )
    assert "ds000009" in second.exclusions["evidence"].to_pylist()[0]


def test_a_new_name_is_recognised_though_the_old_one_goes_a_run_later(world):
    fake, run = world
    first = run()
    fake.datasets["ds000009"] = fake.datasets.pop("ds000003")
    second, third = run(first), run(run(first))
    told = (Reissued(before="ds000003", after="ds000009", shared_images=1),)
    assert changes(first, second).new == ("ds000009",)
    assert (changes(first, second).withdrawn, changes(first, second).reissued) == ((), told)
    assert [gone.dataset for gone in changes(second, third).withdrawn] == ["ds000003"]
    assert changes(second, third).reissued == told


def test_a_list_that_lost_too_much_is_not_believed(world):
    fake, run = world
    fake.datasets |= {f"ds{number:06}": rows_of(number) for number in range(6, 40)}
    first = run()
    fake.datasets = {"ds000001": rows_of(1)}
    with pytest.raises(SourceError, match="lacks 38 of the 39"):
        run(first)
    assert fake.total("Dataset") == 0
    assert MOST_AT_ONCE < 38


def test_another_source_has_nothing_to_do_with_it(world, tmp_path):
    fake, run = world
    other = OpenNeuro(fake, Endpoints(api="http://127.0.0.1/crn/graphql"), cache=tmp_path)
    fake.datasets = {"ds000001": rows_of(1)}
    assert reasons(crawl(other, before=run())) == {}
    assert fake.total("Dataset") == 0


def test_the_same_bytes_are_one_group(world):
    fake, run = world
    shared = f"{7:032x}"
    fake.datasets["ds000002"] = [*rows_of(2, shared), *rows_of(3, shared)]
    fake.datasets["ds000004"] = rows_of(4, shared)
    found = run()
    rows = {f"{row['dataset']} {row['subject']}": row for row in found.scans.to_pylist()}
    assert [row["copies"] for row in rows.values()] == [1, 3, 3, 1, 3, 1]
    first = rows["ds000002 02"]["scan_id"]
    assert [key for key, row in rows.items() if row["digest_group"] == first] == [
        "ds000002 02",
        "ds000002 03",
        "ds000004 04",
    ]
    assert catalogue.select(found, where="digest_group = scan_id").num_rows == 4


def test_deprecated_is_a_column_and_no_exclusion(world):
    fake, run = world
    fake.about["ds000002"] = {"deprecated": {"reason": "Superseded"}}
    fake.about["ds000003"] = {"deprecated": {"reason": None}}
    found = run()
    assert found.datasets["deprecated"].to_pylist() == [None, "Superseded", "no reason given", None, None]
    assert catalogue.select(found, where="deprecated IS NULL").num_rows == 3


def test_a_row_gives_its_snapshot_back():
    for changed in (
        {},
        {"hexsha": "f" * 40, "name": "N", "license": "CC0", "doi": "doi:10.18112/x", "authors": ("A", "B")},
        {"references": ("R",), "species": "Human", "modalities": ("MRI",), "defaced": True, "consent": False},
        {"deprecated": "R", "published": "P", "created": "C", "size": 1, "files": 2, "subjects": 3},
        {"how_to_acknowledge": "H", "dataset_type": "raw"},
    ):
        snapshot = Snapshot(dataset="ds000001", tag="1.0.0", **changed)
        row = row_of(snapshot, files=1, scans=2, route="tree", source="s", server="v")
        assert snapshot_of(row) == snapshot
        assert row.keys() == set(tables.DATASETS.names)


def test_a_dataset_is_cited_as_the_site_asks_for_it():
    snapshot = Snapshot(
        dataset="ds000001", tag="1.0.0", name="N", doi="doi:10.18112/openneuro.ds000001.v1.0.0"
    )
    row = row_of(snapshot, files=0, scans=0, route="", source="", server="")
    assert row["citation"] == (
        "OpenNeuro Dataset ds000001 (N), version 1.0.0, https://doi.org/10.18112/openneuro.ds000001.v1.0.0"
    )


def test_a_lock_file_is_written_and_gives_the_same_catalogue(world, tmp_path):
    fake, run = world
    first = run()
    catalogue.write(first, tmp_path / "out")
    pins = load(tmp_path / "out/catalog.lock.json")
    assert pins == first.pins
    fake.datasets["ds000006"] = rows_of(6)  # a year later
    again = crawl(OpenNeuro(fake, Endpoints(), cache=tmp_path / "other", pins=pins))
    assert again == first
    assert fake.total("Pinned") == 1
    del fake.datasets["ds000002"]
    broken = crawl(OpenNeuro(fake, Endpoints(), cache=tmp_path / "other", pins=pins))
    assert [(row["dataset"], row["reason"]) for row in broken.missing] == [("ds000002", "lock_broken")]


def test_lock_files_read_and_write_are_inverse(tmp_path):
    pins = (Pin(dataset="ds000001", snapshot="1.0.0", hexsha="f"), Pin(dataset="ds000002", snapshot="00001"))
    (tmp_path / "lock").write_text(dump(reversed(pins)))
    assert load(tmp_path / "lock") == pins


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"allbrains_lock": 2, "datasets": {"a": {}}}',
        '{"allbrains_lock": 1, "datasets": {}}',
        '{"allbrains_lock": 1, "datasets": {"a": "1.0.0"}}',
        '{"allbrains_lock": 1, "datasets": []}',
    ],
)
def test_what_is_no_lock_file(tmp_path, text):
    (tmp_path / "lock").write_text(text)
    with pytest.raises(ConfigurationError, match="lock"):
        load(tmp_path / "lock")
    with pytest.raises(ConfigurationError, match="can't be read"):
        load(tmp_path / "nowhere")


def test_a_lock_takes_no_folder_and_no_dataset_that_it_lacks(tmp_path):
    (tmp_path / "lock").write_text(dump([Pin(dataset="ds000001", snapshot="1.0.0")]))
    (tmp_path / "sub-01").mkdir()
    options = {"endpoints": Endpoints(), "cache": tmp_path, "lock": tmp_path / "lock"}
    with pytest.raises(ConfigurationError, match="folder"):
        place(bids=tmp_path, datasets=(), **options)
    with pytest.raises(ConfigurationError, match="ds000002 not in"):
        place(bids=None, datasets=("ds000002",), **options)
    assert place(bids=None, datasets=("ds000001",), **options).source.pins[0].dataset == "ds000001"


@pytest.fixture
def two(tmp_path):
    """Two different catalogues."""
    made = []
    for number in (1, 2):
        image = tmp_path / f"bids/sub-{number}/anat/sub-{number}_T1w.nii"
        image.parent.mkdir(parents=True)
        image.write_bytes(b"x" * 10_000)
        made.append(crawl(BidsFolder(tmp_path / "bids")))
    return made


NAMES_OF_FILES = [
    "datasets.parquet",
    "scans.parquet",
    "participants.parquet",
    "exclusions.parquet",
    "catalog.lock.json",
]


@pytest.mark.parametrize("killed_after", range(12))
def test_killed_while_writing_leaves_the_old_or_the_new_one(two, tmp_path, killed_after, monkeypatch):
    """Every step of ``write`` is a write or a rename: the process ends after any number of them."""
    old, new = two
    catalogue.write(old, tmp_path / "out")
    steps = iter(range(killed_after))

    class Killed(BaseException):
        pass

    def step(honest):
        def counted(*arguments):
            if next(steps, None) is None:
                raise Killed
            return honest(*arguments)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "_write_synced", step(catalogue._write_synced))
        patch.setattr(catalogue.Path, "replace", step(catalogue.Path.replace))
        with contextlib.suppress(Killed):
            catalogue.write(new, tmp_path / "out")
    found = previous(tmp_path / "out")
    assert found in (old, new)
    assert (tmp_path / "out/catalog.lock.json").read_text(encoding="utf-8") == dump(found.pins)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(NAMES_OF_FILES)


def test_what_another_version_did_not_know_is_null_and_the_rest_is_kept(two, tmp_path):
    catalogue.write(two[0], tmp_path / "out")
    assert previous(tmp_path / "out") == two[0]
    assert previous(tmp_path / "nowhere") is None
    path = tmp_path / "out/scans.parquet"
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["copies"]), path)
    found = previous(tmp_path / "out").scans
    assert found.drop_columns(["copies"]) == two[0].scans.drop_columns(["copies"])
    assert found["copies"].null_count == len(found)
    pq.write_table(table.drop_columns(["digest"]), path)
    with pytest.raises(SourceError, match="another version"):
        previous(tmp_path / "out")
    path.unlink()
    with pytest.raises(SourceError, match="is not there, its companions are"):
        previous(tmp_path / "out")


def test_changes_are_plain_values(two):
    found = json.loads(json.dumps(changes(two[0], two[1]).as_dict()))
    assert (found["scans_added"], found["new"]) == (1, [])
    assert answer(found).status == 200
