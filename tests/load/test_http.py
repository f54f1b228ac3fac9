"""A corpus behind a plain web server: whole files are never asked for, and no ranges is told."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import allbrains
from allbrains.errors import CorpusError


class Web(ThreadingHTTPServer):
    """Serves a folder, with ranges or without; notes how many bytes of which file it sent."""

    daemon_threads = True

    def __init__(self, root, *, ranges):
        super().__init__(("127.0.0.1", 0), Answer)
        self.root, self.ranges, self.sent = root, ranges, []


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.server.root / self.path.removeprefix("/corpus/")
        data = path.read_bytes() if path.is_file() else b""
        size, asked = len(data), re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        partial = self.server.ranges and data and asked
        if partial:
            first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
            data = data[first : last + 1]
        self.send_response(206 if partial else 200 if data else 404)
        self.send_header("Content-Length", str(len(data)))
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if self.command == "GET":
            self.server.sent.append((path.name, len(data)))
            self.wfile.write(data)


@pytest.fixture(params=[True, False], ids=["ranges", "none"])
def web(eleven, request):
    server = Web(eleven, ranges=request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # fsspec leaves its session to the end of the process
def test_one_map_is_one_range(web, eleven, tmp_path):
    brains = allbrains.open(f"http://127.0.0.1:{web.server_port}/corpus", maps=["gm"], cache=tmp_path)
    assert len(brains) == 11
    web.sent.clear()
    if not web.ranges:
        with pytest.raises(CorpusError, match="doesn't serve ranges"):
            brains[4].integers("gm")
        return
    np.testing.assert_array_equal(brains[4].gm, allbrains.open(eleven)[4].gm)
    assert web.sent == [("ds000011-00000.parquet", brains.place("gm", 4).nbytes)]
    assert brains[4].gm.any()
    assert len(web.sent) == 1  # the second time it comes from the cache
    assert brains[5].montage == b"picture 5"
    with pytest.raises(CorpusError, match=r"samples\.parquet can't be read: .*404|FileNotFoundError"):
        allbrains.open(f"http://127.0.0.1:{web.server_port}/corpus/elsewhere", cache=tmp_path)
