"""OpenNeuro's API as an object: it stands where ``Client`` stands, and misbehaves on demand."""

import base64
import json
from collections.abc import Callable
from typing import Any

from allbrains.transfer import Network, Reply

JSON = {"content-type": "application/json; charset=utf-8"}
Tamper = Callable[[str, dict[str, Any], int, dict[str, Any]], "Reply | dict[str, Any]"]


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


class FakeOpenNeuro:
    """Answers LIST, DATASET and FILES over ``datasets``: accession → file rows.

    ``tamper(operation, variables, number, honest)`` may return another answer than the honest one;
    ``number`` counts the questions of that operation and those variables.
    """

    def __init__(self, datasets: dict[str, list[Any]], tamper: Tamper = lambda o, v, n, honest: honest):
        self.datasets, self.tamper = datasets, tamper
        self.network = Network(wait_s=0.0, attempts=3)
        self.asked: list[tuple[str, str]] = []

    def post(self, url: str, body: bytes, *, limit: int) -> Reply:
        question = json.loads(body)
        operation = question["query"].split()[1].partition("(")[0]
        variables = question["variables"]
        key = (operation, json.dumps(variables, sort_keys=True))
        number = self.asked.count(key)
        self.asked.append(key)
        honest = {
            "data": getattr(self, operation.lower())(variables),
            "extensions": {"openneuro": {"version": "5.5.1"}},
        }
        told = self.tamper(operation, variables, number, honest)
        return told if isinstance(told, Reply) else answer(told)

    def list(self, variables):
        start = json.loads(base64.b64decode(variables["after"]))["offset"] if variables["after"] else 0
        names = list(self.datasets)
        page = names[start : start + variables["first"]]
        end = start + variables["first"]
        cursor = base64.b64encode(json.dumps({"offset": end}).encode()).decode()
        info = {"hasNextPage": end < len(names), "endCursor": cursor, "count": len(names)}
        return {"datasets": {"edges": [{"node": self.node(name)} for name in page], "pageInfo": info}}

    def dataset(self, variables):
        name = variables["dataset"]
        return {"dataset": self.node(name) if name in self.datasets else None}

    def files(self, variables):
        return {"snapshot": {"files": self.datasets[variables["dataset"]]}}

    def node(self, name):
        rows = self.datasets[name]
        subjects = sorted({row["filename"][4:6] for row in rows if row["filename"].startswith("sub-")})
        return {
            "id": name,
            "latestSnapshot": {
                "tag": "1.0.0",
                "created": "2020-05-14T14:56:55.000Z",
                "hexsha": "f" * 40,
                "size": 2**40,
                "summary": {"subjects": subjects, "totalFiles": len(rows)},
                "description": {"Name": "A", "License": "CC0", "DatasetDOI": None, "Authors": ["B", None]},
            },
        }
