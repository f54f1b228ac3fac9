"""Each fault does what it says; those that pass do pass, those that stay are the same tomorrow."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from sandbox_requests import ask, fetch
from small_datasets import make, write

from allbrains import sandbox
from allbrains.sandbox.faults.fault_kinds import TIMES, Lasts
from allbrains.sandbox.faults.registry import FAULTS

IMAGE = "ds000011/sub-01/anat/sub-01_T1w.nii.gz"
OTHER = "ds000011/sub-02/anat/sub-02_T1w.nii"
NODE = """id latestSnapshot { id tag hexsha size deprecated { reason } summary { totalFiles subjects }
  description { Name } }"""
PAGE = f"""query Page($after: String) {{ datasets(first: 1, after: $after) {{
  edges {{ node {{ {NODE} }} }} pageInfo {{ hasNextPage endCursor count }} }} }}"""
DATASET = f'query Dataset {{ dataset(id: "ds000011") {{ {NODE} }} }}'
FILES = """query Files($tree: String, $r: Boolean) { snapshot(datasetId: "ds000011", tag: "2.0.1") {
  files(tree: $tree, recursive: $r) { id filename size directory urls } } }"""
PASSING = [name for name, fault in FAULTS.items() if fault.lasts is Lasts.PASSES]
STAYING = [name for name, fault in FAULTS.items() if fault.lasts is Lasts.STAYS]


def tried(request, *arguments, **options):
    """Status, body without the server's address, and the headers that matter; or how it broke."""
    try:
        answer = request(*arguments, **options)
    except (http.client.HTTPException, OSError) as error:
        return type(error).__name__
    return answer.status, answer.body, answer.headers.get("content-length"), answer.headers.get("retry-after")


def session(server):
    """One request of every kind, and what came of it."""
    first = {"after": None}
    second = {"after": "eyJvZmZzZXQiOjF9"}
    found = [tried(ask, server, PAGE, **after) for after in (first, second, first)]
    found += [tried(ask, server, DATASET)]
    found += [tried(ask, server, FILES, r=recursive) for recursive in (True, False)]
    found += [tried(fetch, f"{server.bucket}/{key}") for key in (IMAGE, OTHER)]
    found += [tried(fetch, f"{server.bucket}/{IMAGE}", headers={"Range": "bytes=3-"})]
    found += [tried(fetch, f"{server.bucket}?list-type=2&prefix=ds000011/")]
    site = server.api.removesuffix("graphql")
    description = "4fc6dd5dfbd1b6d5b62bc6d34bc3e03c8ac0a0c0"
    found += [tried(fetch, f"{site}datasets/ds000011/objects/{description}")]
    place = urlsplit(server.api).netloc.encode()
    return [(one[0], one[1].replace(place, b"HOST"), *one[2:]) if len(one) == 4 else one for one in found]


@pytest.fixture(scope="module")
def varied_root(tmp_path_factory):
    """The usual two datasets, and an image whose name needs quoting."""
    root = make(tmp_path_factory.mktemp("varied") / "root")
    write(root / "ds000011/sub-02/anat/sub-02_acq-a+b_T1w.nii", b"odd")
    return root


@pytest.fixture(scope="module")
def honest(varied_root):
    with sandbox.serve(varied_root) as server:
        return session(server)


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_strikes_then_leaves_everything_as_it_was(name, varied_root, honest):
    with sandbox.serve(varied_root, switches=[name]) as server:
        assert (session(server) != honest) == (name != "slow-drip")  # whose bytes are right, but late
        assert server.faults.counts()[name] > 0
        for _ in range(TIMES):
            session(server)
        struck = server.faults.counts()
        assert session(server) == honest
        assert server.faults.counts() == struck


@pytest.mark.parametrize("name", STAYING)
def test_a_fault_that_stays_is_the_same_each_time(name, varied_root, honest):
    with sandbox.serve(varied_root, switches=[name]) as server:
        session(server)  # a deletion shows in the list from the second crawl on
        once, again = session(server), session(server)
        assert once == again != honest
        assert sum(server.faults.of(name).values()) == server.faults.counts()[name] > 0


def test_a_share_of_nothing_is_an_honest_server(varied_root, honest):
    with sandbox.serve(varied_root, switches=[f"{name}:0" for name in FAULTS]) as server:
        assert session(server) == honest
        assert server.faults.counts() == dict.fromkeys(FAULTS, 0)


