"""What the stand-in answers to which request. Each function is one of the Hub's end points."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from huggingface_hub import metadata_load

from tests.hub_standin.state import Refused, State, entries, mode

_PAGE = 1000  # entries of a tree's page, as the Hub's


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back.

    Attributes:
        status: of HTTP.
        body: where no path is given.
        path: a file whose contents are the body.
        headers: besides the length.
    """

    status: int = 200
    body: bytes = b""
    path: Path | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return len(self.body) if self.path is None else self.path.stat().st_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked.

    Attributes:
        state: what the Hub keeps.
        url: of the server.
        groups: parts of the path.
        query: of the address.
        body: reads the request's body.
        save: writes it to a file.
        trusted: it came with the right token.
    """

    state: State
    url: str
    groups: Mapping[str, str | None]
    query: Mapping[str, str]
    body: Callable[[], bytes]
    save: Callable[[Path], None]
    trusted: bool

    def __getitem__(self, name: str) -> str:
        return self.groups.get(name) or ""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body())

    def repository(self) -> str:
        """Return the repository's name, if the asker may know of it."""
        name = self["repo"]
        if self.state.read(name)["private"] and not self.trusted:
            raise Refused(401, "Repository not found", "RepoNotFound")
        return name

    def writing(self) -> str:
        """Return the repository's name, if the asker may write to it."""
        if not self.trusted:
            raise Refused(401, "Invalid username or password.")
        return self.repository()


def _json(content: Any, **headers: str) -> Answer:
    return Answer(body=json.dumps(content).encode(), headers={"Content-Type": "application/json", **headers})


def whoami(request: Request) -> Answer:
    """Who has this token."""
    if not request.trusted:
        raise Refused(401, "Invalid credentials in Authorization header")
    return _json({"type": "user", "name": "user", "fullname": "User", "isPro": False, "orgs": []})


def create(request: Request) -> Answer:
    """A new repository."""
    if not request.trusted:
        raise Refused(401, "Invalid username or password.")
    asked = request.json()
    name = f"{asked.get('organization') or 'user'}/{asked['name']}"
    request.state.create(name, private=asked.get("visibility") == "private" or bool(asked.get("private")))
    return _json({"url": f"{request.url}/datasets/{name}", "id": secrets.token_hex(12), "name": name})


def delete(request: Request) -> Answer:
    """Remove a repository."""
    if not request.trusted:
        raise Refused(401, "Invalid credentials in Authorization header")
    asked = request.json()
    request.state.delete(f"{asked['organization']}/{asked['name']}")
    return _json({})


def settings(request: Request) -> Answer:
    """Who can read it."""
    name, asked = request.writing(), request.json()
    request.state.settings(name, private=asked.get("visibility") == "private" or bool(asked.get("private")))
    return _json({})


def info(request: Request) -> Answer:
    """What a repository is."""
    name = request.repository()
    commit = request.state.revision(name, request["rev"] or "main")
    kept = request.state.read(name)
    files = [{"rfilename": path} for path in sorted(commit["files"])]
    about = {
        "_id": hashlib.sha256(name.encode()).hexdigest()[:24],
        "id": name,
        "author": name.split("/", maxsplit=1)[0],
        "sha": commit["id"],
        "lastModified": commit["date"],
        "createdAt": kept["commits"][0]["date"],
        "private": kept["private"],
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": files,
    }
    if card := _card(request.state, commit["files"]):
        about["cardData"] = card
    pace = {"RateLimit": '"api";r=999;t=300', "RateLimit-Policy": '"fixed window";"api";q=1000;w=300'}
    return _json(about, **pace)


