"""Small files in memory, and the beginning of large ones."""

import hashlib

import pytest

from allbrains.errors import ScanUnusable, TransientError
from allbrains.records import Algorithm, Digest
from allbrains.transfer import Client, Network, Unavailable, read, read_start
from tests.transfer.conftest import Play

DATA = bytes(range(256)) * 40
DIGEST = Digest(algorithm=Algorithm.SHA256, hexdigest=hashlib.sha256(DATA).hexdigest())
HTML = {"Content-Type": "text/html"}


def test_read_takes_the_first_address_that_keeps_the_promise(stage, client):
    urls = [
        stage.on("/absent", Play(status=404)),
        stage.on("/other", Play(body=DATA[::-1])),
        stage.on("/good", Play(status=503), Play(body=DATA)),
    ]
    assert read(urls, size=len(DATA), digest=DIGEST, client=client) == DATA


def test_a_refusal_everywhere_is_told_from_an_outage_and_from_other_bytes(stage, client):
    absent, busy = stage.on("/absent", Play(status=403)), stage.on("/busy", Play(status=503))
    wrong = stage.on("/wrong", Play(body=DATA[::-1]))
    promise = {"size": len(DATA), "digest": DIGEST, "client": client}
    with pytest.raises(Unavailable, match="403"):
        read([absent, absent], **promise)
    with pytest.raises(TransientError) as caught:
        read([absent, busy], **promise)
    assert not isinstance(caught.value, Unavailable)
    with pytest.raises(ScanUnusable):
        read([absent, wrong], **promise)


def test_the_beginning_is_asked_for_as_a_range(stage, client):
    url = stage.on("/file", Play(status=206, body=DATA[:100]))
    assert read_start([url], size=100, client=client) == DATA[:100]
    ((_, headers),) = stage.asked
    assert headers["range"] == "bytes=0-99"


@pytest.mark.parametrize("size", [1, 100, len(DATA), len(DATA) + 1])
def test_a_server_without_ranges_is_cut_off(stage, client, size):
    url = stage.on("/file", Play(body=DATA))
    assert read_start([url], size=size, client=client) == DATA[:size]


def test_the_beginning_falls_back_and_gives_up_like_the_whole(stage, client):
    absent, empty = stage.on("/absent", Play(status=404)), stage.on("/empty", Play(body=b""))
    page, busy = stage.on("/page", Play(body=b"<html>", headers=HTML)), stage.on("/busy", Play(status=504))
    good = stage.on("/good", Play(status=206, body=DATA[:9]))
    assert read_start([absent, empty, page, busy, good], size=9, client=client) == DATA[:9]
    with pytest.raises(Unavailable):
        read_start([absent, empty, page], size=9, client=client)
    with pytest.raises(TransientError, match="504"):
        read_start([absent, busy], size=9, client=client)


def test_the_beginning_of_a_local_file(tmp_path):
    local_client = Client(Network(origins=(), roots=(str(tmp_path),)))
    (tmp_path / "a").write_bytes(DATA)
    url = (tmp_path / "a").as_uri()
    assert read_start([url], size=10, client=local_client) == DATA[:10]
    with pytest.raises(Unavailable):
        read_start([url + "b"], size=10, client=local_client)