@pytest.mark.parametrize(
    ("name", "status", "kind", "piece"),
    [
        ("html-502", 502, "text/html; charset=utf-8", b"502 Bad Gateway"),
        ("html-504", 504, "text/html; charset=utf-8", b"504 Gateway Time-out"),
        ("rate-limited", 429, "application/json", b"Too Many Requests"),
        ("fetch-failed", 200, "application/json; charset=utf-8", b'"message":"fetch failed"'),
        ("aborted", 200, "application/json; charset=utf-8", b"The operation was aborted due to timeout"),
        ("null-snapshot", 200, "application/json; charset=utf-8", b'{"data":{"snapshot":null},"ext'),
        ("not-found", 200, "application/json; charset=utf-8", b'"message":"Not Found"'),
        ("deleted-dataset", 200, "application/json; charset=utf-8", b'"code":"DELETED_DATASET"'),
        ("unknown-field", 400, "application/json; charset=utf-8", b"GRAPHQL_VALIDATION_FAILED"),
        ("empty-listing", 200, "application/json; charset=utf-8", b'{"snapshot":{"files":[]}}'),
    ],
)
def test_how_a_listing_fails(name, status, kind, piece, steady_root):
    with sandbox.serve(steady_root, switches=[name]) as server:
        answer = ask(server, FILES, r=True)
    assert (answer.status, answer.headers["content-type"]) == (status, kind)
    assert piece in answer.body
    assert (answer.headers["retry-after"] == "1") == (name == "rate-limited")


def edges(server, **variables):
    page = ask(server, PAGE.replace("first: 1", "first: 100"), **variables).json
    return page["data"]["datasets"], page.get("errors")


def test_a_null_edge_has_its_error_beside_it(steady_root):
    with sandbox.serve(steady_root, switches=["null-edge"]) as server:
        page, errors = edges(server)
        assert page["edges"] == [None, None]
        assert page["pageInfo"]["count"] == 2
        assert [error["path"] for error in errors] == [
            ["datasets", "edges", index, "node", "latestSnapshot"] for index in (0, 1)
        ]
        assert ask(server, DATASET).json["data"]["dataset"]["id"] == "ds000011"


def test_a_partial_error_leaves_the_rest(steady_root):
    with sandbox.serve(steady_root, switches=["partial-error"]) as server:
        page, errors = edges(server)
    for edge in page["edges"]:
        assert edge["node"]["latestSnapshot"]["tag"]
        assert (
            edge["node"]["latestSnapshot"]["summary"] is edge["node"]["latestSnapshot"]["description"] is None
        )
    assert len(errors) == 4


def test_a_deprecated_snapshot_has_a_reason(steady_root):
    with sandbox.serve(steady_root, switches=["deprecated"]) as server:
        page, errors = edges(server)
    assert errors is None
    assert all(edge["node"]["latestSnapshot"]["deprecated"]["reason"] for edge in page["edges"])


def test_a_deleted_dataset_is_listed_once_more_and_then_gone(steady_root):
    with sandbox.serve(steady_root, switches=["deleted-dataset"]) as server:
        assert len(edges(server)[0]["edges"]) == 2
        assert ask(server, DATASET).json["errors"][0]["extensions"]["code"] == "DELETED_DATASET"
        left, _ = edges(server)
    assert [edge["node"]["id"] for edge in left["edges"]] == ["phantoms"]
    assert left["pageInfo"]["count"] == 1


def test_a_shifted_page_repeats_a_row_and_misses_one_until_the_list_is_read_again(tmp_path):
    for number in range(1, 5):
        folder = tmp_path / f"ds00000{number}" / "sub-01"
        folder.mkdir(parents=True)

    def crawl(server):
        seen, after, more = [], None, True
        while more:
            page = ask(server, PAGE.replace("first: 1", "first: 2"), after=after).json["data"]["datasets"]
            seen += [edge["node"]["id"][-1] for edge in page["edges"]]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        return "".join(seen), page["pageInfo"]["count"]

    with sandbox.serve(tmp_path, switches=["page-shift:0.3:1"], seed=7) as server:
        assert [n for n in "1234" if server.faults.draws("page-shift", f"ds00000{n}")] == ["2"]
        assert crawl(server) == ("1334", 4)
        assert crawl(server) == ("1234", 4)
        assert server.faults.of("page-shift") == {"ds000002": 1}


def test_a_short_list_counts_what_it_never_shows(steady_root):
    with sandbox.serve(steady_root, switches=["count-short:0.5"], seed=0) as server:
        assert server.faults.draws("count-short", "ds000011")
        assert not server.faults.draws("count-short", "phantoms")
        page, _ = edges(server)
    assert [edge["node"]["id"] for edge in page["edges"]] == ["phantoms"]
    assert page["pageInfo"]["count"] == 2


def listing(server, **variables):
    rows = ask(server, FILES, **variables).json["data"]["snapshot"]["files"]
    return {row["filename"]: row for row in rows}


def walk(server, tree=None, prefix=""):
    for row in listing(server, tree=tree, r=False).values():
        path = prefix + row["filename"]
        if row["directory"]:
            yield from walk(server, row["id"], f"{path}/")
        else:
            yield path


