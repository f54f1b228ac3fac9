"""The API: what it says, page by page and tree by tree, and the statuses it says it with."""

import base64
import hashlib
import json

import pytest
from sandbox_requests import ask, fetch

from allbrains import sandbox
from allbrains.sandbox.archive import Archive, object_hash, object_id
from allbrains.sandbox.folder_archive import FolderArchive

FILES = """query Files($d: ID!, $t: String!, $tree: String, $r: Boolean) {
  snapshot(datasetId: $d, tag: $t) { files(tree: $tree, recursive: $r) {
    id filename size annexed directory urls } } }"""
PAGE = """query Page($first: Int, $after: String) { datasets(first: $first, after: $after) {
  edges { cursor node { id } } pageInfo { hasNextPage endCursor count } } }"""


class Nameless(Archive):
    """Datasets without a file."""

    def __init__(self, count):
        self.names = tuple(f"ds{number:06d}" for number in range(1, count + 1))

    def datasets(self):
        return self.names

    def files(self, dataset):
        return ()


class Failing(FolderArchive):
    """An archive whose worker can't be reached for one dataset."""

    def files(self, dataset):
        if dataset == "phantoms":
            raise RuntimeError("fetch failed")
        return super().files(dataset)


def files(server, dataset, tag, *, recursive=True, tree=None):
    return ask(server, FILES, d=dataset, t=tag, r=recursive, tree=tree).json["data"]["snapshot"]["files"]


def cursor(offset):
    return base64.b64encode(json.dumps({"offset": offset}, separators=(",", ":")).encode()).decode()


def test_recursive_listing_is_the_folder_with_the_digests_of_its_bytes(steady, steady_root):
    rows = files(steady, "ds000011", "2.0.1")
    home = steady_root / "ds000011"
    assert {row["filename"] for row in rows} == {
        str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()
    }
    assert [row["filename"] for row in rows][:2] == ["CHANGES", "README"]
    depths = [row["filename"].count("/") for row in rows]
    assert depths == sorted(depths)
    for row in rows:
        content = (home / row["filename"]).read_bytes()
        assert row["size"] == len(content)
        assert row["annexed"] == (".nii" in row["filename"])
        if row["annexed"]:
            extension = row["filename"].partition(".")[2]
            assert row["id"] == f"MD5E-s{len(content)}--{hashlib.md5(content).hexdigest()}.{extension}"
        else:
            assert row["id"] == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def test_every_url_of_a_listing_delivers_the_listed_bytes(steady, steady_root):
    for row in files(steady, "ds000011", "2.0.1"):
        [url] = row["urls"]
        assert ("/openneuro.org/ds000011/" in url) == row["annexed"]
        assert ("/objects/" in url) != row["annexed"]
        assert fetch(url).body == (steady_root / "ds000011" / row["filename"]).read_bytes()


def test_walking_the_trees_finds_what_the_recursive_listing_finds(steady):
    def walk(tree, prefix):
        for row in files(steady, "ds000011", "2.0.1", recursive=False, tree=tree):
            path = prefix + row["filename"]
            if row["directory"]:
                yield from walk(row["id"], f"{path}/")
            else:
                yield path, row["id"], row["urls"][0]

    recursive = files(steady, "ds000011", "2.0.1")
    assert sorted(walk(None, "")) == sorted((r["filename"], r["id"], r["urls"][0]) for r in recursive)


def test_a_tree_with_recursive_names_files_relative_to_the_tree(steady):
    top = {row["filename"]: row["id"] for row in files(steady, "ds000011", "2.0.1", recursive=False)}
    rows = files(steady, "ds000011", "2.0.1", tree=top["sub-01"])
    assert [row["filename"] for row in rows] == ["anat/sub-01_T1w.nii.gz"]


def test_large_files_are_annexed_and_newer_accessions_have_sha256_keys(steady):
    rows = {row["filename"]: row for row in files(steady, "phantoms", "1.0.0")}
    assert rows["large.tsv"]["id"].startswith("MD5E-s1000001--")
    for dataset, backend in {"ds004173": "MD5E", "ds004199": "SHA256E", "phantoms": "MD5E"}.items():
        digest = object_hash(dataset, "a.nii.gz", 0)
        assert object_id("a.nii.gz", 0, digest).startswith(f"{backend}-s0--")


def test_hexsha_changes_with_content_and_path_and_only_then(server, root):
    def hexsha():
        answer = ask(server, '{snapshot(datasetId: "phantoms", tag: "1.0.0") {hexsha}}')
        return answer.json["data"]["snapshot"]["hexsha"]

    before = hexsha()
    assert len(before) == 40
    assert hexsha() == before
    (root / "phantoms/latin1.tsv").rename(root / "phantoms/other.tsv")
    renamed = hexsha()
    assert renamed != before
    (root / "phantoms/other.tsv").write_bytes(b"other content")
    assert hexsha() not in {before, renamed}


