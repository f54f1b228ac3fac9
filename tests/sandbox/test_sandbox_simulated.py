"""The synthetic OpenNeuro: its statistics, its bytes, and that its short cuts change nothing."""

import gzip
import hashlib
import json
from functools import cache

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_requests import ask, fetch

from allbrains import bids, sandbox
from allbrains.sandbox import archive as archives
from allbrains.sandbox.simulated import SimulatedArchive, made_images
from allbrains.sandbox.simulated.dataset_sizes import outlines
from allbrains.sandbox.simulated.design import Content, design
from allbrains.sandbox.simulated.draw import choose, spread

CRAWLER = "id filename size directory urls"
LISTING = (
    "query ($d: ID!, $t: String!) { snapshot(datasetId: $d, tag: $t) { files(recursive: true) { %s } } }"
)


class RowByRow(SimulatedArchive):
    """The same archive, all of whose rows go through graphql-core's executor and json.dumps."""

    def encoded(self, dataset, base, fields):
        return None


@cache
def small():
    return SimulatedArchive(24, seed=3)


@pytest.fixture(scope="module")
def server():
    with sandbox.serve(small()) as running:
        yield running


@pytest.fixture(scope="module")
def slow():
    with sandbox.serve(RowByRow(24, seed=3)) as running:
        yield running


@cache
def whole():
    return [design(outline, 1) for outline in outlines(2000, 1)]


def listing(server, dataset, selection=CRAWLER):
    tag = small().design(dataset).tag
    answer = ask(server, LISTING % selection, d=dataset, t=tag)
    return answer.body.replace(server.api.removesuffix("/crn/graphql").encode(), b"http://HOST")


@pytest.mark.parametrize(
    "selection",
    [
        CRAWLER,
        "__typename annexed",
        "size name: filename key: id urls",
        "urls ... on DatasetFile { id } directory @skip(if: true)",
    ],
)
def test_what_is_written_at_once_is_what_would_be_written_row_by_row(server, slow, selection):
    limit = 2000 if selection == CRAWLER else 400  # files of a dataset: row by row takes its time
    for dataset in small().datasets():
        if len(small().files(dataset)) < limit:
            at_once = listing(server, dataset, selection)
            assert at_once == listing(slow, dataset, selection)
            assert at_once.count(b"{") > 3


def test_a_listing_is_in_the_apis_order_without_repetition():
    for dataset in small().datasets():
        paths = [file.path for file in small().files(dataset)]
        assert paths == sorted(set(paths), key=archives.listing_order)


def test_the_same_seed_gives_the_same_archive_and_another_one_another():
    names = small().datasets()
    again, other = SimulatedArchive(24, seed=3), SimulatedArchive(24, seed=4)
    assert again.datasets() == names != other.datasets()
    fields = (("id", "id"), ("size", "size"))
    for name in reversed(names):  # made in another order
        assert again.told(name) == small().told(name)
        assert again.encoded(name, "", fields) == small().encoded(name, "", fields)
    assert SimulatedArchive(24, seed=3).told(names[5]) == again.told(names[5])


def test_what_is_told_is_what_the_rows_say():
    for dataset in small().datasets():
        told, files = small().told(dataset), small().files(dataset)
        assert told.size == sum(file.size for file in files)
        if told.summary is not None:
            assert told.summary["totalFiles"] == len(files)
            subjects = {file.path.split("/")[0][4:] for file in files if file.path.startswith("sub-")}
            assert subjects <= set(told.summary["subjects"])


def test_everything_that_can_be_fetched_has_the_listed_digest_and_size(server):
    kinds = set()
    for dataset in small().datasets():
        rows = json.loads(listing(server, dataset))["data"]["snapshot"]["files"]
        wanted = [row for row in rows if "/" not in row["filename"]]
        scans = [row for row in rows if row["filename"].endswith(("_T1w.nii", "_T1w.nii.gz", "_T1w.json"))]
        wanted += [row for row in scans if row["filename"].startswith("sub-") and row["size"] < 11e6][:2]
        for row in wanted:
            answer = fetch(f"{server.bucket}/{dataset}/{row['filename']}")
            assert len(answer.body) == row["size"]
            state = archives.object_hash(dataset, row["filename"], row["size"])
            state.update(answer.body)
            assert archives.object_id(row["filename"], row["size"], state) == row["id"]
            assert answer.headers["etag"] == f'"{hashlib.md5(answer.body).hexdigest()}"'
            if "-" in row["id"]:
                assert row["urls"][0].endswith(answer.headers["x-amz-version-id"])
            kinds.add(row["id"].partition("-")[0] if "-" in row["id"] else "git")
    assert kinds == {"git", "MD5E", "SHA256E"}


