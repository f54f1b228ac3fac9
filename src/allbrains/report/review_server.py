"""A report on loopback, for one person at this machine; ratings go into a file beside the corpus.

Rules:
    1. It listens on loopback alone, and answers only to loopback's names and those that its owner gave: a
       web page elsewhere that has bound a name of its own to 127.0.0.1 gets nothing.
    2. What changes anything needs JSON and this page's own origin, so no other page can send it.
    3. Files are those that ``ReportSite.read`` knows by name; no path of a request reaches the disk.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from allbrains.errors import AllbrainsError, ConfigurationError, CorpusError
from allbrains.report.report_site import ReportSite
from allbrains.store import ratings
from allbrains.text import json_of

LOOPBACK = "127.0.0.1"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?:[0-9]{1,5}\Z")
_LARGEST_BODY = 16_384
_LARGEST_TABLE = 1 << 24  # of ratings that are read in: a hundred thousand rows
_KINDS = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "txt": "text/plain",
    "jpg": "image/jpeg",
    "png": "image/png",
    "tsv": "text/tab-separated-values",
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
        """Write one rating into the file; one without a rating and a note takes it back.

        Raises:
            RequestRefusal: the request means nothing, or somebody else has rated the scan meanwhile.
            AllbrainsError: the file can't be read or written.
        """
        asked = _asked(body)
        place = self.site.places.get(asked.scan_id)
        if place is None:
            raise RequestRefusal(HTTPStatus.NOT_FOUND, "no sample of this id")
        table = self.site.brains.table
        made = ratings.Rating(
            scan_id=asked.scan_id,
            dataset=table["dataset"][place].as_py(),
            path=table["path"][place].as_py(),
            rating=asked.verdict,
            note=ratings.line(asked.note),
            rated=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            kept = made if made.rating or made.note else None
            ratings.rate(self.site.root, asked.scan_id, kept, seen=asked.seen)
        except ratings.RatedMeanwhile as error:
            raise RequestRefusal(HTTPStatus.CONFLICT, str(error)) from error

    def table(self) -> bytes:
        """Return all ratings as the text of a file.

        Raises:
            CorpusError: the file is no table of ratings.
        """
        return ratings.written(ratings.read(self.site.root).values()).encode()

    def merge(self, body: bytes) -> str:
        """Add the ratings of a file's text to this corpus'; return what became of its rows, for people.

        Raises:
            RequestRefusal: it is no such table.
            AllbrainsError: the file can't be read or written.
        """
        try:
            others = ratings.parse(body.decode("utf-8-sig"), Path("this file"))
        except (CorpusError, UnicodeDecodeError) as error:
            raise RequestRefusal(HTTPStatus.BAD_REQUEST, str(error)) from error
        merged = ratings.merge(self.site.root, others, self.site.places.keys())
        return (
            f"{len(others)} rows read: {merged.added} new, {merged.replaced} newer than ours, "
            f"{merged.kept} same or older, {merged.unknown} of scans that are no samples here"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    scan_id: str
    verdict: ratings.Verdict
    note: str
    seen: tuple[str, str]


def _asked(body: bytes) -> _Asked:
    try:
        fields: Any = json_of(body)
        verdict = ratings.Verdict(fields["rating"])
        words = [fields["scan_id"], fields["note"], *fields["seen"]]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestRefusal(
            HTTPStatus.BAD_REQUEST, "expected scan_id, rating, note and seen as JSON"
        ) from error
    if len(words) != 4 or not all(isinstance(one, str) for one in words):
        raise RequestRefusal(
            HTTPStatus.BAD_REQUEST, "scan_id and note are texts, seen is a rating and a note"
        )
    scan_id, note, *seen = words
    return _Asked(scan_id=scan_id, verdict=verdict, note=note, seen=(seen[0], seen[1]))


class _Handler(BaseHTTPRequestHandler):
    desk: ClassVar[Desk]
    further_hosts: ClassVar[frozenset[str]] = frozenset()
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
        if name == ratings.NAME and self.desk.site.served:
            data: bytes | None = self.desk.table()
        else:
            data = self.desk.site.read(name)
        if data is None:
            raise RequestRefusal(HTTPStatus.NOT_FOUND, "no such file")
        return _KINDS[name.rpartition(".")[2]], data

    def _rating(self) -> tuple[str, bytes]:
        table = self.path == f"/{ratings.NAME}"
        length = self.headers.get("Content-Length", "")
        if not (length.isdigit() and int(length) <= (_LARGEST_TABLE if table else _LARGEST_BODY)):
            self.close_connection = True
            raise RequestRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a rating is a few hundred bytes")
        body = self.rfile.read(int(length))
        if not (table or self.path == "/ratings") or not self.desk.site.served:
            raise RequestRefusal(HTTPStatus.NOT_FOUND, "nothing can be sent here")
        if self.headers.get("Origin") not in {f"http://{host}" for host in self._hosts()}:
            raise RequestRefusal(HTTPStatus.FORBIDDEN, "ratings are taken from this server's own page only")
        expected = _KINDS["tsv"] if table else "application/json"  # neither can a form of another page send
        if self.headers.get_content_type() != expected:
            raise RequestRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {expected}")
        if table:
            return "text/plain", self.desk.merge(body).encode()
        self.desk.rate(body)
        return "text/plain", b"saved"

    def _hosts(self) -> set[str]:
        port = self.connection.getsockname()[1]
        return {f"{LOOPBACK}:{port}", f"localhost:{port}", *self.further_hosts}

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        self.send_response(status)
        text = kind.startswith("text/")
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(data)))
        # pictures never change while it runs; ratings do
        self.send_header("Cache-Control", "max-age=3600" if kind.startswith("image/") else "no-store")
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
def serving(site: ReportSite, *, port: int = 0, host_names: Sequence[str] = ()) -> Iterator[str]:
    """Serve a report on loopback for as long as the context lasts; give its address.

    Args:
        site: what to serve.
        port: 0 takes any free one.
        host_names: further addresses, ``name:port``, that a browser may call this server by: those of a
            tunnel. It listens on loopback all the same.

    Raises:
        ConfigurationError: the port can't be listened on, or an address is none.
    """
    for name in host_names:
        if not _HOST.match(name):
            raise ConfigurationError(f"{name[:80]!r} is no address of a page: expected NAME:PORT")
    known = {"desk": Desk(site), "further_hosts": frozenset(host_names)}
    handler = type("Handler", (_Handler,), known)
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
