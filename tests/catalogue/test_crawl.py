"""From a source to tables, against the sandbox: complete, cheap the second time, or loudly not."""

import json
import os

import pytest

from allbrains import sandbox, tables
from allbrains.catalogue import catalogue
from allbrains.catalogue.crawl import OUTAGE, crawl
from allbrains.catalogue.place import place
from allbrains.catalogue.read_dataset import Wanted
from allbrains.errors import SourceError, TransientError
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.sources.openneuro.listing_cache import SECOND_BEST_S
from allbrains.sources.snapshot import Exclusion
from allbrains.transfer import Client, Reply, fetch
from tests.sources.fake_openneuro import FakeOpenNeuro, answer, fault, file, text_file


def put(root, path, content):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    description = json.dumps({"Name": "N", "License": "CC0", "BIDSVersion": "1.8.0"}).encode()
    for dataset in ("ds000001", "ds000002"):
        put(root, f"{dataset}/dataset_description.json", description)
        put(root, f"{dataset}/CHANGES", b"1.0.0 2020-01-01\n - first\n")
    put(root, "ds000001/participants.tsv", b"participant_id\tage\tsex\nsub-01\t31\tF\nsub-02\tn/a\tM\n")
    put(root, "ds000001/sub-01/anat/sub-01_T1w.nii.gz", b"one" * 500_000)  # annexed
    put(root, "ds000001/sub-02/anat/sub-02_T1w.nii", b"two" * 5_000)  # in git
    put(root, "ds000001/sub-03/anat/sub-03_T1w.nii", b"tiny")
    put(root, "ds000002/sub-x/ses-1/anat/sub-x_ses-1_acq-a_T1w.nii.gz", b"six" * 5_000)
    return root


@pytest.fixture
def server(archive):
    with sandbox.serve(archive) as server:
        yield server


def source_at(server, cache, **options):
    endpoints = Endpoints(api=server.api, bucket=server.bucket)
    return place(endpoints=endpoints, bids=None, datasets=(), cache=cache, **options)


def test_the_catalogue_holds_what_the_archive_holds(server, archive, tmp_path):
    there = source_at(server, tmp_path / "cache")
    found = crawl(there.source)
    assert found.missing == []
    assert found.scans["path"].to_pylist() == [
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii",
        "sub-x/ses-1/anat/sub-x_ses-1_acq-a_T1w.nii.gz",
    ]
    assert found.scans["age_years"].to_pylist() == [31.0, None, None]
    assert found.scans["sex"].to_pylist() == ["female", "male", None]
    assert found.scans.schema.equals(tables.LABELLED_SCANS, check_metadata=True)
    assert found.datasets["license"].to_pylist() == ["CC0", "CC0"]
    assert [row["reason"] for row in found.exclusions.to_pylist()] == [Exclusion.TINY]
    client = Client(there.network)
    for scan in tables.scans_of(found.scans):
        target = tmp_path / scan.scan_id
        fetch(scan.urls, size=scan.size, digest=scan.digest, target=target, client=client)
        assert target.read_bytes() == (archive / scan.dataset / scan.path).read_bytes()
    client.close()


def test_the_second_crawl_asks_for_the_list_only(server, tmp_path):
    first = crawl(source_at(server, tmp_path).source)
    assert server.requests.total("graphql") == 3
    server.requests.clear()
    second = crawl(source_at(server, tmp_path).source)
    assert second == first
    assert list(server.requests.of("graphql")) == ['List {"after":null,"first":100}']
    assert server.requests.total("s3.get") == server.requests.total("objects") == 0


def test_a_folder_gives_the_same_scans_as_openneuro(server, archive, tmp_path):
    remote, local = crawl(source_at(server, tmp_path).source), crawl(BidsFolder(archive))
    same = ["dataset", "path", "subject", "session", "entities", "size", "age_years", "sex"]
    assert remote.scans.select(same) == local.scans.select(same)
    assert remote.participants == local.participants