def test_the_facts_of_a_snapshot(steady, steady_root):
    query = """{ dataset(id: "ds000011") { id name public metadata { ages species } latestSnapshot {
      id tag created size readme deprecated { reason } description { Name Authors Funding License }
      summary { subjects sessions modalities secondaryModalities tasks totalFiles size
                subjectMetadata { participantId age sex } } } } }"""
    size = sum(path.stat().st_size for path in (steady_root / "ds000011").rglob("*") if path.is_file())
    assert ask(steady, query).json["data"]["dataset"] == {
        "id": "ds000011",
        "name": "Old",
        "public": True,
        "metadata": {"ages": [35.0], "species": None},
        "latestSnapshot": {
            "id": "ds000011:2.0.1",
            "tag": "2.0.1",
            "created": "2016-10-27T00:00:00.000Z",
            "size": size,
            "readme": "Über alles\n",
            "deprecated": None,
            "description": {"Name": "Old", "Authors": ["A", "B"], "Funding": ["someone"], "License": None},
            "summary": {
                "subjects": ["01", "02"],
                "sessions": [],
                "modalities": ["mri"],
                "secondaryModalities": ["mri_structural", "mri_functional"],
                "tasks": ["rest"],
                "totalFiles": 8,
                "size": size,
                "subjectMetadata": [
                    {"participantId": "01", "age": 35.0, "sex": "M"},
                    {"participantId": "02", "age": None, "sex": "F"},
                ],
            },
        },
    }


@pytest.mark.parametrize("first", [1, 7, 100])
def test_pages_joined_are_the_whole(first):
    archive = Nameless(230)
    with sandbox.serve(archive) as server:
        seen, after, more = [], None, True
        while more:
            page = ask(server, PAGE, first=first, after=after).json["data"]["datasets"]
            assert 0 < len(page["edges"]) <= first
            seen += [edge["node"]["id"] for edge in page["edges"]]
            assert page["pageInfo"]["count"] == 230
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        assert tuple(seen) == archive.names


@pytest.mark.parametrize(("asked", "given"), [({"first": 0}, 1), ({"first": None}, 1), ({"first": 101}, 100)])
def test_page_sizes_are_clamped(asked, given):
    with sandbox.serve(Nameless(101)) as server:
        assert len(ask(server, PAGE, **asked).json["data"]["datasets"]["edges"]) == given
        assert len(ask(server, "{datasets {edges {cursor}}}").json["data"]["datasets"]["edges"]) == 25


def test_an_edge_points_at_itself_and_the_page_behind_its_end(steady):
    page = ask(steady, PAGE, first=100).json["data"]["datasets"]
    assert [edge["cursor"] for edge in page["edges"]] == [cursor(0), cursor(1)]
    assert page["pageInfo"] == {"hasNextPage": False, "endCursor": cursor(100), "count": 2}
    again = ask(steady, PAGE, after=page["edges"][1]["cursor"]).json["data"]["datasets"]
    assert [edge["node"]["id"] for edge in again["edges"]] == ["phantoms"]


def test_ordering_and_filtering(steady):
    def ids(arguments):
        found = ask(steady, f"{{datasets{arguments} {{edges {{node {{id}}}}}}}}").json["data"]["datasets"]
        return found and [edge["node"]["id"] for edge in found["edges"]]

    assert ids("(orderBy: {created: ascending}, filterBy: {public: true})") == ["ds000011", "phantoms"]
    assert ids("(orderBy: {created: descending})") == ["phantoms", "ds000011"]
    assert ids('(modality: "mri")') == ["ds000011", "phantoms"]
    assert ids('(modality: "eeg")') is None


def test_aliases_fragments_and_directives_project_rows(steady):
    query = """query ($no: Boolean!) { a: snapshot(datasetId: "phantoms", tag: "1.0.0") {
        files(recursive: true) { name: filename ...Rest id @include(if: $no) } }
      b: snapshot(datasetId: "phantoms", tag: "1.0.0") {
        files { ... on DatasetFile { __typename directory @skip(if: $no) } } } }
      fragment Rest on DatasetFile { size }"""
    data = ask(steady, query, no=False).json["data"]
    assert data["a"]["files"][0] == {"name": "large.tsv", "size": 1_000_001}
    assert data["b"]["files"][-1] == {"__typename": "DatasetFile", "directory": True}


def test_a_row_of_snapshots_knows_four_fields(steady):
    query = '{dataset(id: "phantoms") {snapshots {tag hexsha size files {id}}}}'
    [row] = ask(steady, query).json["data"]["dataset"]["snapshots"]
    assert (row["tag"], len(row["hexsha"]), row["size"], row["files"]) == ("1.0.0", 40, None, None)
    answer = ask(steady, '{dataset(id: "phantoms") {snapshots {tag summary {totalFiles}}}}')
    assert answer.status == 200
    assert answer.json["errors"][0]["path"] == ["dataset", "snapshots", 0, "summary"]


