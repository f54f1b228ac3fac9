"""The sandbox as one server in a thread of this process."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from allbrains.errors import ConfigurationError
from allbrains.sandbox import graphql_http, s3_bucket, s3_objects
from allbrains.sandbox.archive import Archive
from allbrains.sandbox.faults import Faults
from allbrains.sandbox.folder_archive import FolderArchive
from allbrains.sandbox.traffic import BUCKET_PATH, GRAPHQL_PATH, Fault, Latency, Requests, Traffic
from allbrains.sandbox.wires import Wires

_STOP_AFTER_S = 2  # given to answers that are on their way when the sandbox is closed
_ANY_METHOD = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox that is up.

    Attributes:
        api: URL of its GraphQL endpoint, for ``--api``.
        bucket: URL of its bucket, for ``--bucket``.
        requests: what it was asked for, counted.
        faults: that are switched on, with what they did.
    """

    api: str
    bucket: str
    requests: Requests
    faults: Faults


def application(
    archive: Archive,
    requests: Requests,
    *,
    faults: Sequence[Fault] = (),
    switched: Faults | None = None,
    hosts: Sequence[str] = ("*",),
) -> Starlette:
    """Return the sandbox as an ASGI application.

    Args:
        archive: what is served.
        requests: where requests are counted.
        faults: misbehaviours, the first one outermost.
        switched: known misbehaviours, behind the others.
        hosts: values of the Host header that are answered. Naming them keeps web pages that have
            bound a name of their own to the loopback address from reading private datasets.
    """
    switched = switched or Faults()
    crn = [
        Route("/graphql", graphql_http.graphql, methods=["GET", "POST"]),
        Route("/datasets/{dataset}/objects/{id}", s3_objects.object_by_id),
        Route("/datasets/{dataset}/snapshots/{tag}/files/{path:path}", s3_objects.file_of_snapshot),
        Route("/", _health),
    ]
    app = Starlette(
        routes=[
            Mount("/crn", routes=crn),
            Route("/{bucket}", s3_bucket.bucket, methods=_ANY_METHOD),
            Route("/{bucket}/{key:path}", s3_bucket.bucket, methods=_ANY_METHOD),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(Traffic, requests=requests, faults=(*faults, *switched.on_wire())),
        ],
    )
    app.state.archive = switched.archive(archive)
    app.state.stock = switched.bucket(app.state.archive)
    app.state.service = switched.service()
    app.state.wires = Wires()
    return app


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


@contextmanager
def serve(
    source: Path | str | Archive,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: Sequence[Fault] = (),
    switches: Sequence[str] = (),
    seed: int = 0,
    latency_s: float = 0.0,
) -> Iterator[Sandbox]:
    """Serve datasets for as long as the context lasts.

    Args:
        source: a folder with BIDS datasets in it, one BIDS dataset, or an archive of another kind.
        host: address to listen on.
        port: 0 takes any free one.
        faults: misbehaviours of one's own, the first one outermost.
        switches: known misbehaviours, ``NAME[:SHARE[:TIMES]]``; see ``faults.table``.
        seed: of the draw of the subjects that a fault hits.
        latency_s: each answer is held back so long, seconds.

    Raises:
        ConfigurationError: the folder holds no dataset, a switch means nothing, or the address can't be
            listened on.
    """
    switched = Faults(switches, seed=seed)
    archive = FolderArchive(Path(source)) if isinstance(source, str | Path) else source
    requests = Requests()
    late: tuple[Fault, ...] = (Latency(latency_s),) if latency_s else ()
    with _listening(host, port) as listener:
        address, bound = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        loopback = ip_address(address).is_loopback
        hosts = (shown, "localhost", "127.0.0.1") if loopback else ("*",)
        app = application(archive, requests, faults=(*late, *faults), switched=switched, hosts=hosts)
        base = f"http://{shown}:{bound}"
        with _running(app, listener):
            yield Sandbox(
                api=base + GRAPHQL_PATH, bucket=base + BUCKET_PATH, requests=requests, faults=switched
            )


@contextmanager
def _running(app: Starlette, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        app,
        http=app.state.wires.protocol,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_STOP_AFTER_S,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the sandbox's thread ended before it was up")
        time.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(f"the sandbox can't listen on {host} port {port}: {error}") from error
    # inherited by each connection: else the kernel holds every answer's body back for 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
