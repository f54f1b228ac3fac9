"""One pooled HTTP client that talks to the origins it was given, and to no others.

Its rules:
* Every URL, a redirect's target included, must start with an allowed origin: URLs come from a server's
  answer, and an answer must not make this machine ask its neighbours.
* TLS is always verified; a certificate that fails is final, not a reason to try without.
* Each wait has an end: connecting, each read, and a minimum speed over a window.
* Exceptions of urllib3 end here: ``TransientError`` (worth another try) or ``Refused`` (this URL is not).
"""

from __future__ import annotations

import email.utils
import logging
import mmap
import os
import re
import ssl
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stamina
import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, LocationValueError, SSLError

from allbrains.errors import AllbrainsError, ConfigurationError, NoSpace, SourceError, TransientError
from allbrains.version import VERSION

OPENNEURO_ORIGINS = (
    "https://openneuro.org/crn/",
    "https://s3.amazonaws.com/openneuro.org/",
    "https://openneuro.org.s3.amazonaws.com/",
)

_BUSY = frozenset({408, 425, 429})  # and every 5xx
_NEVER = frozenset({501, 505})  # the server can't, and won't be able to in a minute
_MAX_REDIRECTS = 5
LONGEST_WAIT_S = 1e10  # seconds; three centuries: an error tells it, nobody waits for it
_CHUNK = 1 << 18
_IN_MEMORY = 1 << 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# stamina reports each retry through this logger; without a handler Python would print it bare
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Refused(AllbrainsError):
    """This URL refuses for good; retrying can't help. Never leaves ``transfer``'s callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a client may reach and how patient it is; plain values, so that it can go to a child process.

    Attributes:
        origins: URL prefixes that may be asked; each ends in a slash.
        roots: folders that ``file://`` URLs may point into; none by default.
        contact: an address of the person who runs this, for the User-Agent.
        connections: kept open to one host.
        connect_s: time-out for a connection, seconds.
        read_s: time-out for each read, seconds.
        slowest_bytes_per_s: below this over ``window_s`` a delivery is given up and resumed.
        window_s: seconds over which the speed is judged.
        attempts: tries of one request, without progress, before it counts as failed.
        wait_s: before the second try, seconds; doubles each time, with jitter.
        patience_s: the longest wait that a server may ask for (``Retry-After``), seconds.
    """

    origins: tuple[str, ...] = OPENNEURO_ORIGINS
    roots: tuple[str, ...] = ()
    contact: str = ""
    connections: int = 16
    connect_s: float = 10.0
    read_s: float = 30.0
    slowest_bytes_per_s: float = 10_000.0
    window_s: float = 60.0
    attempts: int = 5
    wait_s: float = 0.5
    patience_s: float = 120.0

    @property
    def user_agent(self) -> str:
        """The User-Agent header: program, version and contact."""
        contact = self.contact or "no contact given"
        return f"allbrains/{VERSION} (OpenNeuro crawler; {contact})"

    def tries(self, attempts: int = 0) -> Iterable[stamina.Attempt]:
        """Return context managers, one a try; a ``TransientError`` inside leads to the next one."""
        return stamina.retry_context(
            on=self._pause,
            attempts=attempts or self.attempts,
            timeout=None,
            wait_initial=self.wait_s,
            wait_max=32 * self.wait_s,
            wait_jitter=self.wait_s,
        )

    def _pause(self, error: Exception) -> bool | float:
        """Return whether to try again, or how many seconds to wait before (stamina's hook)."""
        if not isinstance(error, TransientError) or error.retry_after_s > self.patience_s:
            return False
        return error.retry_after_s or True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer: its status, its headers in lower case, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray | mmap.mmap


