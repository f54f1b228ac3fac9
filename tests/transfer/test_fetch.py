"""A file is there with the promised bytes, or it isn't there; and which fault has which answer."""

import errno
import gzip
import hashlib
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allbrains.errors import Reason, ScanUnusable, TransientError
from allbrains.records import Algorithm, Digest
from allbrains.transfer import Client, Network, fetch, fetch_file, file_root
from tests.transfer.conftest import Play

BODY = random.Random(1).randbytes(3_000_000)
PAGE = {"Content-Type": "text/html; charset=utf-8"}


def digest_of(body: bytes, algorithm: Algorithm = Algorithm.MD5) -> Digest:
    prefix = b"blob %d\0" % len(body) if algorithm is Algorithm.GIT_SHA1 else b""
    name = {"md5": "md5", "sha256": "sha256", "git-sha1": "sha1"}[algorithm]
    return Digest(algorithm=algorithm, hexdigest=hashlib.new(name, prefix + body).hexdigest())


def get(urls, target, client, body=BODY, algorithm=Algorithm.MD5):
    digest = digest_of(body, algorithm)
    return fetch(urls, size=len(body), digest=digest, target=target, client=client)


@pytest.fixture
def target(tmp_path):
    """Where the file goes; after every test no other file may be left beside it."""
    yield tmp_path / "scan.nii.gz"
    assert {path.name for path in tmp_path.iterdir()} <= {"scan.nii.gz"}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_promised_bytes_arrive_in_one_request(stage, client, target, algorithm):
    url = stage.on("/a", Play(body=BODY))
    assert get([url], target, client, algorithm=algorithm) == target
    assert target.read_bytes() == BODY
    assert stage.times("/a") == 1
    assert "Range" not in stage.asked[0][1]


def test_what_is_there_is_not_fetched_again(stage, client, target):
    url = stage.on("/a", Play(body=BODY))
    for _ in range(2):
        get([url], target, client)
    assert stage.times("/a") == 1


def test_a_damaged_target_is_replaced(stage, client, target):
    target.write_bytes(BODY[:-1] + b"?")
    get([stage.on("/a", Play(body=BODY))], target, client)
    assert target.read_bytes() == BODY


def test_a_killed_runs_part_is_no_obstacle(stage, client, target):
    target.with_name(target.name + ".part").symlink_to("elsewhere")
    get([stage.on("/a", Play(body=BODY))], target, client)
    assert target.read_bytes() == BODY
    assert not (target.parent / "elsewhere").exists()


def rest(body, etag='"1"', cut_at=1_000_000):
    """A server that breaks off after ``cut_at`` bytes, and honours ranges."""

    def script(request, number):
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        part = body[start : start + cut_at]
        headers = {"ETag": etag}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        whole = start + len(part) == len(body)
        return Play(206 if start else 200, part, headers, promise=len(body) - start, cut=not whole)

    return script


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut_at=st.integers(1_100_000, len(BODY)))
def test_a_cut_body_goes_on_where_it_broke_off(stage, client, target, cut_at):
    stage.asked.clear()
    target.unlink(missing_ok=True)
    get([stage.script("/a", rest(BODY, cut_at=cut_at))], target, client)
    assert target.read_bytes() == BODY
    starts = [int(headers.get("range", "bytes=0-")[6:-1]) for _, headers in stage.asked]
    assert starts == list(range(0, len(BODY), cut_at))
    assert all(headers["if-range"] == '"1"' for _, headers in stage.asked[1:])


def test_cuts_cost_no_tries_as_long_as_each_brings_something(stage, target):
    client = Client(Network(origins=(stage.url + "/",), wait_s=0.0, attempts=1))
    get([stage.script("/a", rest(BODY, cut_at=1 << 20))], target, client)
    assert stage.times("/a") == 3
    client.close()


def test_without_a_strong_etag_it_starts_over(stage, client, target):
    cut = Play(body=BODY[:2_000_000], headers={"ETag": 'W/"1"'}, promise=len(BODY), cut=True)
    get([stage.on("/a", cut, Play(body=BODY))], target, client)
    assert [headers.get("range") for _, headers in stage.asked] == [None, None]


@pytest.mark.parametrize(
    "second",
    [
        Play(200, BODY),  # Range ignored, or the file was replaced
        Play(206, BODY[5:], {"Content-Range": f"bytes 5-{len(BODY) - 1}/{len(BODY)}"}),
        Play(206, BODY[1_000_000:], {"Content-Range": f"bytes 1000000-{len(BODY)}/{len(BODY) + 1}"}),
        Play(206, BODY[1_000_000:]),
        Play(416),
    ],
    ids=["whole", "other-start", "other-total", "no-range-header", "416"],
)
def test_another_rest_than_asked_for_is_not_glued_on(stage, client, target, second):
    first = Play(body=BODY[:1_000_000], headers={"ETag": '"1"'}, promise=len(BODY), cut=True)
    whole = stage.on("/b", Play(body=BODY))
    get([stage.on("/a", first, second, Play(body=BODY)), whole], target, client)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(stage, client, target, status):
    get([stage.on("/a", Play(status, b"<html>", PAGE), Play(body=BODY))], target, client)
    assert stage.times("/a") == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_asked_once_and_the_next_url_serves(stage, client, target, status):
    get([stage.on("/a", Play(status)), stage.on("/b", Play(body=BODY))], target, client)
    assert (stage.times("/a"), stage.times("/b")) == (1, 1)


