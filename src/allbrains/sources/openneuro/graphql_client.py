"""OpenNeuro's GraphQL API: a question in, a typed answer out. Past this file there is no JSON.

The server says "no" in many ways: 400 with a reason, 200 with ``errors`` beside or in place of data, 200
with a bare ``null`` after its own time-out, an HTML page from a gateway in front of it. Each is told
apart here: what may pass is retried, what can't is a ``SourceError``, and what concerns one dataset
only is left in ``Answer.faults`` for the caller.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from allbrains.errors import SourceError, TransientError
from allbrains.sources.openneuro.lenient import UNDECODABLE, decode
from allbrains.sources.openneuro.queries import FieldName, optional, render
from allbrains.sources.snapshot import Misshapen
from allbrains.transfer import Client, Reply
from allbrains.transfer.http_client import Refused, is_busy, retry_after

T = TypeVar("T")
R = TypeVar("R")

KNOWN_VERSION = "5.5.1"
# The largest listing of OpenNeuro has some 30 MB.
MAX_ANSWER_BYTES = 1 << 29

# Final: asking again gives the same answer. Whatever else the server complains of may pass.
_FINAL = re.compile(
    r"does not exist|do not have access|has been deleted|^Not Found$|Invalid git reference", re.IGNORECASE
)
_DELETED = re.compile(r"^Dataset \S+ has been deleted")
_NOT_THERE = re.compile(r"^Dataset \S+ does not exist|^You do not have access", re.IGNORECASE)
_UNKNOWN = re.compile(r'Cannot query field "(\w+)" on type "(\w+)"')


class ApiChanged(SourceError):
    """What answers is not the API that this client was written for; no other question fares better."""


class UnknownField(ApiChanged):
    """The API doesn't know a field or an argument of the question.

    Attributes:
        fields: the fields that it named: of a type, and their own name.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.fields = frozenset((kind, field) for field, kind in _UNKNOWN.findall(message))


class NotThere(SourceError):
    """A dataset is deleted, private or unknown.

    Attributes:
        deleted: its owner has taken it back.
    """

    def __init__(self, message: str, *, deleted: bool) -> None:
        super().__init__(message)
        self.deleted = deleted


class BadShape(ApiChanged, Misshapen):
    """An answer has another shape than this client knows."""


class ApiFault(msgspec.Struct, frozen=True):
    """One entry of an answer's ``errors``."""

    message: str = ""
    path: list[str | int] | None = None
    extensions: dict[str, msgspec.Raw] | None = None

    @property
    def code(self) -> str:
        """The server's code, such as ``DELETED_DATASET``; empty where it gave none."""
        return self._extension("code")

    @property
    def redirect(self) -> str:
        """The URL to which the site redirects from a deleted dataset; mostly empty."""
        return self._extension("redirect")

    @property
    def final(self) -> bool:
        """Whether asking again can't help."""
        return bool(_FINAL.search(self.message)) or self.deleted

    @property
    def deleted(self) -> bool:
        """Whether the owner has taken the dataset back."""
        return self.code == "DELETED_DATASET" or bool(_DELETED.search(self.message))

    @property
    def absent(self) -> bool:
        """Whether the dataset is not there, as opposed to one of its versions."""
        return self.deleted or bool(_NOT_THERE.search(self.message))

    def _extension(self, name: str) -> str:
        raw = (self.extensions or {}).get(name)
        try:
            return str(msgspec.json.decode(raw)) if raw is not None else ""
        except UNDECODABLE:
            return ""


class _Server(msgspec.Struct, frozen=True):
    version: str = ""


class _Extensions(msgspec.Struct, frozen=True):
    openneuro: _Server = _Server()