class Client:
    """A pooled client; safe to share between threads, not between processes."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network or Network()
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._stopped = False

    def post(self, url: str, body: bytes, *, limit: int) -> Reply:
        """Send ``body`` as JSON and return the answer, of any status, unpacked to at most ``limit`` bytes.

        Raises:
            TransientError: no answer came, or it broke off.
            Refused: the URL is not allowed, or its certificate is not valid.
            SourceError: the answer is longer than ``limit``.
        """
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        with self._open("POST", url, headers, body) as response:
            answer = _collected(_limited(self.chunks(response, decode=True), url, limit))
            return Reply(status=response.status, headers=_lower(response), body=answer)

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[urllib3.BaseHTTPResponse]:
        """Open ``url`` for reading; the body is what was published, byte for byte.

        Yields:
            a response of status 200 or 206 with a body that has not been read (see ``chunks``).

        Raises:
            TransientError: no answer came, or the server is busy (with the wait that it asked for).
            Refused: the server says no, or what it offers is not the file itself.
        """
        with self._open("GET", url, {"Accept-Encoding": "identity", **(headers or {})}, None) as response:
            if response.status not in (200, 206):
                raise _refusal(response, url)
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding != "identity":
                raise Refused(f"{url} delivers the file in another encoding: {encoding}")
            yield response

    def chunks(self, response: urllib3.BaseHTTPResponse, *, decode: bool = False) -> Iterator[bytes]:
        """Yield the body as it comes in.

        Raises:
            TransientError: it broke off, stood still, or came slower than the network's limit.
        """
        url = response.url or "the server"
        since, arrived = time.monotonic(), 0
        while True:
            try:
                # read1: one read of the socket. read(n) would wait for n bytes, and a server that
                # drips a byte a second would hold it for days without a time-out.
                chunk = response.read1(_CHUNK, decode_content=decode)
            except HTTPError as error:
                raise _translated(error, url) from error
            if not chunk:
                return
            yield chunk
            arrived += len(chunk)
            now = time.monotonic()
            if now - since >= self.network.window_s:
                if arrived < self.network.slowest_bytes_per_s * (now - since):
                    raise TransientError(f"{bare(url)} sent {arrived} bytes in {now - since:.0f} s: too slow")
                since, arrived = now, 0

    def allows(self, url: str) -> bool:
        """Return whether ``url`` lies under an allowed origin."""
        return any(_lies_under(url, origin) for origin in self.network.origins)

    def local(self, url: str) -> Path:
        """Return the file that a ``file://`` URL names.

        Raises:
            Refused: it lies in none of the folders that this client may read. Links in them may lead
                anywhere: git-annex and shared disks work that way, and the folder is the user's own.
        """
        path = Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
        if ".." in path.parts or not any(path.is_relative_to(root) for root in self.network.roots):
            raise Refused(f"{url} lies outside the folders that may be read")
        return path

    def stop(self) -> None:
        """Ask nothing any more, and refuse every caller: the run is broken off."""
        self._stopped = True

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.clear()

    @contextmanager
    def _open(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        response = self._follow(method, url, {**headers, "User-Agent": self.network.user_agent}, body)
        try:
            yield response
        finally:
            _let_go(response)

    def _follow(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        for _ in range(_MAX_REDIRECTS + 1):
            if self._stopped:
                raise Refused(f"{bare(url)} is not asked any more: the run was broken off")
            if not self.allows(url):
                raise Refused(f"{bare(url)} is not one of the addresses that this run may ask")
            response = self._request(method, url, headers, body)
            target = response.get_redirect_location()
            if not target:
                return response
            _let_go(response)
            if method != "GET":
                raise Refused(f"{bare(url)} wants to send a question on to {bare(target)}")
            try:
                url = urllib.parse.urljoin(url, target)
            except ValueError as error:
                raise Refused(f"{bare(url)} redirects to what is not a URL") from error
        raise Refused(f"{bare(url)}: more than {_MAX_REDIRECTS} redirects")

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=self.network.connect_s, read=self.network.read_s)
        options: dict[str, Any] = {"retries": False, "redirect": False, "preload_content": False}
        try:
            return self._pool(url).request(
                method, url, body=body, headers=headers, timeout=timeout, **options
            )
        except (LocationParseError, LocationValueError) as error:
            raise Refused(f"not a URL: {url!r}") from error
        except HTTPError as error:
            raise _translated(error, url) from error
        except ValueError as error:  # a host of no alphabet, a number of no port
            raise Refused(f"not a URL: {url!r} ({error})") from error

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Return the pool for a URL: straight, or through the environment's proxy as other tools do."""
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        direct = host in _LOOPBACK or bool(urllib.request.proxy_bypass(host))
        proxy = "" if direct else urllib.request.getproxies().get(parts.scheme, "")
        if proxy not in self._pools:
            size: dict[str, Any] = {"num_pools": 8, "maxsize": self.network.connections, "block": True}
            self._pools[proxy] = urllib3.ProxyManager(proxy, **size) if proxy else urllib3.PoolManager(**size)
        return self._pools[proxy]


