"""A server before another one that changes what one dataset's owner could change: values, not the protocol.

It stands between a client and the local OpenNeuro on loopback, and works on the bytes of the answers. In the
list of datasets it puts other values into the victim's row only; the answers about the victim's files it may
also cut, double or flip bits in.
"""

from __future__ import annotations

import http.client
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import ClassVar
from urllib.parse import urlsplit

_DEEP = b"[" * 3000 + b"]" * 3000
TOKENS = (
    rb'"\ud83d"',
    rb'"\ude00 x"',
    rb'"\ud83d\ud83d"',
    rb'"\u0000"',
    rb'"\u001b[2J\n\t"',
    b'"\xff\xfe"',
    _DEEP,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b"1" + b"0" * 400,
    b"-1",
    b"18446744073709551615",
    b"1e400",
    b"0.5",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"http://["',
    b'"http://[::1"',
    b'"file:///etc/passwd"',
    b'"//\\u0000"',
    b'"https://s3.amazonaws.com:99999999/x"',
    b'"../../../etc/passwd"',
    b'"99999-13-41T99:99:99Z"',
    b'"0000-00-00"',
    b'"' + b"x" * 100_000 + b'"',
    b'"sub-01/anat/sub-\\ud800_T1w.nii.gz"',
    b'"MD5E-s99999999999999999999999999--d41d8cd98f00b204e9800998ecf8427e.nii.gz"',
)
# a value of a JSON text: after a colon, a comma or an opening bracket
_VALUE = re.compile(rb'(?<=[:,\[])\s*(?:"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)(?=[,\]}])')


@dataclass(slots=True, kw_only=True)
class Mutations:
    """What is changed, and how; the same seed and the same questions give the same changes.

    Attributes:
        victim: the dataset with the changed data.
        seed: of the changes.
        chance: that an answer is changed.
        done: what was changed: the kind of answer and the change, to find the cause.
    """

    victim: str
    seed: int
    chance: float = 0.7
    done: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _count: int = 0

    def of_list(self, body: bytes) -> bytes:
        """Return a page of the list with other values in the victim's row."""
        try:
            page = json.loads(body)
            edges = page["data"]["datasets"]["edges"]
        except (ValueError, KeyError, TypeError):
            return body
        rows = [one["node"]["id"] for one in edges]
        if self.victim not in rows:
            return body
        node = json.dumps(edges[rows.index(self.victim)]["node"]).encode()
        edges[rows.index(self.victim)]["node"] = "VICTIM"
        return json.dumps(page).encode().replace(b'"VICTIM"', self.values(node, "list"))

    def values(self, body: bytes, kind: str) -> bytes:
        """Return a JSON text with other values in some places."""
        draw = self._draw()
        if draw.random() > self.chance:
            return body
        for _ in range(draw.randint(1, 3)):
            places = [*_VALUE.finditer(body)]
            if places:
                place, token = draw.choice(places), draw.choice(TOKENS)
                self.done.append(
                    f"{kind}: {body[max(0, place.start() - 40) : place.end()]!r} → {token[:40]!r}"
                )
                body = body[: place.start()] + token + body[place.end() :]
        return body

    def raw(self, body: bytes, kind: str) -> bytes:
        """Return bytes that are cut, doubled, or have flipped bits."""
        draw = self._draw()
        if not body or draw.random() > self.chance:
            return body
        at, length = draw.randrange(len(body)), draw.randint(1, 64)
        change = draw.choice(("flip", "cut", "double", "token"))
        self.done.append(f"{kind}: {change} at {at} of {len(body)}")
        match change:
            case "flip":
                return body[:at] + bytes([body[at] ^ 1 << draw.randrange(8)]) + body[at + 1 :]
            case "cut":
                return body[:at] + body[at + length :]
            case "double":
                return body[: at + length] + body[at:]
            case _:
                return body[:at] + draw.choice(TOKENS) + body[at:]

    def _draw(self) -> random.Random:
        with self._lock:
            self._count += 1
            return random.Random(f"{self.seed} {self._count}")


@contextmanager
def between(server: str, mutations: Mutations) -> Iterator[str]:
    """Stand before a server for as long as the context lasts; give the address to ask instead.

    Args:
        server: ``http://host:port`` of the local OpenNeuro.
        mutations: what is changed on the way.
    """
    handler = type("Handler", (_Between,), {"server_at": urlsplit(server).netloc, "mutations": mutations})
    front = _Front(("127.0.0.1", 0), handler)
    thread = Thread(target=front.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{front.server_address[1]}"
    finally:
        front.shutdown()
        front.server_close()
        thread.join()


class _Front(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away; what a client makes of an answer is what is looked at."""


class _Between(BaseHTTPRequestHandler):
    server_at: ClassVar[str]
    mutations: ClassVar[Mutations]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _pass_on(self, question: bytes) -> None:
        kept = {
            k: v
            for k, v in self.headers.items()
            if k.lower() not in ("host", "accept-encoding", "connection")
        }
        behind = http.client.HTTPConnection(self.server_at, timeout=30)
        behind.request(self.command, self.path, question or None, {**kept, "Connection": "close"})
        answer = behind.getresponse()
        body = self._changed(question, answer.read())
        behind.close()
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in (
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "server",
                    "date",
                ):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the client has heard enough
            self.close_connection = True

    def _changed(self, question: bytes, body: bytes) -> bytes:
        victim = self.mutations.victim
        if not question:
            return self.mutations.raw(body, "file") if f"/{victim}/" in self.path else body
        asked = json.loads(question)
        if asked.get("variables", {}).get("dataset") == victim:
            return self.mutations.values(body, "files")
        return self.mutations.of_list(body)