@pytest.mark.parametrize(
    "page",
    [
        Play(body=b"<html>504 Gateway Time-out</html>", headers=PAGE),
        Play(body=b"<html>504 Gateway Time-out</html>", headers=PAGE, promise=-1),
        Play(body=b'{"error": "object not found in git tree"}', headers={"Content-Type": "application/json"}),
        Play(body=b""),
        Play(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["html", "html-unsized", "json-error", "empty", "content-encoding"],
)
def test_a_page_in_place_of_the_file_is_a_refusal(stage, client, target, page):
    get([stage.on("/a", page), stage.on("/b", Play(body=BODY))], target, client)
    assert target.read_bytes() == BODY
    with pytest.raises(TransientError):
        get([stage.on("/a", page)], target.with_name("other"), client)


WRONG = [BODY[:-1] + b"?", BODY + b"?", BODY[:-1], b"\0" * len(BODY)]


@pytest.mark.parametrize("wrong", WRONG, ids=["flipped", "longer", "shorter", "zeros"])
@pytest.mark.parametrize("promise", [None, -1], ids=["sized", "unsized"])
def test_wrong_bytes_get_a_second_chance_then_the_next_url(stage, client, target, wrong, promise):
    bad = Play(body=wrong, promise=promise)
    get([stage.on("/a", bad), stage.on("/b", Play(body=BODY))], target, client)
    assert (stage.times("/a"), stage.times("/b")) == (2, 1)
    with pytest.raises(ScanUnusable) as caught:
        get([stage.on("/c", bad), stage.on("/d", Play(404))], target.with_name("x"), client)
    assert caught.value.reason is Reason.WRONG_BYTES
    assert "/c" in caught.value.detail


def test_wrong_bytes_here_and_an_outage_there_is_no_verdict(stage, client, target):
    with pytest.raises(TransientError):
        get([stage.on("/a", Play(body=WRONG[0])), stage.on("/b", Play(503))], target, client)


def test_no_more_is_read_than_was_promised(stage, client, target):
    endless = Play(body=b"\0" * 20_000_000, promise=-1)
    with pytest.raises(ScanUnusable, match="more than the published 1000 bytes"):
        get([stage.on("/a", endless)], target, client, body=b"x" * 1000)


def test_a_wait_that_the_server_asks_for_reaches_the_caller(stage, client, target):
    with pytest.raises(TransientError) as caught:
        get([stage.on("/a", Play(429, headers={"Retry-After": "3600"}))], target, client)
    assert caught.value.retry_after_s == 3600
    assert stage.times("/a") == 1  # longer than anybody waits here


def test_a_drip_is_given_up(stage, target):
    network = Network(
        origins=(stage.url + "/",), attempts=1, wait_s=0.0, window_s=0.0, slowest_bytes_per_s=1e12
    )
    client = Client(network)
    with pytest.raises(TransientError, match="too slow"):
        get([stage.on("/a", Play(body=BODY))], target, client)
    client.close()


def test_nobody_there(client, target):
    client.network = Network(origins=("http://127.0.0.1:9/",), attempts=2, wait_s=0.0)
    with pytest.raises(TransientError, match="refused"):
        get(["http://127.0.0.1:9/x"], target, client)
    with pytest.raises(TransientError, match="no URL"):
        get([], target, client)


def test_a_second_writer_is_noticed(stage, client, target):
    part = target.with_name(target.name + ".part")

    def meddle(request, number):
        part.unlink()
        part.write_bytes(b"half")
        return Play(body=BODY)

    with pytest.raises(TransientError, match="somebody else"):
        get([stage.script("/a", meddle)], target, client)
    assert not target.exists()


def test_a_full_disk_stops_at_once_and_leaves_nothing(stage, client, target, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetch_file.os, "fsync", full)
    with pytest.raises(TransientError, match="no space left"):
        get([stage.on("/a", Play(body=BODY))], target, client)


def test_local_files_take_the_same_road(tmp_path):
    folder, out = tmp_path / "data", tmp_path / "out"
    folder.mkdir(), out.mkdir()
    (folder / "a b#%41.nii").write_bytes(BODY)
    url = (folder / "a b#%41.nii").as_uri()
    client = Client(Network(origins=(), roots=(file_root(folder),)))
    assert get([url], out / "x", client).read_bytes() == BODY
    with pytest.raises(ScanUnusable):
        get([url], out / "y", client, body=b"other")
    with pytest.raises(TransientError, match="not there"):
        get([(folder / "gone").as_uri()], out / "z", client)
    (tmp_path / "secret").write_bytes(BODY)
    for outside in ((tmp_path / "secret").as_uri(), folder.as_uri() + "/../secret", "file:///etc/hostname"):
        with pytest.raises(TransientError, match="outside"):
            get([outside], out / "z", client)
    with pytest.raises(TransientError, match="outside"):
        get([url], out / "z", Client())
    assert [path.name for path in out.iterdir()] == ["x"]