def origin_of(url: str) -> str:
    """Return a base URL as an allowed origin: checked, without query, with a slash at its end.

    Raises:
        ConfigurationError: not an absolute http or https URL, or one with a password in it.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018  (reading it is the check)
    except ValueError as error:
        raise ConfigurationError(f"not a URL: {url!r} ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(f"not a URL of a service: {url!r}; it looks like https://host/path")
    if parts.username is not None:
        raise ConfigurationError(f"a URL with a user name or password in it is not taken: {bare(url)!r}")
    return url.rstrip("/") + "/"


def file_root(folder: Path) -> str:
    """Return a folder as an entry of ``Network.roots``."""
    return os.path.abspath(folder)


def bare(url: str) -> str:
    """Return a URL for people: without query (signatures live there), user and control characters."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return "what is not a URL"
    text = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return re.sub(r"[\x00-\x20\x7f]", "?", text)


def _lies_under(url: str, origin: str) -> bool:
    try:
        asked, allowed = urllib.parse.urlsplit(url), urllib.parse.urlsplit(origin)
        same = (asked.scheme, asked.hostname, asked.port) == (allowed.scheme, allowed.hostname, allowed.port)
    except ValueError:
        return False
    path = urllib.parse.unquote(asked.path)
    plain = ".." not in path.split("/") and "\\" not in path and asked.username is None
    # the service's own address has no slash at its end: …/crn/graphql lies under …/crn/graphql/
    return same and plain and f"{path}/".startswith(allowed.path)


def _limited(chunks: Iterator[bytes], url: str, limit: int) -> Iterator[bytes]:
    arrived = 0
    for chunk in chunks:
        arrived += len(chunk)
        if arrived > limit:
            raise SourceError(f"{url} answered with more than {limit} bytes")
        yield chunk


def _collected(chunks: Iterator[bytes]) -> bytearray | mmap.mmap:
    """Return a body: in memory, or a large one in a file without a name.

    A large answer thus takes no memory while it waits to be decoded, and none of it stays behind: the heap
    of a thread that once held 30 MB keeps them.
    """
    start = bytearray()
    for chunk in chunks:
        start += chunk
        if len(start) > _IN_MEMORY:
            break
    else:
        return start
    try:
        with tempfile.TemporaryFile() as file:
            file.write(start)
            file.writelines(chunks)
            file.flush()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise NoSpace(f"no place for a large answer in {tempfile.gettempdir()}: {error.strerror}") from error


def _let_go(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back: open if the body was read whole, else closed, so that its place is free."""
    response.close()
    response.release_conn()


def _lower(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    return {key.lower(): value for key, value in response.headers.items()}


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that a ``Retry-After`` header asks for (number or date), 0 where there is none.

    At most ``LONGEST_WAIT_S``: whoever asks for 10^400 seconds asks for a pause, not for an error.
    """
    text = headers.get("retry-after", headers.get("Retry-After", "")).strip()
    if re.fullmatch(r"[0-9]+(?:\.[0-9]*)?", text):
        return min(float(text), LONGEST_WAIT_S)
    try:
        moment = email.utils.parsedate_tz(text) if text else None
        wait_s = email.utils.mktime_tz(moment) - time.time() if moment else 0.0
    except (ValueError, OverflowError):  # a year of no calendar
        return 0.0
    return min(max(0.0, wait_s), LONGEST_WAIT_S)


def is_busy(status: int) -> bool:
    """Return whether a status means: try again later."""
    return status in _BUSY or (status >= 500 and status not in _NEVER)


def _refusal(response: urllib3.BaseHTTPResponse, url: str) -> Refused | TransientError:
    message = f"{bare(url)} answered {response.status}"
    if is_busy(response.status):
        wait_s = retry_after(_lower(response))
        asked = f" and asks to wait {wait_s:.0f} s" if wait_s else ""
        return TransientError(message + asked, retry_after_s=wait_s)
    return Refused(message)


def _translated(error: HTTPError, url: str) -> Refused | TransientError:
    cause = error.args[0] if isinstance(error, SSLError) and error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Refused(f"{bare(url)}: the server's certificate is not valid: {cause.verify_message}")
    return TransientError(f"{bare(url)} can't be read: {_plain(error)}")


def _plain(error: HTTPError) -> str:
    """Return what went wrong without urllib3's object in front of it."""
    return re.sub(r"\A(?:<[^>]*>|\w+\([^)]*\)): ", "", str(error)) or type(error).__name__