def test_a_truncated_listing_is_whole_in_its_trees(steady, steady_root):
    everything = set(listing(steady, r=True))
    with sandbox.serve(steady_root, switches=["truncated-listing"]) as server:
        top = set(listing(server, r=True))
        assert top == {path for path in everything if "/" not in path}
        assert set(walk(server)) == everything
        counted = ask(server, DATASET).json["data"]["dataset"]["latestSnapshot"]["summary"]["totalFiles"]
        assert counted == len(everything) > len(top)


def test_what_a_truncated_tree_lacks_is_in_the_bucket(steady, steady_root):
    without = {path for path in listing(steady, r=True) if "/anat/" not in path}
    with sandbox.serve(steady_root, switches=["truncated-tree"]) as server:
        assert set(listing(server, r=True)) == set(walk(server)) == without
        assert b"sub-01_T1w.nii.gz" in fetch(f"{server.bucket}?list-type=2&prefix=ds000011/").body


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        (
            "wrong-host",
            "sub-01/anat/sub-01_T1w.nii.gz",
            "{base}/ds000011/sub-01/anat/sub-01_T1w.nii.gz?versionId=",
        ),
        (
            "virtual-host",
            "sub-01/anat/sub-01_T1w.nii.gz",
            "http://openneuro.org.s3.amazonaws.com/ds000011/sub-01/",
        ),
        ("no-version-id", "sub-01/anat/sub-01_T1w.nii.gz", "{base}/crn/datasets/ds000011/objects/MD5E-s"),
        ("no-object-id", "README", "{base}/crn/datasets/ds000011/objects/?filename=README"),
        ("stale-version", "sub-01/anat/sub-01_T1w.nii.gz", "{base}/openneuro.org/" + IMAGE + "?versionId="),
    ],
)
def test_urls_that_lead_elsewhere(name, path, found, steady, steady_root):
    with sandbox.serve(steady_root, switches=[name]) as server:
        base = server.api.removesuffix("/crn/graphql")
        [url] = listing(server, r=True)[path]["urls"]
        assert url.startswith(found.format(base=base))
        walked = listing(server, r=False)["README"]["urls"]
        assert walked == listing(server, r=True)["README"]["urls"]
        if name != "virtual-host":
            answer = fetch(url)
            good = name == "no-version-id"
            assert (answer.status == 200) == good
            assert (answer.body == (steady_root / IMAGE).read_bytes()) == good


def test_a_path_that_is_quoted_twice_leads_nowhere(tmp_path):
    odd = tmp_path / "ds000001/sub-01/anat/sub-01_acq-a+b_T1w.nii"
    odd.parent.mkdir(parents=True)
    odd.write_bytes(b"odd")
    query = '{snapshot(datasetId: "ds000001", tag: "1.0.0") {files(recursive: true) {urls}}}'
    with sandbox.serve(tmp_path, switches=["double-encoded-urls"]) as server:
        [[url]] = [row["urls"] for row in ask(server, query).json["data"]["snapshot"]["files"]]
        assert "_acq-a%252Bb_T1w" in url
        assert fetch(url).status == 404
        assert fetch(url.replace("%25", "%")).body == b"odd"


def test_twins_have_one_id_and_the_others_url(steady_root):
    with sandbox.serve(steady_root, switches=["duplicate-key"]) as server:
        rows = listing(server, r=True)
        one, other = rows["sub-01/anat/sub-01_T1w.nii.gz"], rows["sub-02/anat/sub-02_T1w.nii"]
        assert [other[key] for key in ("id", "size", "urls")] == [one[key] for key in ("id", "size", "urls")]
        assert fetch(other["urls"][0]).body == (steady_root / IMAGE).read_bytes()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("apple-double", "sub-01/anat/._sub-01_T1w.nii.gz"),
        ("hidden-files", ".bidsignore"),
        ("hidden-files", ".datalad/config"),
        ("hidden-files", "sub-01/anat/.DS_Store"),
    ],
)
def test_files_that_nobody_wants_are_whole_files(name, path, steady_root):
    with sandbox.serve(steady_root, switches=[name]) as server:
        row = listing(server, r=True)[path]
        assert path in walk(server)
        assert f"{path}</Key>".encode() in fetch(f"{server.bucket}?list-type=2&prefix=ds000011/").body
        answer = fetch(f"{server.bucket}/ds000011/{path}")
        assert (answer.status, len(answer.body)) == (200, row["size"])
        part = fetch(f"{server.bucket}/ds000011/{path}", headers={"Range": "bytes=2-5"})
        assert part.body == answer.body[2:6]