def test_progress_counts_every_dataset(server, tmp_path):
    seen = []
    crawl(source_at(server, tmp_path).source, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def rows_of(number):
    return [file("CHANGES"), file(f"sub-{number:02}/anat/sub-{number:02}_T1w.nii.gz")]


def fake(tmp_path, count, tamper):
    datasets = {f"ds{number:06}": rows_of(number) for number in range(count)}
    return OpenNeuro(FakeOpenNeuro(datasets, tamper), Endpoints(), cache=tmp_path)


def broken(*names):
    def tamper(operation, variables, number, honest):
        if operation in ("Files", "Root") and variables["dataset"] in names:
            return answer({"errors": [fault("fetch failed", "snapshot")], "data": {"snapshot": None}})
        return honest

    return tamper


def test_one_unreadable_dataset_is_a_row_and_the_rest_is_read(tmp_path):
    found = crawl(fake(tmp_path, 5, broken("ds000002")))
    assert found.scans["dataset"].to_pylist() == ["ds000000", "ds000001", "ds000003", "ds000004"]
    (row,) = found.missing
    assert (row["dataset"], row["reason"], row["evidence"]) == ("ds000002", "listing_failed", "fetch failed")


def test_an_outage_stops_the_crawl_and_what_was_read_is_kept(tmp_path):
    names = [f"ds{number:06}" for number in range(10, 40)]
    with pytest.raises(SourceError, match=rf"{OUTAGE} datasets in a row .* 10 of 40 were read"):
        crawl(fake(tmp_path, 40, broken(*names)))
    again = fake(tmp_path, 40, broken())
    assert crawl(again).missing == []
    read = [variables for operation, variables in again.client.asked if operation == "Files"]
    assert len(read) == 30


def test_a_server_that_asks_for_more_patience_than_there_is_leaves_a_row(tmp_path):
    wait = Reply(status=429, headers={"retry-after": "86400"}, body=b"")
    found = crawl(
        fake(tmp_path, 3, lambda o, v, n, honest: wait if v.get("dataset") == "ds000001" else honest)
    )
    (row,) = found.missing
    assert (row["dataset"], row["reason"]) == ("ds000001", "listing_failed")
    assert "429" in row["evidence"]


def test_small_files_that_are_refused_for_good_are_a_known_gap(tmp_path):
    source = fake(tmp_path, 1, broken())
    source.client.datasets["ds000000"].append(text_file("participants.tsv", b"participant_id"))
    for _ in range(2):
        found = crawl(source)
        assert (found.scans.num_rows, found.missing) == (1, [])
        (row,) = found.exclusions.to_pylist()
        assert (row["path"], row["reason"]) == ("participants.tsv", "text_unavailable")
        assert "404" in row["evidence"]
    assert len(source.client.fetched) == 2  # bare path and objects route, once: asked again in a week
    (marker,) = tmp_path.glob("files/*/*.refused")
    old = marker.stat().st_mtime - SECOND_BEST_S - 1
    os.utime(marker, (old, old))
    source.client.objects["ds000000/participants.tsv"] = b"participant_id"
    assert crawl(source).exclusions.num_rows == 0


def test_animals_and_phantoms_cost_no_small_files(tmp_path):
    source = fake(tmp_path, 2, broken())
    source.client.about["ds000000"] = {"species": "Rat"}
    source.client.about["ds000001"] = {"name": "Traveling phantom"}
    for name in ("ds000000", "ds000001"):
        source.client.datasets[name].append(text_file("participants.tsv", b"participant_id"))
    found = crawl(source)
    assert (found.scans.num_rows, found.missing, source.client.fetched) == (0, [], [])
    rows = found.exclusions.select(["reason", "evidence"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("non_human", "species: Rat"),
        ("phantom", "name: phantom"),
    ]


def test_the_readme_is_read_only_where_no_species_is_stated(tmp_path):
    source = fake(tmp_path, 2, broken())
    source.client.about["ds000000"] = {"species": "Human"}
    readme = b"Wistar rats were scanned at 9.4 T."
    for name in ("ds000000", "ds000001"):
        source.client.datasets[name].append(text_file("README", readme))
        source.client.objects[f"{name}/README"] = readme
    found = crawl(source)
    assert found.scans["dataset"].to_pylist() == ["ds000000"]
    assert found.exclusions["evidence"].to_pylist() == ["README: Wistar rats were scanned at 9.4 T."]
    assert len(source.client.fetched) == 1


def test_a_participant_of_another_species_is_left_out(tmp_path):
    source = fake(tmp_path, 1, broken())
    table = b"participant_id\tspecies\nsub-00\tmacaca mulatta\n"
    source.client.datasets["ds000000"].append(text_file("participants.tsv", table))
    source.client.objects["ds000000/participants.tsv"] = table
    found = crawl(source)
    assert found.scans.num_rows == 0
    assert found.exclusions["evidence"].to_pylist() == ["participants: species macaca mulatta"]


def give(source, name, content):
    source.client.datasets["ds000000"].append(text_file(name, content))
    source.client.objects[f"ds000000/{name}"] = content


def test_columns_that_gave_no_labels_are_told(tmp_path):
    source = fake(tmp_path, 1, broken())
    source.client.about["ds000000"] = {"species": "Human"}
    give(source, "participants.tsv", b"participant_id\tage\tgroup\nsub-00\t1986\tHC\nsub-01\t1990\tQX\n")
    found = crawl(source)
    (scan,) = found.scans.to_pylist()
    assert (scan["age_years"], scan["group"], scan["group_word"]) == (None, None, "HC")
    rows = found.exclusions.select(["path", "reason", "evidence"]).to_pylist()
    assert [(row["path"], row["reason"], row["evidence"][:29]) for row in rows] == [
        ("", "labels_refused", "participants.tsv 'age': no un"),
        ("", "labels_refused", "participants.tsv 'group': onl"),
    ]
    assert found.missing == []


def test_folders_that_met_no_participant_are_counted(tmp_path):
    source = fake(tmp_path, 1, broken())
    give(source, "participants.tsv", b"participant_id\tage\nP-Mary\t31\nP-John\t44\n")
    found = crawl(source)
    rows = found.exclusions.to_pylist()
    assert {row["reason"] for row in rows} == {"labels_unjoined"}
    assert [row["evidence"].split(": ")[1][:34] for row in rows] == [
        "2 of 2 participants met no folder;",
        "1 of 1 folders met no participant;",
    ]


def test_the_sites_ages_and_the_readme_are_witnesses_of_the_unit(tmp_path):
    table = b"participant_id\tage\nsub-00\t131\nsub-01\t96\nsub-02\t140\n"
    source = fake(tmp_path / "site", 1, broken())
    source.client.about["ds000000"] = {"species": "Human", "ages": [8.0, 10.9, None, 11.7]}
    give(source, "participants.tsv", table)
    assert crawl(source).scans["age_years"].to_pylist() == [131 / 12]
    for readme, age in ((b"Ages are given as age in months.", 131 / 12), (b"Children at school.", None)):
        source = fake(tmp_path / str(age), 1, broken())
        source.client.about["ds000000"] = {"species": "Human"}
        give(source, "participants.tsv", table)
        give(source, "README", readme)
        found = crawl(source)
        assert found.scans["age_years"].to_pylist() == [age]
        assert len(source.client.fetched) == 2  # the README only because the unit stays open without it


def test_other_suffixes_by_choice(tmp_path):
    source = fake(tmp_path, 1, broken())
    source.client.datasets["ds000000"] += [
        file("sub-00/anat/sub-00_T2w.nii.gz"),
        file("sub-00/anat/sub-00_UNIT1.nii"),
    ]
    assert crawl(source).scans["suffix"].to_pylist() == ["T1w"]
    wanted = Wanted(suffixes=("T1w", "UNIT1", "T2w", "FLAIR"))
    assert crawl(source, wanted=wanted).scans["suffix"].to_pylist() == ["T1w", "T2w", "UNIT1"]


def test_unreadable_participants_leave_the_scans(tmp_path):
    source = fake(tmp_path, 1, broken())
    source.client.datasets["ds000000"].append(text_file("participants.tsv", b"participant_id"))
    source.client.objects["ds000000/participants.tsv"] = TransientError("503")
    found = crawl(source)
    assert found.scans.num_rows == 1
    assert [(row["path"], row["reason"]) for row in found.missing] == [("participants.tsv", "text_failed")]


def test_read_and_write_are_inverse(server, tmp_path):
    found = crawl(source_at(server, tmp_path / "cache").source)
    for _ in range(2):
        catalogue.write(found, tmp_path / "out")
        again = catalogue.read(tmp_path / "out")
        assert again == found
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "catalog.lock.json",
        "datasets.parquet",
        "exclusions.parquet",
        "participants.parquet",
        "scans.parquet",
    ]
    assert again.scans.schema.field("size").metadata == {b"description": b"Bytes"}
