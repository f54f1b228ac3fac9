"""A dataset repository of the Hugging Face Hub.

Each commit is bound to the commit that the plan was made from: if that is no longer the head, because
another process was quicker or because our own answer was lost, the Hub refuses (412) and the plan is made
anew from what is there. So nothing is committed twice. The token is the Hub client's own affair
(``HF_TOKEN`` or ``hf auth login``); it is not read here and can't be shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import disable_progress_bars

from allbrains.errors import AllbrainsError, ConfigurationError, SourceError, TransientError
from allbrains.publish.commits import Commit, CommitLimits, Held
from allbrains.records import Algorithm, Digest
from allbrains.version import VERSION

_Answer = TypeVar("_Answer")
# Upper bounds for hf_xet, bytes and files at once
_XET = {
    "HF_XET_SHARD_CACHE_SIZE_LIMIT": "1000000000",
    "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
    "HF_XET_DATA_MAX_CONCURRENT_FILE_INGESTION": "2",
    "HF_XET_FIXED_UPLOAD_CONCURRENCY": "4",
}
_TRANSIENT = (408, 409, 412, 425, 429)


@dataclass(slots=True, kw_only=True)
class HubTarget:
    """A dataset repository.

    Attributes:
        repository: ``user/name``.
        api: the Hub's client.
        limits: of a commit.
        head: the commit that ``held`` was last read at.
    """

    repository: str
    api: HfApi
    limits: CommitLimits = field(default_factory=CommitLimits)
    head: str = ""

    @classmethod
    def of(cls, repository: str) -> HubTarget:
        """Return a repository of the Hub that ``HF_ENDPOINT`` names, or of the real one."""
        disable_progress_bars()
        for name, value in _XET.items():  # read when the first upload begins; a value that is set stays
            os.environ.setdefault(name, value)
        return cls(repository=repository, api=HfApi(library_name="allbrains", library_version=VERSION))

    @property
    def hurried(self) -> bool:
        """The Hub bounds the commits of an hour."""
        return True

    def prepare(self) -> None:
        """Make the repository, private."""
        with _translating(self.where()):
            self.api.create_repo(self.repository, repo_type="dataset", private=True, exist_ok=True)

    def held(self) -> Mapping[str, Held]:
        """Return the files at the head, and keep the head in mind."""
        with _translating(self.where()):
            try:
                head = self.api.repo_info(self.repository, repo_type="dataset").sha or ""
                tree = self.api.list_repo_tree(
                    self.repository, recursive=True, revision=head, repo_type="dataset"
                )
                found = {file.path: _held(file) for file in tree if isinstance(file, RepoFile)}
            except (RepositoryNotFoundError, RevisionNotFoundError):
                return {}
        self.head = head
        return found

    def read(self, name: str) -> bytes:
        """Return a small file at the head."""
        with _translating(self.where()):
            path = self.api.hf_hub_download(
                self.repository, name, repo_type="dataset", revision=self.head or None
            )
            with open(path, "rb") as file:
                return file.read()

    def commit(self, commit: Commit, message: str) -> None:
        """Send the files and make the commit, if the head is still the one that was read."""
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(path_in_repo=item.name, path_or_fileobj=str(item.path)) for item in commit.adds
        ]
        operations += [CommitOperationDelete(path_in_repo=name) for name in commit.removes]
        with _translating(self.where()):
            self.api.create_commit(
                self.repository,
                operations,
                commit_message=message,
                repo_type="dataset",
                parent_commit=self.head or None,
                num_threads=2,
            )

    def recent(self) -> list[float]:
        """Return when the commits were made."""
        with _translating(self.where()):
            made = self.api.list_repo_commits(self.repository, repo_type="dataset")
        return [one.created_at.timestamp() for one in made]

    def public(self) -> bool:
        """Return whether everybody can read it; False where there is no such repository."""
        with _translating(self.where()):
            try:
                return self.api.repo_info(self.repository, repo_type="dataset").private is False
            except RepositoryNotFoundError:
                return False

    def make_public(self) -> None:
        """Let everybody read it."""
        with _translating(self.where()):
            self.api.update_repo_settings(self.repository, repo_type="dataset", private=False)

    def where(self) -> str:
        """Return the address."""
        return f"hf://{self.repository}"

    def shown(self) -> str:
        """Return the address."""
        return self.where()


def _held(file: RepoFile) -> Held:
    """Return a file of the repository: what lies in large-file storage has a SHA-256, the rest git's id."""
    if file.lfs is not None:
        digest = Digest(algorithm=Algorithm.SHA256, hexdigest=file.lfs.sha256)
        return Held(size=file.lfs.size, digest=digest)
    return Held(size=file.size, digest=Digest(algorithm=Algorithm.GIT_SHA1, hexdigest=file.blob_id))


@contextmanager
def _translating(where: str) -> Iterator[None]:
    """Translate what the Hub's client raises."""
    try:
        yield
    except AllbrainsError:
        raise
    except LocalTokenNotFoundError as error:
        raise ConfigurationError(f"{where}: no token; set HF_TOKEN or run `hf auth login`") from error
    except _troubles() as error:
        raise _translated(error, where) from error


def _troubles() -> tuple[type[BaseException], ...]:
    """Return what a call may raise; which HTTP library it is changes with the Hub's client."""
    loaded = (sys.modules.get(name) for name in ("httpx", "httpx2"))
    return (OSError, RuntimeError, ValueError, *(one.HTTPError for one in loaded if one is not None))


def _translated(error: BaseException, where: str) -> AllbrainsError:
    response = _first(error, _response)
    if response is not None:
        status = response.status_code
        said = f"{where}: the Hub answers {status}: {_sentence(response)}"
        if status in _TRANSIENT or status >= 500:
            return TransientError(said, retry_after_s=_asked(response.headers))
        if status in (401, 403, 404):
            return ConfigurationError(f"{said}; is the token one that may write there?")
        return SourceError(said)
    if _first(error, lambda one: one if isinstance(one, FileNotFoundError) else None):
        return SourceError(f"{where}: {error}")
    said = f"{where}: {type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    return SourceError(said) if isinstance(error, ValueError) else TransientError(said)


def _first(error: BaseException, look: Callable[[BaseException], _Answer | None]) -> _Answer | None:
    """Return what is found in an error or in what caused it."""
    seen: BaseException | None = error
    while seen is not None:
        if (found := look(seen)) is not None:
            return found
        seen = seen.__cause__ or seen.__context__
    return None


def _response(error: BaseException) -> Any:
    return error.response if isinstance(error, HfHubHTTPError) else None


def _sentence(response: Any) -> str:
    text = response.headers.get("X-Error-Message") or response.reason_phrase
    return "".join(c for c in text if c.isprintable())[:200]


def _asked(headers: Mapping[str, str]) -> float:
    """Return the seconds that the Hub asked us to wait, 0 where it said nothing.

    Two forms: ``Retry-After: 30``, and ``RateLimit: "api";r=0;t=30``, t the seconds to the next window.
    """
    told = headers.get("Retry-After", "")
    if told.isdecimal():
        return float(told)
    for part in headers.get("RateLimit", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isdecimal():
            return float(value)
    return 0.0
