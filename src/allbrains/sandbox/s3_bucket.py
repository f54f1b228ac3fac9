"""The bucket: path-style S3, anonymous and read-only."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from xml.etree import ElementTree

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from allbrains.sandbox import s3_list
from allbrains.sandbox.archive import Archive, FoundObject, NotServed, version_id
from allbrains.sandbox.byte_range import Span, Unsatisfiable, span, still_holds

NAME = "openneuro.org"
_MESSAGES = {
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchVersion": (404, "The specified version does not exist."),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "AccessDenied": (403, "Access Denied"),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "NotImplemented": (501, "A header you provided implies functionality that is not implemented"),
}


async def bucket(request: Request) -> Response:
    """Answer a request to the bucket or to an object in it."""
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    name, key = request.path_params["bucket"], request.path_params.get("key", "")
    archive: Archive = request.app.state.stock
    if name != NAME:
        return error("NoSuchBucket", BucketName=name)
    if request.method not in {"GET", "HEAD"}:
        return error("AccessDenied")
    try:
        return _object(request, archive, key) if key else _listing(request, archive)
    except PermissionError:
        return error("AccessDenied")


def _object(request: Request, archive: Archive, key: str) -> Response:
    dataset, _, path = key.partition("/")
    wanted = request.query_params.get("versionId", "")
    try:
        file = archive.find(dataset, path)
    except NotServed:
        return error("NoSuchVersion", Key=key, VersionId=wanted) if wanted else error("NoSuchKey", Key=key)
    digests = archive.digests(dataset, file)
    md5, version = digests.md5, version_id(dataset, path, digests)
    if wanted not in {"", version}:
        return error("NoSuchVersion", Key=key, VersionId=wanted)
    try:
        part = _part(request, file, f'"{md5}"')
    except Unsatisfiable:
        refused = error(
            "InvalidRange", RangeRequested=request.headers["range"], ActualObjectSize=str(file.size)
        )
        refused.headers["content-range"] = f"bytes */{file.size}"
        return refused
    headers = {
        "etag": f'"{md5}"',
        "x-amz-version-id": version,
        "last-modified": formatdate(file.modified_ns // 1_000_000_000, usegmt=True),
        "accept-ranges": "bytes",
        "content-length": str(part.stop - part.start),
        "content-type": "binary/octet-stream",
    }
    if part.partial:
        headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    status = 206 if part.partial else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    content = archive.read(dataset, path, part.start, part.stop)
    return StreamingResponse(content, status_code=status, headers=headers)


def _part(request: Request, file: FoundObject, etag: str) -> Span:
    asked = request.headers.get("range", "")
    if not still_holds(request.headers.get("if-range", ""), etag, file.modified_ns // 1_000_000_000):
        asked = ""
    return span(asked, file.size)


def _listing(request: Request, archive: Archive) -> Response:
    query = request.query_params
    if query.get("list-type") != "2":
        return error("NotImplemented")
    try:
        asked = s3_list.Asked(
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            max_keys=min(_count(query.get("max-keys", "1000")), s3_list.LARGEST_PAGE),
            after=s3_list.after_token(query.get("continuation-token", "")) or query.get("start-after", ""),
            token=query.get("continuation-token", ""),
            start_after=query.get("start-after", ""),
            url_encoding=query.get("encoding-type") == "url",
        )
    except ValueError as problem:
        return error("InvalidArgument", status=400, message=str(problem))
    found = dict(_objects(archive, asked.prefix))

    def object_of(key: str) -> s3_list.Object:
        dataset, file = found[key]
        md5 = archive.digests(dataset, file).md5
        return s3_list.Object(key=key, size=file.size, modified_ns=file.modified_ns, md5=md5)

    listed = s3_list.page(sorted(found, key=str.encode), asked)
    return Response(s3_list.write(NAME, asked, listed, object_of), media_type="application/xml")


def _objects(archive: Archive, prefix: str) -> Iterator[tuple[str, tuple[str, FoundObject]]]:
    """Yield key, dataset and file of all objects in the datasets that the prefix doesn't rule out."""
    for dataset in archive.datasets():
        if prefix.startswith(f"{dataset}/") or f"{dataset}/".startswith(prefix):
            for file in archive.files(dataset):
                yield f"{dataset}/{file.path}", (dataset, file)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("Provided max-keys not an integer or within integer range")
    return int(text)


def error(code: str, *, status: int = 0, message: str = "", **details: str) -> Response:
    """Return S3's answer to a request that it can't meet."""
    usual, words = _MESSAGES.get(code, (status, message))
    root = ElementTree.Element("Error")
    for name, text in {"Code": code, "Message": words, **details}.items():
        ElementTree.SubElement(root, name).text = text
    return Response(s3_list.document(root), status_code=usual, media_type="application/xml")
