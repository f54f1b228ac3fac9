"""Ratings: what was given is in the file, in the corpus when it is opened, and nowhere else."""

import http.client
import json
import string

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allbrains
from allbrains.cli.main import run
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.report import open_site
from allbrains.report.review_server import serving
from allbrains.store.ratings import Rating, Verdict, line, parse, rate, read, written
from tests.report.tiny import REJECTED, SCANS, make

CELL = st.text(st.sampled_from(string.printable + "äß\u2028\x85\x1c\ufeff"), max_size=20).map(line)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("ratings") / "corpus")


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.tuples(CELL, st.sampled_from(list(Verdict)), CELL, CELL), max_size=8))
def test_what_is_written_is_read_again(rows):
    ratings = {
        f"{n:032x}": Rating(scan_id=f"{n:032x}", dataset=d, path=p, rating=r, note=note, rated="2026-01-01")
        for n, (d, r, p, note) in enumerate(rows)
    }
    assert parse(written(ratings.values()), "x") == ratings


@pytest.mark.parametrize("text", ["", "a\tb\n1\t2\n", "scan_id\trating\nx\tmaybe\n"])
def test_a_file_that_is_no_table_of_ratings_is_refused(text, tmp_path):
    (tmp_path / "ratings.tsv").write_text(text)
    with pytest.raises(CorpusError, match=r"ratings\.tsv"):
        read(tmp_path)


def test_a_corpus_is_opened_without_what_was_rejected(root):
    everybody = allbrains.open(root)
    assert set(everybody.table["rating"].to_pylist()) == {""}
    one = Rating(scan_id=SCANS[0].scan_id, dataset="d", path="p", rating=Verdict.REJECT, note="", rated="")
    rate(root, one.scan_id, one)
    try:
        kept = allbrains.open(root, where="rating != 'reject'")
        assert len(kept) == len(everybody) - 1
        assert SCANS[0].scan_id not in kept.table["scan_id"].to_pylist()
        assert len(allbrains.open(root, where="rating = 'reject'")) == 1
    finally:
        (root / "ratings.tsv").unlink()


def test_a_build_takes_what_was_not_rejected(tmp_path, capsys):
    for number in range(1, 4):
        image = tmp_path / f"bids/ds/sub-{number}/anat/sub-{number}_T1w.nii"
        image.parent.mkdir(parents=True)
        image.write_bytes(f"{number}".encode() * 10_000)
    (tmp_path / "bids/ds/dataset_description.json").write_text('{"Name": "N"}')
    out = tmp_path / "out"

    def planned(where):
        """Return how many scans `build` would run with the same options."""
        command = ["plan", "--bids", str(tmp_path / "bids"), "--out", str(out), "--json", "--where", where]
        assert run(command) == 0
        return json.loads(capsys.readouterr().out)["scans_to_run"]

    assert planned("rating != 'reject'") == 3  # nobody has rated
    scan_id = pq.read_table(out / "catalog" / "scans.parquet")["scan_id"][0].as_py()
    one = Rating(scan_id=scan_id, dataset="d", path="p", rating=Verdict.REJECT, note="", rated="")
    rate(out, scan_id, one)
    assert planned("rating != 'reject'") == 2
    assert planned("rating = 'reject'") == 1
    (out / "ratings.tsv").write_text("no table")
    assert run(["plan", "--bids", str(tmp_path / "bids"), "--out", str(out)]) == 1
    assert "ratings.tsv" in capsys.readouterr().err


@pytest.fixture
def ask(root):
    with serving(open_site(root, served=True)) as address:
        host = address.removeprefix("http://").rstrip("/")

        def request(method, path, body=None, **headers):
            connection = http.client.HTTPConnection(host, timeout=30)
            told = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json", **headers}
            connection.request(
                method, path, body=body, headers={k.replace("_", "-"): v for k, v in told.items()}
            )
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            return answer.status, data, answer.headers

        yield request


def rated(number=0, rating="doubt", note="a\tb\nc", seen=("", "")):
    return json.dumps({"scan_id": SCANS[number].scan_id, "rating": rating, "note": note, "seen": seen})


def test_a_rating_is_in_the_file_until_it_is_taken_back(ask, root):
    assert ask("POST", "/ratings", rated())[0] == 200
    (one,) = read(root).values()
    assert (one.scan_id, one.rating, one.note, one.path) == (
        SCANS[0].scan_id,
        "doubt",
        "a b c",
        SCANS[0].path,
    )
    status, said, _ = ask("POST", "/ratings", rated(rating="accept"))
    assert (status, b"meanwhile" in said) == (409, True)  # whoever sends this didn't see the doubt
    assert (
        ask("POST", "/ratings", rated(rating="", seen=("doubt", "a b c")))[0] == 200
    )  # a note is kept alone
    assert read(root)[SCANS[0].scan_id].rating == ""
    assert ask("POST", "/ratings", rated(rating="", note="", seen=("", "a b c")))[0] == 200
    assert read(root) == {}


