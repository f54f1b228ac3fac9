"""The bucket and the site's own file endpoints, over HTTP."""

import gzip
import hashlib
import os
from email.utils import formatdate
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from sandbox_requests import ask, fetch

from allbrains import sandbox
from allbrains.sandbox.folder_archive import FolderArchive

KEY = "ds000011/sub-02/anat/sub-02_T1w.nii"
CONTENT = b"two, not compressed"
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def code(answer):
    return ElementTree.fromstring(answer.body).findtext("Code")


def listing(server, **query):
    text = "&".join(f"{name.replace('_', '-')}={quote(str(value))}" for name, value in query.items())
    return fetch(f"{server.bucket}?list-type=2&{text}")


def found(answer, *names):
    """The texts of all elements at a path of names."""
    path = "/".join(NAMESPACE + name for name in names)
    return [each.text for each in ElementTree.fromstring(answer.body).iterfind(path)]


def test_get_and_head_tell_the_same(steady):
    got, headed = fetch(f"{steady.bucket}/{KEY}"), fetch(f"{steady.bucket}/{KEY}", "HEAD")
    assert (got.status, headed.status) == (200, 200)
    assert (got.body, headed.body) == (CONTENT, b"")
    for answer in (got, headed):
        assert answer.headers["etag"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'
        assert answer.headers["content-length"] == str(len(CONTENT))
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["content-encoding"] is None
        assert len(answer.headers["x-amz-version-id"]) == 32
    assert got.headers["last-modified"] == headed.headers["last-modified"]


def test_a_version_is_of_one_content(server, root):
    version = fetch(f"{server.bucket}/{KEY}").headers["x-amz-version-id"]
    url = f"{server.bucket}/{KEY}?versionId={version}"
    assert fetch(url).body == CONTENT
    (root / KEY).write_bytes(b"replaced")
    stale = fetch(url)
    assert (stale.status, code(stale)) == (404, "NoSuchVersion")
    assert fetch(f"{server.bucket}/{KEY}").body == b"replaced"


@pytest.mark.parametrize(
    ("path", "method", "status", "expected"),
    [
        ("/openneuro.org/ds000011/none.nii.gz", "GET", 404, "NoSuchKey"),
        ("/openneuro.org/ds000011/none.nii.gz?versionId=x", "GET", 404, "NoSuchVersion"),
        ("/openneuro.org/ds000011/sub-01", "GET", 404, "NoSuchKey"),
        ("/openneuro.org/ds000011", "GET", 404, "NoSuchKey"),
        ("/ds000011/sub-01/anat/sub-01_T1w.nii.gz", "GET", 404, "NoSuchBucket"),
        ("/openneuro.org/ds000011/new", "PUT", 403, "AccessDenied"),
        ("/openneuro.org/ds000011/CHANGES", "DELETE", 403, "AccessDenied"),
        ("/openneuro.org/", "GET", 501, "NotImplemented"),
        ("/openneuro.org?list-type=2&max-keys=x", "GET", 400, "InvalidArgument"),
        ("/openneuro.org?list-type=2&continuation-token=%25", "GET", 400, "InvalidArgument"),
    ],
)
def test_refusals_are_xml_with_s3s_codes(steady, path, method, status, expected):
    answer = fetch(steady.bucket.removesuffix("/openneuro.org") + path, method)
    assert (answer.status, code(answer)) == (status, expected)
    assert answer.headers["content-type"] == "application/xml"


def test_a_file_that_cannot_be_read_is_access_denied(root):
    class Locked(FolderArchive):
        def digests(self, dataset, file):
            raise PermissionError(13, "Permission denied")

    with sandbox.serve(Locked(root)) as server:
        answer = fetch(f"{server.bucket}/{KEY}")
    assert (answer.status, code(answer)) == (403, "AccessDenied")


def test_ranges(steady):
    url = f"{steady.bucket}/{KEY}"
    part = fetch(url, headers={"Range": "bytes=5-8"})
    assert (part.status, part.body) == (206, CONTENT[5:9])
    assert part.headers["content-range"] == f"bytes 5-8/{len(CONTENT)}"
    assert part.headers["content-length"] == "4"
    headed = fetch(url, "HEAD", headers={"Range": "bytes=-4"})
    assert (headed.status, headed.headers["content-length"]) == (206, "4")
    behind = fetch(url, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert (behind.status, code(behind)) == (416, "InvalidRange")
    assert behind.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_a_resumed_download_of_a_replaced_file_starts_again(server, root):
    url = f"{server.bucket}/{KEY}"
    before = fetch(url).headers
    os.utime(root / KEY, (1_000_000_000, 1_000_000_000))
    resume = {"Range": "bytes=5-"}
    assert fetch(url, headers={**resume, "If-Range": before["etag"]}).status == 206
    assert fetch(url, headers={**resume, "If-Range": before["last-modified"]}).status == 200
    now = formatdate(1_000_000_000, usegmt=True)
    assert fetch(url, headers={**resume, "If-Range": now}).status == 206
    (root / KEY).write_bytes(b"another content, longer")
    again = fetch(url, headers={**resume, "If-Range": before["etag"]})
    assert (again.status, again.body) == (200, b"another content, longer")


def test_the_bucket_lists_what_it_delivers(steady, steady_root):
    answer = listing(steady)
    keys = found(answer, "Contents", "Key")
    assert keys == sorted(keys)
    assert set(keys) == {
        str(path.relative_to(steady_root))
        for name in ("ds000011", "phantoms")
        for path in (steady_root / name).rglob("*")
        if path.is_file()
    }
    etags, sizes = found(answer, "Contents", "ETag"), found(answer, "Contents", "Size")
    for key, etag, size in zip(keys, etags, sizes, strict=True):
        headed = fetch(f"{steady.bucket}/{quote(key)}", "HEAD").headers
        assert (headed["etag"], headed["content-length"]) == (etag, size)


def test_listing_pages_prefixes_and_encoding(steady):
    top = listing(steady, delimiter="/")
    assert found(top, "CommonPrefixes", "Prefix") == ["ds000011/", "phantoms/"]
    subject = listing(steady, prefix="ds000011/sub-02/", encoding_type="url")
    assert found(subject, "Contents", "Key")[0] == "ds000011/sub-02/a%20b%2Bc/sub-02_x%23y.txt"
    keys, token, truncated = [], {}, "true"
    while truncated == "true":
        page = listing(steady, prefix="ds000011/", max_keys=3, **token)
        keys += found(page, "Contents", "Key")
        [truncated] = found(page, "IsTruncated")
        token = {"continuation_token": "".join(found(page, "NextContinuationToken"))}
    assert keys == found(listing(steady, prefix="ds000011/"), "Contents", "Key")
    assert len(keys) == 8


def test_objects_are_found_by_their_id_whatever_their_name(steady, steady_root):
    site = steady.api.removesuffix("graphql") + "datasets"
    content = (steady_root / "ds000011/CHANGES").read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    for query in ("?filename=CHANGES", "?filename=other", ""):
        assert fetch(f"{site}/ds000011/objects/{blob}{query}").body == content
    image = gzip.compress(b"one", mtime=0)
    key = f"MD5E-s{len(image)}--{hashlib.md5(image).hexdigest()}.nii.gz"
    assert fetch(f"{site}/ds000011/objects/{key}").body == image


def test_the_objects_endpoint_hides_failures_behind_200(steady):
    site = steady.api.removesuffix("graphql") + "datasets"
    missing = fetch(f"{site}/ds000011/objects/{'0' * 40}")
    assert (missing.status, missing.json) == (200, {"error": "object not found in git tree"})
    blob = hashlib.sha1(b"blob 5\0caf\xe9\n").hexdigest()
    latin = fetch(f"{site}/phantoms/objects/{blob}")
    assert (latin.status, latin.json) == (200, {"error": "an unknown error occurred accessing this file"})
    assert fetch(f"{site}/ds000011/objects/CHANGES").status == 400
    assert fetch(f"{site}/ds999999/objects/{'0' * 40}").status == 404


def test_files_of_a_snapshot_by_their_path(steady, steady_root):
    site = steady.api.removesuffix("graphql") + "datasets/ds000011/snapshots"
    assert fetch(f"{site}/2.0.1/files/README").body == (steady_root / "ds000011/README").read_bytes()
    image = fetch(f"{site}/2.0.1/files/sub-02:anat:sub-02_T1w.nii")
    version = fetch(f"{steady.bucket}/{KEY}").headers["x-amz-version-id"]
    assert image.status == 302
    assert image.headers["location"].endswith(f"/openneuro.org/{KEY}?versionId={version}")
    for wrong in ("9.9.9/files/README", "2.0.1/files/none"):
        assert fetch(f"{site}/{wrong}").status == 404


def test_the_folder_is_as_the_api_has_it_when_it_is_one_dataset(root):
    with sandbox.serve(root / "ds000011") as server:
        answer = ask(server, "{datasets {edges {node {id}}}}").json["data"]["datasets"]
        assert answer["edges"] == [{"node": {"id": "ds000011"}}]
        assert fetch(f"{server.bucket}/{KEY}").body == CONTENT
