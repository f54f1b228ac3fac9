"""A server on loopback that plays a script: what it answers to the first, second … request for a path."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from allbrains.transfer import Client, Network


@dataclass
class Play:
    """One answer.

    Attributes:
        promise: Content-Length to announce, where it isn't the body's own; -1 for none.
        cut: after the body, reset the connection.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    promise: int | None = None
    cut: bool = False


Script = Callable[[BaseHTTPRequestHandler, int], Play]


class Stage:
    def __init__(self, port: int):
        self.url = f"http://127.0.0.1:{port}"
        self.scripts: dict[str, Script] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def on(self, path: str, *plays: Play) -> str:
        """Play these answers in turn, the last one for ever; return the URL."""
        return self.script(path, lambda request, number: plays[min(number, len(plays) - 1)])

    def script(self, path: str, script: Script) -> str:
        self.scripts[path] = script
        return self.url + path

    def times(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stage: Stage

    def do_GET(self):
        path = self.path.partition("?")[0]
        number = self.stage.times(path)
        self.stage.asked.append((path, {k.lower(): v for k, v in self.headers.items()}))
        if length := int(self.headers.get("Content-Length", 0)):
            self.rfile.read(length)
        play = self.stage.scripts[path](self, number)
        self.send_response(play.status)
        for name, value in play.headers.items():
            self.send_header(name, value)
        if play.promise != -1:
            self.send_header("Content-Length", str(len(play.body) if play.promise is None else play.promise))
        else:
            self.close_connection = True
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client may have had enough
            self.wfile.write(play.body)
            self.wfile.flush()
        if play.cut:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    do_POST = do_GET

    def log_message(self, *args):
        pass


CERTIFICATE = Path(__file__).with_name("loopback.pem")  # for 127.0.0.1, signed by itself, with its key


@contextlib.contextmanager
def serving(*, tls: bool = False) -> Iterator[Stage]:
    handler = type("ThisHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda request, address: None
    handler.stage = Stage(server.server_port)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        handler.stage.url = handler.stage.url.replace("http:", "https:")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield handler.stage
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with serving() as stage:
        yield stage


@pytest.fixture
def client(stage: Stage) -> Iterator[Client]:
    client = Client(Network(origins=(stage.url + "/",), wait_s=0.0, attempts=3, read_s=2.0))
    yield client
    client.close()
