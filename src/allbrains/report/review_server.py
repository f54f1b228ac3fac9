"""A report on loopback, for one person at this machine; ratings go into a file beside the corpus.

Rules:
    1. It listens on loopback alone, and answers only to loopback's names: a web page elsewhere that has
       bound a name of its own to 127.0.0.1 gets nothing.
    2. What changes anything needs JSON and this page's own origin, so no other page can send it.
    3. Files are those that ``ReportSite.read`` knows by name; no path of a request reaches the disk.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from allbrains.errors import AllbrainsError, ConfigurationError
from allbrains.report.report_site import ReportSite
from allbrains.store import ratings
from allbrains.text import json_of

LOOPBACK = "127.0.0.1"
_LARGEST_BODY = 16_384
_KINDS = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "txt": "text/plain",
    "jpg": "image/jpeg",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class RequestRefusal(Exception):
    """A request that is not answered as asked.

    Attributes:
        status: of the answer.
        sentence: that is its body.
    """

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclass(frozen=True, slots=True)
class Desk:
    """Where ratings are taken in.

    Attributes:
        site: what is rated.
    """

    site: ReportSite

    def rate(self, body: bytes) -> None:
        """Write one rating into the file; an empty one takes it back.

        Raises:
            Refusal: the request means nothing.
            AllbrainsError: the file can't be read or written.
        """
        scan_id, verdict, note = _asked(body)
        place = self.site.places.get(scan_id)
        if place is None:
            raise RequestRefusal(HTTPStatus.NOT_FOUND, "no sample of this id")
        if verdict is None:
            ratings.rate(self.site.root, scan_id, None)
            return
        table = self.site.brains.table
        made = ratings.Rating(
            scan_id=scan_id,
            dataset=table["dataset"][place].as_py(),
            path=table["path"][place].as_py(),
            rating=verdict,
            note=ratings.line(note),
            rated=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        ratings.rate(self.site.root, scan_id, made)


def _asked(body: bytes) -> tuple[str, ratings.Verdict | None, str]:
    try:
        fields: Any = json_of(body)
        scan_id, rating, note = fields["scan_id"], fields["rating"], fields["note"]
        verdict = ratings.Verdict(rating) if rating else None
    except (ValueError, KeyError, TypeError) as error:
        raise RequestRefusal(HTTPStatus.BAD_REQUEST, "expected scan_id, rating and note as JSON") from error
    if not (isinstance(scan_id, str) and isinstance(note, str)):
        raise RequestRefusal(HTTPStatus.BAD_REQUEST, "scan_id and note are texts")
    return scan_id, verdict, note


class _Handler(BaseHTTPRequestHandler):
    desk: ClassVar[Desk]
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "allbrains", ""
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._file)

    def do_HEAD(self) -> None:
        self._answer(self._file)

    def do_POST(self) -> None:
        self._answer(self._rating)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a line for each picture would hide what matters."""

    def _answer(self, make: Any) -> None:
        try:
            if self.headers.get("Host") not in self._hosts():
                raise RequestRefusal(
                    HTTPStatus.MISDIRECTED_REQUEST, "this server answers to loopback's names only"
                )
            kind, data = make()
            self._send(HTTPStatus.OK, kind, data)
        except RequestRefusal as refusal:
            self._send(refusal.status, "text/plain", refusal.sentence.encode())
        except AllbrainsError as error:
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", str(error).encode())

    def _file(self) -> tuple[str, bytes]:
        name = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        data = self.desk.site.read(name)
        if data is None:
            raise RequestRefusal(HTTPStatus.NOT_FOUND, "no such file")
        return _KINDS[name.rpartition(".")[2]], data

    def _rating(self) -> tuple[str, bytes]:
        length = self.headers.get("Content-Length", "")
        if not (length.isdigit() and int(length) <= _LARGEST_BODY):
            self.close_connection = True
            raise RequestRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a rating is a few hundred bytes")
        body = self.rfile.read(int(length))
        if self.path != "/ratings" or not self.desk.site.served:
            raise RequestRefusal(HTTPStatus.NOT_FOUND, "nothing can be sent here")
        if self.headers.get("Origin") not in {f"http://{host}" for host in self._hosts()}:
            raise RequestRefusal(HTTPStatus.FORBIDDEN, "ratings are taken from this server's own page only")
        if self.headers.get_content_type() != "application/json":
            raise RequestRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        self.desk.rate(body)
        return "text/plain", b"saved"

    def _hosts(self) -> set[str]:
        port = self.connection.getsockname()[1]
        return {f"{LOOPBACK}:{port}", f"localhost:{port}"}

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        self.send_response(status)
        text = kind.startswith("text/")
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(data)))
        # pictures never change while it runs; ratings do
        self.send_header("Cache-Control", "max-age=3600" if kind == "image/jpeg" else "no-store")
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went to another page before its picture came."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


@contextmanager
def serving(site: ReportSite, *, port: int = 0) -> Iterator[str]:
    """Serve a report on loopback for as long as the context lasts; give its address.

    Args:
        site: what to serve.
        port: 0 takes any free one.

    Raises:
        ConfigurationError: the port can't be listened on.
    """
    handler = type("Handler", (_Handler,), {"desk": Desk(site)})
    try:
        server = _Server((LOOPBACK, port), handler)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(f"can't listen on {LOOPBACK} port {port}: {error}") from error
    thread = Thread(target=server.serve_forever, name="report", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