def test_of_two_ratings_of_a_scan_the_later_one_stays(ask, root):
    def one(number, rating, rated):
        scan = SCANS[number]
        return Rating(
            scan_id=scan.scan_id, dataset="d", path="p", rating=Verdict(rating), note="", rated=rated
        )

    for number, rated_then in ((0, "2026-01-02T00:00:00+00:00"), (1, "2026-01-02T00:00:00+00:00")):
        rate(root, SCANS[number].scan_id, one(number, "accept", rated_then))
    theirs = [
        one(0, "reject", "2026-01-01T23:00:00-05:00"),  # later than it looks
        one(1, "reject", "2026-01-01"),
        one(3, "doubt", "some day"),
        Rating(scan_id="f" * 32, dataset="d", path="p", rating=Verdict.ACCEPT, note="", rated=""),
    ]
    tsv = {"Content_Type": "text/tab-separated-values"}
    status, said, _ = ask("POST", "/ratings.tsv", written(theirs).encode(), **tsv)
    assert (status, said) == (
        200,
        b"4 rows read: 1 new, 1 newer than ours, 1 same or older, 1 of scans that are no samples here",
    )
    kept = {number: read(root)[SCANS[number].scan_id].rating for number in (0, 1, 3)}
    assert kept == {0: "reject", 1: "accept", 3: "doubt"}
    assert parse(ask("GET", "/ratings.tsv")[1].decode(), "x") == read(root)
    before = (root / "ratings.tsv").read_bytes()
    assert ask("POST", "/ratings.tsv", b"no table", **tsv)[0] == 400
    assert ask("POST", "/ratings.tsv", before, **tsv, Origin="https://example.org")[0] == 403
    assert (root / "ratings.tsv").read_bytes() == before
    (root / "ratings.tsv").unlink()


@pytest.mark.parametrize(
    "case",
    [
        ("/ratings", rated(), {"Origin": "https://example.org"}, 403),
        ("/ratings", rated(), {"Host": "example.org"}, 421),
        ("/ratings", rated(), {"Content_Type": "text/plain"}, 415),
        ("/ratings", rated(rating="maybe"), {}, 400),
        ("/ratings", "[]", {}, 400),
        ("/ratings", rated(seen=("doubt",)), {}, 400),
        ("/ratings", rated(seen="ab"), {}, 409),
        ("/ratings.tsv", rated(), {}, 415),
        ("/ratings", "{", {}, 400),
        ("/ratings", "x" * 20_000, {}, 413),
        (
            "/ratings",
            json.dumps({"scan_id": REJECTED.scan_id, "rating": "accept", "note": "", "seen": ["", ""]}),
            {},
            404,
        ),
        ("/elsewhere", rated(), {}, 404),
    ],
)
def test_what_is_not_a_rating_from_this_page_changes_nothing(ask, root, case):
    path, body, headers, status = case
    assert ask("POST", path, body, **headers)[0] == status
    assert not (root / "ratings.tsv").exists() or read(root) == {}


@pytest.mark.parametrize(
    "path",
    [
        "/../ledger.sqlite",
        "/ledger.sqlite",
        "/%2e%2e/x",
        "/data/column/ffff.js",
        "/data/volume/0.js",
        "/montages/00/x.jpg",
        "/other/data/about.js",
        "/data/column/fffffffffffffff.js",
    ],
)
def test_only_files_of_the_report_are_served(ask, path):
    assert ask("GET", path)[0] == 404


def test_a_name_that_is_not_loopbacks_is_not_answered(ask):
    assert ask("GET", "/", Host="attacker.example")[0] == 421


def test_a_tunnels_name_is_answered_when_its_owner_gave_it(root):
    with serving(open_site(root, served=True), host_names=("my-laptop:9000",)) as address:
        host = address.removeprefix("http://").rstrip("/")
        for name, status in (("my-laptop:9000", 200), ("my-laptop:9001", 421), ("my-laptop", 421)):
            connection = http.client.HTTPConnection(host, timeout=30)
            connection.request("GET", "/", headers={"Host": name})
            assert connection.getresponse().status == status
            connection.close()
        connection = http.client.HTTPConnection(host, timeout=30)
        told = {
            "Host": "my-laptop:9000",
            "Origin": "http://my-laptop:9000",
            "Content-Type": "application/json",
        }
        connection.request("POST", "/ratings", body=rated(), headers=told)
        assert connection.getresponse().status == 200
        connection.close()
    (root / "ratings.tsv").unlink()


@pytest.mark.parametrize("name", ["*:9000", "host", "http://host:9000", "a b:1", "host:9000/x", "-:1"])
def test_what_is_no_address_is_no_host_name(root, name):
    with pytest.raises(ConfigurationError, match="NAME:PORT"), serving(open_site(root), host_names=(name,)):
        pass


def test_every_answer_carries_the_policy(ask):
    for path in ("/", "/data/about.js", "/nowhere"):
        headers = ask("GET", path)[2]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