def test_a_row_without_a_content_is_missing_from_the_bucket(server):
    dataset = small().datasets()[0]
    rows = json.loads(listing(server, dataset))["data"]["snapshot"]["files"]
    [without, *_] = [row for row in rows if row["filename"].count("/") and "T1w" not in row["filename"]]
    assert fetch(f"{server.bucket}/{dataset}/{without['filename']}").status == 404


@settings(max_examples=12)
@given(st.sampled_from([1.2e6, 4e6, 9e6]), st.booleans(), st.integers(0, made_images.JITTER - 1), st.data())
def test_an_image_is_a_volume_and_any_part_of_it_is_a_part(size, gzipped, more, data):
    kind, least = made_images.kind_for(size, gzipped=gzipped)
    own, blocks = made_images.own_bytes("some name"), least + more
    length = kind.size(blocks)
    content = b"".join(made_images.read(kind, blocks, own, 0, length))
    assert len(content) == length
    assert len(str(length)) == len(str(kind.size(least)))
    for algorithm in ("md5", "sha256"):
        assert (
            made_images.digest(kind, blocks, own, algorithm).digest()
            == hashlib.new(algorithm, content).digest()
        )
    start = data.draw(st.integers(0, length))
    stop = data.draw(st.integers(start, length))
    assert b"".join(made_images.read(kind, blocks, own, start, stop)) == content[start:stop]
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(content) if gzipped else content)
    assert image.shape == made_images.PROTOCOLS[kind.protocol][0]
    assert np.allclose(image.header.get_zooms(), made_images.PROTOCOLS[kind.protocol][1])
    assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
    assert np.asarray(image.dataobj).std() > 100


def test_two_images_differ():
    kind, blocks = made_images.kind_for(1.2e6, gzipped=True)
    names = ["one", "two"]
    digests = {
        made_images.digest(kind, blocks, made_images.own_bytes(name), "md5").hexdigest() for name in names
    }
    assert len(digests) == 2


def share(found, wanted, tolerance):
    assert abs(found - wanted) < tolerance, (found, wanted)


def test_2000_datasets_have_the_statistics():
    made = whole()
    assert len({one.outline.accession for one in made}) == 2000
    structural = [one for one in made if one.outline.structural]
    scans = [
        sum(
            rank >= pattern.rank
            for rank in one.ranks
            for pattern in one.patterns
            if pattern.content is Content.IMAGE
        )
        for one in structural
    ]
    files = [
        len(one.texts) + sum(rank >= pattern.rank for rank in one.ranks for pattern in one.patterns)
        for one in made
    ]
    share(sum(scans), 60_000, 6_000)
    share(sum(files), 7_000_000, 200_000)
    assert 60_000 < max(files) < 75_000
    assert min(scans) >= 1
    subjects = sorted(len(one.labels) for one in structural)
    for at, wanted in {0.1: 3, 0.5: 25, 0.9: 83, 0.99: 337}.items():  # the reference's own quantiles
        share(subjects[int(at * len(subjects))], wanted, 0.05 * wanted + 1)
    share(len(structural) / len(made), 0.644, 0.005)
    share(sum(bool(one.sessions) for one in structural) / len(structural), 0.37, 0.05)
    share(sum(not one.kind.gzipped for one in structural) / len(structural), 0.09, 0.03)
    share(sum("participants.tsv" in one.texts for one in made) / len(made), 0.775, 0.04)
    share(sum(one.species == "Human" for one in made) / len(made), 0.57, 0.04)
    keys = " ".join(
        pattern.path for one in structural for pattern in one.patterns if pattern.content is Content.IMAGE
    )
    assert "_acq-" in keys
    assert "_run-2_" in keys


def test_every_scan_has_a_bids_name():
    for one in whole()[:200]:
        for pattern in one.patterns:
            if pattern.content is Content.IMAGE:
                path = pattern.path.replace("{}", one.labels[0])
                parts = bids.parse(path)
                assert str(parts) == path
                assert parts.label("sub") == one.labels[0]


@given(st.floats(0, 1, exclude_max=True))
def test_choosing_follows_the_shares(at):
    assert choose(((0.25, "a"), (0.5, "b"), (0.25, "c")), at) == (
        "a" if at < 0.25 else "b" if at < 0.75 else "c"
    )


def test_spread_shares_leave_nothing_to_luck():
    found = sorted(spread(10, np.random.default_rng(0)).tolist())
    assert np.allclose(found, [0.05 + 0.1 * number for number in range(10)])
