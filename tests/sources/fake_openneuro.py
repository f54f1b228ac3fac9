"""OpenNeuro as an object: it stands where ``Client`` stands, and misbehaves on demand."""

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from allbrains.transfer import Network, Reply
from allbrains.transfer.http_client import Refused

JSON = {"content-type": "application/json; charset=utf-8"}
Tamper = Callable[[str, dict[str, Any], int, dict[str, Any]], "Reply | dict[str, Any]"]
BUCKET = "https://s3.amazonaws.com/openneuro.org/"


def answer(body, status=200):
    return Reply(status=status, headers=JSON, body=json.dumps(body).encode())


def fault(message, *path, **extensions):
    extensions = {"code": "INTERNAL_SERVER_ERROR", "stacktrace": ["Error"], **extensions}
    return {
        "message": message,
        "locations": [{"line": 1, "column": 1}],
        "path": path,
        "extensions": extensions,
    }


def file(path, size=10**6, file_id="4" * 40, urls=("https://s3.amazonaws.com/openneuro.org/x",)):
    return {"id": file_id, "filename": path, "size": size, "directory": False, "urls": list(urls)}


def text_file(path, content):
    """A small file whose id is git's, so that its bytes can be checked."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return file(path, size=len(content), file_id=blob, urls=())


def folder_of(rows, folder):
    """One level of a listing, as ``files`` without ``recursive`` gives it; a folder's id is its path."""
    prefix = f"{folder}/" if folder else ""
    level, folders = [], set()
    for row in rows:
        name, slash, _ = row["filename"].removeprefix(prefix).partition("/")
        if not row["filename"].startswith(prefix):
            continue
        if slash:
            folders.add(name)
        else:
            level.append(row | {"filename": name})
    made = ({"id": prefix + name, "filename": name, "size": 0, "directory": True} for name in folders)
    return level + sorted(made, key=lambda row: row["filename"])