def test_a_blocked_dataset_is_listed_and_refused(steady_root):
    with sandbox.serve(steady_root, switches=["s3-403:0.5"], seed=2) as server:
        blocked = {name: server.faults.draws("s3-403", name) for name in ("ds000011", "phantoms")}
        assert sorted(blocked.values()) == [False, True]
        for key in (IMAGE, "phantoms/latin1.tsv"):
            status = 403 if blocked[key.partition("/")[0]] else 200
            assert (
                fetch(f"{server.bucket}/{key}").status
                == fetch(f"{server.bucket}/{key}", "HEAD").status
                == status
            )
        assert b"latin1.tsv" in fetch(f"{server.bucket}?list-type=2").body


def test_a_missing_file_is_not_in_the_bucket_but_in_the_snapshot(steady_root):
    with sandbox.serve(steady_root, switches=["s3-missing"]) as server:
        assert fetch(f"{server.bucket}/{IMAGE}").status == 404
        assert b"<Contents>" not in fetch(f"{server.bucket}?list-type=2").body
        assert "sub-01/anat/sub-01_T1w.nii.gz" in listing(server, r=True)


def test_an_orphan_is_in_the_bucket_but_not_in_the_snapshot(steady_root):
    with sandbox.serve(steady_root, switches=["s3-orphans"]) as server:
        assert b"sub-orphan_T1w.nii.gz</Key>" in fetch(f"{server.bucket}?list-type=2&prefix=ds000011/").body
        assert len(fetch(f"{server.bucket}/ds000011/sub-orphan/anat/sub-orphan_T1w.nii.gz").body) == 10_000
        assert not any("orphan" in path for path in listing(server, r=True))


@pytest.mark.parametrize(
    ("name", "broken"),
    [("truncated-body", http.client.IncompleteRead), ("connection-reset", ConnectionResetError)],
)
def test_an_answer_breaks_off_in_its_middle(name, broken, steady_root):
    with sandbox.serve(steady_root, switches=[f"{name}:1:1"]) as server:
        url = f"{server.bucket}/phantoms/large.tsv"
        with pytest.raises(broken) as error:
            fetch(url)
        if broken is http.client.IncompleteRead:
            assert len(error.value.partial) == 500_000
        assert len(fetch(url).body) == 1_000_001


def test_a_short_body_looks_whole(steady_root):
    with sandbox.serve(steady_root, switches=["short-body"]) as server:
        answer = fetch(f"{server.bucket}/{OTHER}")
    assert answer.body == b"two, not compressed"[:9]
    assert answer.headers["content-length"] == "9"


@pytest.mark.parametrize("name", ["wrong-bytes", "flipped-bytes"])
def test_wrong_bytes_have_the_right_length_and_headers(name, steady, steady_root):
    with sandbox.serve(steady_root, switches=[name]) as server:
        wrong, right = fetch(f"{server.bucket}/{OTHER}"), fetch(f"{steady.bucket}/{OTHER}")
    assert wrong.body != right.body
    for header in ("content-length", "etag", "x-amz-version-id"):
        assert wrong.headers[header] == right.headers[header]


def test_an_ignored_range_is_the_whole_file(steady_root):
    with sandbox.serve(steady_root, switches=["range-ignored"]) as server:
        answer = fetch(f"{server.bucket}/{OTHER}", headers={"Range": "bytes=5-8"})
        assert (answer.status, answer.body) == (200, b"two, not compressed")
        fetch(f"{server.bucket}/{OTHER}")
        assert server.faults.of("range-ignored") == {f"s3.get {OTHER}": 1}


def test_a_drip_stops_when_nobody_listens_any_more(steady_root):
    with sandbox.serve(steady_root, switches=["slow-drip"]) as server:
        parts = urlsplit(server.bucket)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection.request("GET", f"{parts.path}/phantoms/large.tsv")
        response = connection.getresponse()
        assert len(response.read(200)) == 200
        response.close()
        connection.close()
        assert fetch(f"{server.bucket}/{OTHER}").body == b"two, not compressed"


def test_switches_work_together_with_faults_of_ones_own(steady_root):
    seen = []

    async def noting(visit, app, scope, receive, send):
        seen.append(visit.route)
        await app(scope, receive, send)

    switches = ["html-504:1:1", "rate-limited:1:1", "wrong-host", "no-object-id"]
    with sandbox.serve(steady_root, faults=[noting], switches=switches) as server:
        statuses = [ask(server, FILES, r=True).status for _ in range(3)]
        rows = listing(server, r=True)
        assert server.faults.counts() == {
            "html-504": 1,
            "rate-limited": 1,
            "wrong-host": 2,
            "no-object-id": 2,
        }
    assert statuses == [504, 429, 200]
    assert seen == ["graphql"] * 4
    assert "/objects/?" in rows["README"]["urls"][0]
    assert json.dumps(rows).count("/openneuro.org/") == 0
