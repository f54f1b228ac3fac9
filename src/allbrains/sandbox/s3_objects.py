"""The endpoints of the site that deliver single files.

Like the real ones, they hide most failures behind status 200: only size and digest tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from allbrains.sandbox.archive import Archive, FoundObject, NotServed, is_annexed, version_id
from allbrains.sandbox.resolvers import SnapshotNode

_GIT_ID = re.compile(r"[0-9a-f]{40}\Z")
_ANNEX_KEY = re.compile(r"[A-Z0-9]+E-s\d+--[^/\\]+\Z")


async def object_by_id(request: Request) -> Response:
    """Answer ``/crn/datasets/<dataset>/objects/<id>?filename=<name>``."""
    return await run_in_threadpool(_object, request)


async def file_of_snapshot(request: Request) -> Response:
    """Answer ``/crn/datasets/<dataset>/snapshots/<tag>/files/<folder>:<folder>:<name>``."""
    return await run_in_threadpool(_file, request)


def _object(request: Request) -> Response:
    archive: Archive = request.app.state.archive
    dataset, wanted = request.path_params["dataset"], request.path_params["id"]
    if not _GIT_ID.match(wanted) and not _ANNEX_KEY.match(wanted):
        return JSONResponse({"error": "invalid key"}, status_code=400)
    try:
        files = archive.files(dataset)
    except NotServed:
        return JSONResponse({"error": f"Dataset {dataset} does not exist."}, status_code=404)
    name = request.query_params.get("filename", "")
    # hash what has the right name first: most often nothing else needs hashing
    for file in sorted(files, key=lambda file: file.path.rpartition("/")[2] != name):
        if archive.digests(dataset, file).object_id == wanted:
            return _content(archive, dataset, file)
    return JSONResponse({"error": "object not found in git tree"})


def _content(archive: Archive, dataset: str, file: FoundObject) -> Response:
    content = archive.read(dataset, file.path, 0, file.size)
    if is_annexed(file.path, file.size):
        return _stream(content, file.size)
    blob = b"".join(content)
    try:
        blob.decode()
    except UnicodeDecodeError:  # the server's worker decodes git blobs, and fails on other bytes
        return JSONResponse({"error": "an unknown error occurred accessing this file"})
    return _stream([blob], file.size)


def _file(request: Request) -> Response:
    archive: Archive = request.app.state.archive
    dataset, path = request.path_params["dataset"], request.path_params["path"].replace(":", "/")
    try:
        file = archive.find(dataset, path)
    except NotServed:
        return PlainTextResponse("Not Found", status_code=404)
    if SnapshotNode(archive, dataset, "").tag != request.path_params["tag"]:
        return PlainTextResponse("Not Found", status_code=404)
    if not is_annexed(path, file.size):
        return _content(archive, dataset, file)
    version = version_id(dataset, path, archive.digests(dataset, file))
    return RedirectResponse(
        f"/openneuro.org/{quote(f'{dataset}/{path}')}?versionId={quote(version)}", status_code=302
    )


def _stream(content: Iterable[bytes], size: int) -> Response:
    headers = {"content-length": str(size), "content-type": "application/octet-stream"}
    return StreamingResponse(content, headers=headers)