@dataclass
class Body:
    """A response of the bucket."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


class FakeOpenNeuro:
    """Answers the API's questions over ``datasets`` (accession → file rows), and the bucket's.

    ``tamper(operation, variables, number, honest)`` may return another answer than the honest one;
    ``number`` counts the questions of that operation and those variables. ``objects`` holds bodies by
    ``dataset/path``, or an exception to raise; ``keys`` what the bucket lists: (path, size, ETag) by
    dataset. ``about`` changes a dataset's description.
    """

    def __init__(self, datasets: dict[str, list[Any]], tamper: Tamper = lambda o, v, n, honest: honest):
        self.datasets, self.tamper = datasets, tamper
        self.network = Network(wait_s=0.0, attempts=3)
        self.asked: list[tuple[str, str]] = []
        self.fetched: list[str] = []
        self.objects: dict[str, bytes | Exception] = {}
        self.keys: dict[str, list[tuple[str, int, str]]] = {}
        self.about: dict[str, dict[str, Any]] = {}
        self.gone: dict[str, dict[str, Any]] = {}

    def stop(self):
        """Nothing is asked any more; see ``Client.stop``."""

    def post(self, url: str, body: bytes, *, limit: int) -> Reply:
        question = json.loads(body)
        operation = question["query"].split()[1].partition("(")[0]
        variables = question["variables"]
        key = (operation, json.dumps(variables, sort_keys=True))
        number = self.asked.count(key)
        self.asked.append(key)
        self.question = question["query"]
        honest = {"extensions": {"openneuro": {"version": "5.5.1"}}}
        honest |= getattr(self, operation.lower())(variables)
        told = self.tamper(operation, variables, number, honest)
        return told if isinstance(told, Reply) else answer(told)

    @contextlib.contextmanager
    def get(self, url, headers=None):
        self.fetched.append(url)
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if "list-type" in query:
            yield Body(self.page(query))
            return
        found = self.objects.get(unquote(url.partition("?")[0].removeprefix(BUCKET)), Refused(f"{url}: 404"))
        if isinstance(found, Exception):
            raise found
        yield Body(found, headers={"Content-Length": str(len(found))})

    def chunks(self, response, *, decode=False):
        if response.body:
            yield response.body

    def total(self, operation):
        return sum(asked == operation for asked, _ in self.asked)

    def page(self, query):
        dataset = query["prefix"][0].rstrip("/")
        keys = self.keys.get(dataset)
        if isinstance(keys, Exception):
            raise keys
        start = int(query.get("continuation-token", ["0"])[0])
        rows = (keys or [])[start : start + 2]
        more = start + 2 < len(keys or [])
        items = "".join(
            f"<Contents><Key>{escape(f'{dataset}/{path}')}</Key><ETag>&quot;{etag}&quot;</ETag>"
            f"<Size>{size}</Size></Contents>"
            for path, size, etag in rows
        )
        token = f"<NextContinuationToken>{start + 2}</NextContinuationToken>" if more else ""
        return (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}</ListBucketResult>"
        ).encode()

    def list(self, variables):
        start = json.loads(base64.b64decode(variables["after"]))["offset"] if variables["after"] else 0
        names = list(self.datasets)
        page = names[start : start + variables["first"]]
        end = start + variables["first"]
        cursor = base64.b64encode(json.dumps({"offset": end}).encode()).decode()
        info = {"hasNextPage": end < len(names), "endCursor": cursor, "count": len(names)}
        edges = [{"node": self.node(name)} for name in page]
        return {"data": {"datasets": {"edges": edges, "pageInfo": info}}}

    def dataset(self, variables):
        name = variables["dataset"]
        if name in self.datasets:
            return {"data": {"dataset": self.node(name)}}
        return {"data": {"dataset": None}, "errors": [self.absent(name, "dataset")]}

    def absent(self, name, *path):
        return self.gone.get(name, fault(f"Dataset {name} does not exist.", *path)) | {"path": path}

    def files(self, variables):
        if variables["dataset"] not in self.datasets:
            return {"data": {"snapshot": None}, "errors": [self.absent(variables["dataset"], "snapshot")]}
        return {"data": {"snapshot": {"files": self.datasets[variables["dataset"]]}}}

    def root(self, variables):
        return {"data": {"snapshot": {"files": folder_of(self.datasets[variables["dataset"]], "")}}}

    def trees(self, variables):
        rows = self.datasets[variables["dataset"]]
        aliases = sorted(variables.keys() - {"dataset", "tag"})
        return {"data": {"snapshot": {alias: folder_of(rows, variables[alias]) for alias in aliases}}}

    def pinned(self, variables):
        data, errors = {}, []
        for number in range(len(variables) // 2):
            name, tag = variables[f"d{number}"], variables[f"t{number}"]
            alias = f"s{number}"
            if name in self.datasets and self.node(name)["latestSnapshot"]["tag"] == tag:
                node = self.node(name)
                data[alias] = node.pop("latestSnapshot") | {"dataset": node}
            else:
                data[alias] = None
                errors.append(
                    fault("Not Found", alias) if name in self.datasets else self.absent(name, alias)
                )
        return {"data": data} | ({"errors": errors} if errors else {})

    def node(self, name):
        rows = [row for row in self.datasets[name] if row]
        subjects = sorted(
            {row["filename"].split("/")[0][4:] for row in rows if row["filename"].startswith("sub-")}
        )
        about = self.about.get(name, {})
        return {
            "id": name,
            "publishDate": "2020-05-15T00:00:00.000Z",
            "metadata": {
                "species": about.get("species"),
                "ages": about.get("ages"),
                "affirmedDefaced": True,
                "affirmedConsent": None,
            },
            "latestSnapshot": {
                "tag": about.get("tag", "1.0.0"),
                "created": "2020-05-14T14:56:55.000Z",
                "hexsha": about.get("hexsha", "f" * 40),
                "size": 2**40,
                "deprecated": about.get("deprecated"),
                "summary": {
                    "subjects": about.get("subjects", subjects),
                    "modalities": ["MRI"],
                    "totalFiles": about.get("files", len(rows)),
                },
                "description": {
                    "Name": about.get("name", "A"),
                    "License": "CC0",
                    "DatasetDOI": None,
                    "DatasetType": "raw",
                    "Authors": ["B", None],
                    "HowToAcknowledge": None,
                    "ReferencesAndLinks": None,
                },
            },
        }
