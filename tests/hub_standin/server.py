"""The stand-in's HTTP side: the requests that the Hub's client makes for datasets, and no others.

Uploads by large-file storage (``HF_HUB_DISABLE_XET=1``), and by Xet into a local store: the true ``hf_xet``
writes there when it is given a ``local://`` address. What a Xet upload brought can't be downloaded here.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_standin.faults import Fault, Faults, Kind
from tests.hub_standin.routes import ROUTES, Answer, Request
from tests.hub_standin.state import Refused, State

TOKEN = "hf_standin"  # what a client must bring to write, and to read what is private


class Seen(NamedTuple):
    """A request that was answered."""

    method: str
    path: str
    status: int
    nbytes: int


@dataclass(slots=True)
class HubServer:
    """A Hub on this machine, in a thread: ``with HubServer(folder) as hub: … hub.url …``.

    Attributes:
        root: where it keeps everything.
        xet: uploads go to a local Xet store.
        faults: its switches.
        seen: what it answered.
    """

    root: Path
    xet: bool = False
    faults: Faults = field(default_factory=Faults)
    seen: list[Seen] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def state(self) -> State:
        """What it keeps."""
        return State(self.root, xet=self.xet)

    @property
    def url(self) -> str:
        """For ``HF_ENDPOINT``."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HubServer:
        self._server = _Server(("127.0.0.1", 0), _handler(self, self.state))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A server that doesn't talk about clients who went away."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)


def _handler(hub: HubServer, state: State) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        def __init__(self, *arguments: Any) -> None:
            self.hub, self.state = hub, state
            super().__init__(*arguments)

    return Handler


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: HubServer
    state: State

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: ``seen`` has it."""

    def _answer(self) -> None:
        fault = self.hub.faults.due(f"{self.command} {self.path}")
        if fault is not None and fault.kind is Kind.CUT:
            self._hang_up(599)
            return
        if fault is not None and fault.kind is Kind.STATUS:
            self._drain()
            self._send(_refusal(fault))
            return
        try:
            answer = self._route()
        except Refused as error:
            headers = {"X-Error-Message": str(error)} | ({"X-Error-Code": error.code} if error.code else {})
            self._drain()
            answer = Answer(
                status=error.status, body=json.dumps({"error": str(error)}).encode(), headers=headers
            )
        if fault is not None:  # it was done, but nobody hears of it
            self._hang_up(598)
            return
        self._send(answer)

    def _route(self) -> Answer:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        for method, pattern, answer in ROUTES:
            match = pattern.fullmatch(path)
            if match and self.command in method:
                request = Request(
                    state=self.state,
                    url=self.hub.url,
                    groups=match.groupdict(),
                    query={key: values[0] for key, values in parse_qs(parts.query).items()},
                    body=self._body,
                    save=self._save,
                    trusted=self.headers.get("Authorization") == f"Bearer {TOKEN}",
                )
                made: Callable[[Request], Answer] = answer
                return made(request)
        raise Refused(404, f"no such address: {self.command} {path}")

    def _body(self) -> bytes:
        data = self.rfile.read(self._left())
        self._read = True
        return data

    def _left(self) -> int:
        return 0 if getattr(self, "_read", False) else int(self.headers.get("Content-Length") or 0)

    def _save(self, path: Path) -> None:
        """Write the request's body to a file, in pieces."""
        left = self._left()
        self._read = True
        with path.open("wb") as file:
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    file.write(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
            while left:
                piece = self.rfile.read(min(1 << 20, left))
                if not piece:
                    raise ConnectionError("the client went away")
                file.write(piece)
                left -= len(piece)

    def _drain(self) -> None:
        """Read what the client is still sending, so that it hears the answer."""
        left = self._left()
        self._read = True
        while left and (piece := self.rfile.read(min(1 << 20, left))):
            left -= len(piece)
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.close_connection = True

    def _hang_up(self, status: int) -> None:
        self.hub.seen.append(Seen(self.command, self.path, status, 0))
        self.close_connection = True
        self.connection.close()

    def _send(self, answer: Answer) -> None:
        start, end, status = 0, answer.size, answer.status
        wanted = self.headers.get("Range", "")
        if answer.path is not None and wanted.startswith("bytes=") and status == HTTPStatus.OK:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or answer.size - 1) + 1, answer.size)
            status = HTTPStatus.PARTIAL_CONTENT
        self.send_response(status)
        if status == HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{answer.size}")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        sent = 0 if self.command == "HEAD" else end - start
        self.hub.seen.append(Seen(self.command, self.path, int(status), sent))
        if sent and answer.path is None:
            self.wfile.write(answer.body)
        elif sent:
            assert answer.path is not None
            with answer.path.open("rb") as file:
                file.seek(start)
                _copy(file, self.wfile, sent)
        self._read = False  # a further request may follow on this connection


def _copy(source: Any, sink: Any, count: int) -> None:
    while count:
        piece = source.read(min(1 << 20, count))
        sink.write(piece)
        count -= len(piece)


def _refusal(fault: Fault) -> Answer:
    return Answer(status=fault.status, body=b'{"error": "as asked for"}', headers=dict(fault.headers))


def serve_for_ever(root: Path, xet: bool) -> None:
    """Serve until killed; the address is the first line on stdout."""
    with HubServer(root, xet=xet) as hub:
        print(hub.url, flush=True)
        while True:
            time.sleep(3600)