@pytest.mark.parametrize(
    ("query", "message", "path"),
    [
        ('{dataset(id: "ds999999") {id}}', "Dataset ds999999 does not exist.", ["dataset"]),
        ('{snapshot(datasetId: "ds9", tag: "1") {id}}', "Dataset ds9 does not exist.", ["snapshot"]),
        ('{snapshot(datasetId: "ds000011", tag: "9.9.9") {id}}', "Not Found", ["snapshot"]),
        (
            '{snapshot(datasetId: "ds000011", tag: "2.0.1") {files(tree: "beef") {id}}}',
            "Invalid git reference: beef",
            ["snapshot", "files"],
        ),
    ],
)
def test_what_a_resolver_refuses_is_200_with_the_servers_words(steady, query, message, path):
    answer = ask(steady, query)
    assert answer.status == 200
    [error] = answer.json["errors"]
    assert (error["message"], error["path"]) == (message, path)
    assert error["extensions"] == {
        "code": "INTERNAL_SERVER_ERROR",
        "stacktrace": [f"Error: {message}", "    at ..."],
    }
    assert answer.json["extensions"] == {"openneuro": {"version": "5.5.1"}}


def test_an_error_under_a_non_null_field_makes_its_edge_null(steady):
    answer = ask(steady, "{datasets(first: 1) {edges {id node {id}}}}")
    assert answer.status == 200
    assert answer.json["data"] == {"datasets": {"edges": [None]}}
    assert answer.json["errors"][0]["message"] == "Cannot return null for non-nullable field DatasetEdge.id."
    assert answer.json["errors"][0]["path"] == ["datasets", "edges", 0, "id"]


def test_an_archive_that_raises_is_an_error_on_its_field_alone(root):
    with sandbox.serve(Failing(root)) as server:
        answer = ask(server, "{datasets {edges {node {id latestSnapshot {tag size}}}}}")
    assert answer.status == 200
    healthy, broken = (edge["node"] for edge in answer.json["data"]["datasets"]["edges"])
    assert healthy["latestSnapshot"]["size"] > 0
    assert broken == {"id": "phantoms", "latestSnapshot": {"tag": "1.0.0", "size": None}}
    [error] = answer.json["errors"]
    assert error["message"] == "fetch failed"
    assert error["path"] == ["datasets", "edges", 1, "node", "latestSnapshot", "size"]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            '{"query": "{snapshot(datasetId:\\"a\\",tag:\\"b\\"){files{key}}}"}',
            "GRAPHQL_VALIDATION_FAILED",
            'Cannot query field "key" on type "DatasetFile".',
        ),
        ('{"query": "{dataset("}', "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        (
            '{"query": "query($id:ID!){dataset(id:$id){id}}", "variables": {}}',
            "BAD_USER_INPUT",
            'Variable "$id" of required type "ID!" was not provided.',
        ),
        (
            '{"query": "query A {__typename}", "operationName": "B"}',
            "OPERATION_RESOLUTION_FAILURE",
            'Unknown operation named "B".',
        ),
        ('[{"query": "{__typename}"}]', "BAD_REQUEST", "Operation batching disabled."),
        ('{"variables": {}}', "BAD_REQUEST", "GraphQL operations must contain a non-empty `query`"),
        ("{}", "BAD_REQUEST", "POST body missing, invalid Content-Type"),
    ],
)
def test_what_is_wrong_with_a_request_is_400_without_data(steady, body, code, message):
    answer = fetch(steady.api, "POST", body.encode(), JSON)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert list(answer.json) == ["errors"]
    assert answer.json["errors"][0]["message"].startswith(message)
    [error] = answer.json["errors"]
    assert error["extensions"]["code"] == code
    kind = "BadRequestError" if code == "BAD_REQUEST" else "GraphQLError"
    assert error["extensions"]["stacktrace"] == [f"{kind}: {error['message']}", "    at ..."]


@pytest.mark.parametrize("body", ['{"query":', '"text"', "\xff"])
def test_a_body_that_is_no_json_object_is_400_html(steady, body):
    answer = fetch(steady.api, "POST", body.encode("latin-1"), JSON)
    assert answer.status == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<pre>SyntaxError" in answer.body


def test_what_a_browser_sends_unasked_is_refused(steady):
    body = b'{"query":"{__typename}"}'
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data; boundary=x"}):
        answer = fetch(steady.api, "POST", body, headers)
        assert answer.status == 400
        [error] = answer.json["errors"]
        assert "(CSRF). Please either specify a 'content-type' header" in error["message"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
    assert fetch(steady.api + "?query={__typename}").status == 400
    preflighted = {"Apollo-Require-Preflight": "1"}
    assert fetch(steady.api + "?query={__typename}", headers=preflighted).json["data"] == {
        "__typename": "Query"
    }
    assert fetch(steady.api.removesuffix("graphql")).status == 200
