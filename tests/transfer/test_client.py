"""Whom the client asks, and whom it doesn't."""

import gzip
import ssl
import time
from email.utils import formatdate

import pytest
from urllib3.exceptions import ReadTimeoutError, SSLError

from allbrains import __version__
from allbrains.errors import ConfigurationError, NoSpace, SourceError, TransientError
from allbrains.transfer import OPENNEURO_ORIGINS, Client, Network, origin_of
from allbrains.transfer.http_client import Refused, _translated, bare, retry_after
from tests.transfer.conftest import CERTIFICATE, Play, serving

ALLOWED = [
    "https://openneuro.org/crn/graphql",
    "https://openneuro.org/crn/datasets/ds000001/objects/abc?filename=x",
    "https://s3.amazonaws.com/openneuro.org/ds000001/README?versionId=1",
    "https://s3.amazonaws.com/openneuro.org/?list-type=2",
]
FORBIDDEN = [
    "http://openneuro.org/crn/graphql",
    "https://openneuro.org.example.com/crn/graphql",
    "https://openneuro.org@example.com/crn/graphql",
    "https://user@openneuro.org/crn/graphql",
    "https://openneuro.org:8443/crn/graphql",
    "https://s3.amazonaws.com/openneuro.org.evil/ds000001/README",
    "https://s3.amazonaws.com/openneuro.org/../evil/README",
    "https://s3.amazonaws.com/openneuro.org/%2e%2e/evil/README",
    "https://s3.amazonaws.com/other/README",
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1/",
    "http://[::1",
    "file:///etc/passwd",
    "ftp://openneuro.org/crn/x",
    "",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_openneuro_is_allowed(url):
    assert Client().allows(url)


@pytest.mark.parametrize("url", FORBIDDEN)
def test_nobody_else_is(url):
    client = Client()
    assert not client.allows(url)
    with pytest.raises(Refused), client.get(url):
        pass


def test_redirects_are_followed_within_the_origins_only(stage, client):
    there = stage.on("/there", Play(body=b"hello"))
    for target in (there, "/there", "there"):
        stage.on("/here", Play(302, headers={"Location": target}))
        with client.get(stage.url + "/here") as response:
            assert b"".join(client.chunks(response)) == b"hello"
    for target in ("http://169.254.169.254/latest", "file:///etc/passwd", "//example.com/x"):
        stage.on("/here", Play(302, headers={"Location": target}))
        with pytest.raises(Refused, match="not one of the addresses"), client.get(stage.url + "/here"):
            pass
    stage.on("/here", Play(302, headers={"Location": "/here"}))
    with pytest.raises(Refused, match="redirects"), client.get(stage.url + "/here"):
        pass


def test_a_question_is_not_sent_on(stage, client):
    stage.on("/api", Play(307, headers={"Location": "/other"}))
    with pytest.raises(Refused):
        client.post(stage.url + "/api", b"{}", limit=100)


def test_it_says_who_asks(stage):
    url = stage.on("/api", Play(body=b"{}"))
    client = Client(Network(origins=(stage.url + "/",), contact="me@example.org"))
    client.post(url, b"{}", limit=100)
    client.close()
    agent = stage.asked[0][1]["user-agent"]
    assert __version__ in agent
    assert "me@example.org" in agent


def test_answers_are_unpacked_up_to_a_limit(stage, client):
    bomb = gzip.compress(b"\0" * 10_000_000)
    url = stage.on("/api", Play(body=bomb, headers={"Content-Encoding": "gzip"}))
    assert len(client.post(url, b"{}", limit=10_000_000).body) == 10_000_000
    with pytest.raises(SourceError, match="more than"):
        client.post(url, b"{}", limit=9_999_999)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_answers_of_any_size_are_what_was_sent(size, stage, client):
    body = bytes(range(251)) * (size // 251 + 1)
    url = stage.on("/api", Play(body=body[:size]))
    assert bytes(client.post(url, b"{}", limit=10_000_000).body) == body[:size]


def test_a_large_answer_without_a_place_says_so(stage, client, monkeypatch, tmp_path):
    url = stage.on("/api", Play(body=bytes(2_000_000)))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(NoSpace, match=r"no place for a large answer in .*nowhere: No such file"):
        client.post(url, b"{}", limit=10_000_000)


def test_connections_are_used_again_after_every_kind_of_end(stage):
    client = Client(Network(origins=(stage.url + "/",), connections=1, read_s=2.0))
    good = stage.on("/good", Play(body=b"x"))
    cut = stage.on("/cut", Play(body=b"x", promise=2, cut=True))
    refused = stage.on("/refused", Play(404, b"no"))
    with pytest.raises(TransientError), client.get(cut) as response:
        list(client.chunks(response))
    with pytest.raises(Refused), client.get(refused):
        pass
    with client.get(good):
        pass  # not read
    with client.get(good) as response:  # with one connection, a leak would wait here for ever
        assert list(client.chunks(response)) == [b"x"]
    client.close()


def test_a_bad_certificate_is_final_and_a_broken_line_is_not():
    bad = ssl.SSLCertVerificationError("certificate has expired")
    bad.verify_message = "certificate has expired"
    assert isinstance(_translated(SSLError(bad), "https://x/"), Refused)
    assert isinstance(_translated(SSLError(ssl.SSLEOFError("eof")), "https://x/"), TransientError)
    assert isinstance(_translated(ReadTimeoutError(None, "", "slow"), "https://x/"), TransientError)


def test_a_certificate_that_nobody_vouches_for_is_refused(monkeypatch):
    with serving(tls=True) as stage:
        url = stage.on("/a", Play(body=b"x"))
        network = Network(origins=(stage.url + "/",))
        with pytest.raises(Refused, match="certificate"), Client(network).get(url):
            pass
        assert stage.times("/a") == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))  # as a user behind a company's proxy sets it
        client = Client(network)
        with client.get(url) as response:
            assert list(client.chunks(response)) == [b"x"]
        client.close()


def test_loopback_needs_no_proxy_and_the_rest_takes_the_environments(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    client = Client()
    assert client._pool("https://openneuro.org/").proxy.host == "proxy.example"
    assert client._pool("http://127.0.0.1:8000/").proxy is None
    client.close()


def test_a_server_says_how_long_to_wait():
    network = Network(patience_s=100)
    assert network._pause(TransientError("busy", retry_after_s=17)) == 17
    assert network._pause(TransientError("busy")) is True
    assert network._pause(TransientError("busy", retry_after_s=101)) is False
    assert network._pause(Refused("no")) is False


def test_retry_after_in_both_spellings():
    assert retry_after({"retry-after": "17"}) == 17
    assert 50 < retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60
    assert retry_after({"retry-after": formatdate(0, usegmt=True)}) == 0
    assert [retry_after({"retry-after": text}) for text in ("soon", "-1", "")] == [0, 0, 0]
    assert retry_after({}) == 0


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://h/", "https://", "https://h:99999/", "https://u:p@h/", "https://h/?q"]
)
def test_origins_are_checked(url):
    with pytest.raises(ConfigurationError):
        origin_of(url)


def test_origins_end_in_a_slash():
    assert origin_of("https://h/a") == origin_of("https://h/a/") == "https://h/a/"
    assert all(origin_of(origin) == origin for origin in OPENNEURO_ORIGINS)


def test_what_people_see_has_no_secrets_and_no_control_characters():
    assert bare("https://u:secret@h/a\x1b[31m?X-Amz-Signature=secret") == "https://h/a?[31m"