class _Envelope(msgspec.Struct, Generic[T], frozen=True):
    data: T | None = None
    errors: list[ApiFault] | None = None
    extensions: _Extensions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What the server said.

    Attributes:
        data: its answer, typed; parts of it may be null.
        faults: what it complained of.
        version: of the server.
    """

    data: T
    faults: tuple[ApiFault, ...]
    version: str

    def complaint(self) -> str:
        """Return all faults in one line."""
        return "; ".join(fault.message for fault in self.faults) or "null without a reason"

    def reject(self) -> TransientError | SourceError:
        """Return the error for an answer without the part that was asked for."""
        if absent := [fault for fault in self.faults if fault.absent]:
            target = next((fault.redirect for fault in absent if fault.redirect), "")
            message = f"{self.complaint()} → {target}" if target else self.complaint()
            return NotThere(message, deleted=any(fault.deleted for fault in absent))
        if any(fault.final for fault in self.faults):
            return SourceError(self.complaint())
        return TransientError(self.complaint())

    def refusal(self, alias: str) -> str:
        """Return why one of several things asked for is null and will stay so.

        Raises:
            TransientError: it may come on the next question.
        """
        faults = [fault for fault in self.faults if alias in (fault.path or ())]
        for fault in faults:
            if fault.final:
                return fault.message
        raise TransientError("; ".join(fault.message for fault in faults) or "null without a reason")


class Api:
    """The API at one address, asked by at most ``at_once`` threads at a time.

    Attributes:
        version: of the server, as its last answer said; empty before the first.
        answered: whether it ever answered anything.
        lost: fields that it no longer knows, so that they are not asked for again.
    """

    def __init__(self, client: Client, url: str, *, at_once: int = 4) -> None:
        self.client, self.url = client, url
        self.version, self.answered = "", False
        self.lost: frozenset[FieldName] = frozenset()
        self._turns = threading.BoundedSemaphore(at_once)
        self._judging = threading.Lock()

    def ask(
        self,
        document: str,
        variables: Mapping[str, object],
        shape: type[T],
        judge: Callable[[Answer[T]], R],
        *,
        attempts: int = 0,
    ) -> R:
        """Ask until ``judge`` takes the answer, and return what it makes of it.

        A field that the question can do without, and that the API no longer knows, goes to ``lost``.

        Args:
            document: one query, as in ``queries``.
            variables: its variables.
            shape: what ``data`` is decoded to.
            judge: raises a ``TransientError`` for an answer that is worth another question.
            attempts: tries; 0 for the client's own number.

        Raises:
            TransientError: after the last try.
            UnknownField: the API doesn't know what the question can't do without.
            ApiChanged: the API refuses the question, or its answer has another shape.
            SourceError: ``judge`` says so.
        """
        while True:
            question = {"query": render(document, self.lost), "variables": dict(variables)}
            try:
                return self._until(json.dumps(question).encode(), shape, judge, attempts)
            except UnknownField as error:
                lost = (error.fields & optional(document)) - self.lost
                if not lost:
                    raise
                self.lost |= lost

    def _until(self, body: bytes, shape: type[T], judge: Callable[[Answer[T]], R], attempts: int) -> R:
        for attempt in self.client.network.tries(attempts):
            with attempt:
                with self._turns:
                    reply = self._post(body)
                return self._judge(reply, shape, judge)
        raise AssertionError("stamina returns or raises")

    def _post(self, body: bytes) -> Reply:
        try:
            reply = self.client.post(self.url, body, limit=MAX_ANSWER_BYTES)
        except Refused as error:
            raise ApiChanged(str(error)) from error
        self.answered = True
        return reply

    def _judge(self, reply: Reply, shape: type[T], judge: Callable[[Answer[T]], R]) -> R:
        try:
            # One at a time: it is Python's own work, and the largest listing takes 100 MB until
            # ``judge`` has picked what it needs.
            with self._judging:
                return judge(self._answer(reply, shape))
        except msgspec.ValidationError as error:
            raise BadShape(
                f"{self.url} answers in a shape that this version doesn't know ({error}); "
                f"it was written for OpenNeuro {KNOWN_VERSION}"
            ) from error

    def _answer(self, reply: Reply, shape: type[T]) -> Answer[T]:
        if is_busy(reply.status):
            wait_s = retry_after(reply.headers)
            asked = f" and asks to wait {wait_s:.0f} s" if wait_s else ""
            raise TransientError(f"{self.url} answered {reply.status}{asked}", retry_after_s=wait_s)
        if not reply.headers.get("content-type", "").startswith("application/"):
            message = f"{self.url} answered {reply.status} with something other than JSON"
            raise ApiChanged(message) if reply.status >= 400 else TransientError(message)
        try:
            envelope = decode(reply.body, _Envelope[shape])  # type: ignore[valid-type]
        except msgspec.ValidationError:
            raise
        except UNDECODABLE as error:
            raise TransientError(f"{self.url} answered broken JSON: {error}") from error
        return self._judged(reply.status, envelope)

    def _judged(self, status: int, envelope: _Envelope[T]) -> Answer[T]:
        faults = tuple(envelope.errors or ())
        version = envelope.extensions.openneuro.version if envelope.extensions else ""
        self.version = version or self.version
        complaint = "; ".join(fault.message for fault in faults)
        # GraphQL servers other than today's refuse a question with status 200 and no data
        unknown = envelope.data is None and bool(_UNKNOWN.search(complaint))
        if status >= 400 or unknown:
            code = next((fault.code for fault in faults if fault.code), str(status))
            kind = UnknownField if unknown or code == "GRAPHQL_VALIDATION_FAILED" else ApiChanged
            raise kind(
                f"{self.url} refuses the question ({code}: {complaint or 'no reason given'}); it is "
                f"OpenNeuro {version or 'of no known version'}, this client was written for {KNOWN_VERSION}"
            )
        if envelope.data is None:
            raise TransientError(f"{self.url} answered without data: {complaint or 'no reason given'}")
        return Answer(data=envelope.data, faults=faults, version=version)