def _card(state: State, files: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the front matter of a repository's card, as the Hub tells it."""
    if "README.md" not in files:
        return None
    card: dict[str, Any] | None = metadata_load(state.contents(files["README.md"]))
    return card


def tree(request: Request) -> Answer:
    """A page of files and folders."""
    name = request.repository()
    files = request.state.revision(name, request["rev"])["files"]
    found = list(
        entries(files, request["path"].strip("/"), request.query.get("recursive", "").lower() == "true")
    )
    if request["path"].strip("/") and not found:
        raise Refused(404, "Entry not found", "EntryNotFound")
    start = int(request.query.get("cursor", "0"))
    headers = {}
    if start + _PAGE < len(found):
        rest = "&".join(f"{key}={value}" for key, value in request.query.items() if key != "cursor")
        address = f"{request.url}/api/datasets/{name}/tree/{request['rev']}{request['path']}"
        headers["Link"] = f'<{address}?{rest}&cursor={start + _PAGE}>; rel="next"'
    return _json(found[start : start + _PAGE], **headers)


def paths_info(request: Request) -> Answer:
    """Some files by name."""
    name, raw = request.repository(), request.body().decode()
    asked = json.loads(raw)["paths"] if raw.startswith("{") else parse_qs(raw).get("paths", [])
    files = request.state.revision(name, request["rev"])["files"]
    found = [{"type": "file", "path": path, **files[path]} for path in asked if path in files]
    folders = [path for path in asked if any(one.startswith(f"{path}/") for one in files)]
    return _json(
        found + [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders]
    )


def commits(request: Request) -> Answer:
    """The history, newest first."""
    made = request.state.read(request.repository())["commits"]
    kept = ("id", "title", "date")
    return _json(
        [
            {**{key: one[key] for key in kept}, "message": "", "authors": [{"user": "user"}]}
            for one in made[::-1]
        ]
    )


def preupload(request: Request) -> Answer:
    """How each file is to be sent, and what is held under its name."""
    name = request.writing()
    held = request.state.revision(name, request["rev"])["files"]
    told = []
    for file in request.json()["files"]:
        oid = held.get(file["path"], {}).get("lfs", held.get(file["path"], {})).get("oid")
        told.append(
            {
                "path": file["path"],
                "uploadMode": mode(file["path"], file["size"]),
                "shouldIgnore": False,
                "oid": oid,
            }
        )
    return _json({"files": told})


def lfs_batch(request: Request) -> Answer:
    """Where to send large files; nowhere if they are there."""
    request.writing()
    told = []
    for one in request.json()["objects"]:
        actions = {
            "upload": {"href": f"{request.url}/lfs/{one['oid']}"},
            "verify": {"href": f"{request.url}/lfs-verify"},
        }
        there = request.state.lfs_path(one["oid"]).exists()
        told.append(
            {**one, "authenticated": True} if there else {**one, "authenticated": True, "actions": actions}
        )
    return _json({"transfer": "basic", "objects": told})


def lfs_put(request: Request) -> Answer:
    """A large file's contents arrive; kept only if they are what was announced."""
    path = request.state.lfs_path(request["oid"])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        request.save(temporary)
        with temporary.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != request["oid"]:
                raise Refused(400, "BadDigest")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Answer(headers={"ETag": f'"{request["oid"]}"'})


def lfs_get(request: Request) -> Answer:
    """A large file's contents leave, as from the Hub's delivery network: the address is its own permit."""
    path = request.state.lfs_path(request["oid"])
    if not path.exists():
        raise Refused(404, "no such object")
    return Answer(path=path, headers={"ETag": f'"{request["oid"]}"', "Accept-Ranges": "bytes"})


def lfs_verify(request: Request) -> Answer:
    """Did it arrive."""
    asked = request.json()
    path = request.state.lfs_path(asked["oid"])
    if not path.exists() or path.stat().st_size != asked["size"]:
        raise Refused(404, "object not found or of another size")
    return _json({})


def commit(request: Request) -> Answer:
    """A commit: a line of JSON each for its header and operations."""
    name = request.writing()
    made = request.state.commit(name, [json.loads(line) for line in request.body().splitlines() if line])
    url = f"{request.url}/datasets/{name}/commit/{made}"
    return _json({"success": True, "commitOid": made, "commitUrl": url, "hookOutput": ""})


def validate(request: Request) -> Answer:
    """Whether a card's front matter can be read."""
    content = request.json()["content"]
    good = re.match(r"---\n.*?\n---\n", content, re.DOTALL)
    return _json({"errors": [], "warnings": [] if good else [{"message": "empty or missing yaml metadata"}]})


def resolve(request: Request) -> Answer:
    """A file's contents, or where they are."""
    name = request.repository()
    commit_id = request.state.revision(name, request["rev"])["id"]
    file = request.state.file(name, commit_id, request["path"])
    oid = file["lfs"]["oid"] if "lfs" in file else file["oid"]
    headers = {"X-Repo-Commit": commit_id, "ETag": f'"{oid}"', "Accept-Ranges": "bytes"}
    if "lfs" not in file:
        return Answer(path=request.state.contents(file), headers=headers)
    headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(file["size"])}
    elsewhere = request.url.replace("127.0.0.1", "localhost")  # another host, as the delivery network is
    return Answer(status=302, headers={**headers, "Location": f"{elsewhere}/lfs/{oid}"})


def xet_token(request: Request) -> Answer:
    """Where the Xet store is: a folder, which the true client can write to."""
    request.writing()
    if not request.state.xet:
        raise Refused(404, "no Xet store here")
    folder = (request.state.root / "xet").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    until = int(time.time()) + 3600
    store = f"local://{folder}"
    return _json(
        {"casUrl": store, "accessToken": "none", "exp": until},
        **{
            "X-Xet-Cas-Url": store,
            "X-Xet-Access-Token": "none",
            "X-Xet-Token-Expiration": str(until),
        },
    )


_REPO = r"(?P<repo>[^/]+/[^/]+?)"
_REV = r"(?P<rev>[^/]+)"
_ALL: tuple[tuple[str, str, Callable[[Request], Answer]], ...] = (
    ("GET", r"/api/whoami-v2", whoami),
    ("POST", r"/api/repos/create", create),
    ("DELETE", r"/api/repos/delete", delete),
    ("POST", r"/api/validate-yaml", validate),
    ("PUT", rf"/api/datasets/{_REPO}/settings", settings),
    ("GET", rf"/api/datasets/{_REPO}", info),
    ("GET", rf"/api/datasets/{_REPO}/revision/{_REV}", info),
    ("GET", rf"/api/datasets/{_REPO}/tree/{_REV}(?P<path>/.*)?", tree),
    ("POST", rf"/api/datasets/{_REPO}/paths-info/{_REV}", paths_info),
    ("GET", rf"/api/datasets/{_REPO}/commits/{_REV}", commits),
    ("POST", rf"/api/datasets/{_REPO}/preupload/{_REV}", preupload),
    ("POST", rf"/api/datasets/{_REPO}/commit/{_REV}", commit),
    ("GET", rf"/api/datasets/{_REPO}/xet-write-token/{_REV}", xet_token),
    ("POST", rf"/datasets/{_REPO}\.git/info/lfs/objects/batch", lfs_batch),
    ("POST", r"/lfs-verify", lfs_verify),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_put),
    ("GET HEAD", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs_get),
    ("GET HEAD", rf"/datasets/{_REPO}/resolve/{_REV}/(?P<path>.+)", resolve),
)
ROUTES = tuple((methods.split(), re.compile(pattern), answer) for methods, pattern, answer in _ALL)
