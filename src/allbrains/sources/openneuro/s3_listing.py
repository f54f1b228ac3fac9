"""A dataset's files as its bucket lists them (S3, ListObjectsV2): the last way to a listing.

The bucket knows sizes and MD5 sums, but not versions: a file that was removed from the dataset may still
be there. So it is asked only for what the API could not list.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote_plus, urlencode
from xml.etree import ElementTree

from allbrains.errors import SourceError, TransientError
from allbrains.records import Algorithm, Digest
from allbrains.sources.openneuro.addresses import Endpoints
from allbrains.sources.snapshot import Entry
from allbrains.transfer import Client
from allbrains.transfer.http_client import Refused

_MAX_PAGE_BYTES = 1 << 24  # 1,000 keys of at most 1,024 bytes, each quoted, fit many times
_MD5_DIGITS = 32
_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def entries(client: Client, endpoints: Endpoints, dataset: str) -> Iterator[Entry]:
    """Yield all files of a dataset that the bucket has, in the order of their paths.

    Raises:
        TransientError: not now.
        SourceError: the bucket refuses, or answers something else than a listing.
    """
    token = ""
    while True:
        page = _page(client, endpoints, dataset, token)
        for element in page.iter(f"{_NAMESPACE}Contents"):
            yield _entry(endpoints, dataset, element)
        if _text(page, "IsTruncated") != "true":
            return
        following = _text(page, "NextContinuationToken")
        if not following or following == token:
            raise SourceError(f"the bucket's list of {dataset} goes round in circles")
        token = following


def _page(client: Client, endpoints: Endpoints, dataset: str, token: str) -> ElementTree.Element:
    query = {"list-type": "2", "prefix": f"{dataset}/", "max-keys": "1000", "encoding-type": "url"}
    if token:
        query["continuation-token"] = token
    url = f"{endpoints.bucket.rstrip('/')}/?{urlencode(query, quote_via=quote)}"
    try:
        for attempt in client.network.tries():
            with attempt, client.get(url) as response:
                body = b""
                for chunk in client.chunks(response):
                    body += chunk
                    if len(body) > _MAX_PAGE_BYTES:
                        raise SourceError(f"the bucket's list of {dataset} has pages of more than 16 MB")
                return _parsed(body, dataset)
    except Refused as error:
        raise SourceError(str(error)) from error
    raise AssertionError("stamina returns or raises")


def _parsed(body: bytes, dataset: str) -> ElementTree.Element:
    if b"<!DOCTYPE" in body:  # entities could make a small text a huge one
        raise SourceError(f"the bucket answered a page in place of its list of {dataset}")
    try:
        page = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise TransientError(f"the bucket's list of {dataset} is broken: {error}") from error
    if page.tag != f"{_NAMESPACE}ListBucketResult":
        raise SourceError(f"the bucket answered {page.tag} in place of its list of {dataset}")
    return page


def _entry(endpoints: Endpoints, dataset: str, element: ElementTree.Element) -> Entry:
    path = unquote_plus(_text(element, "Key")).removeprefix(f"{dataset}/")
    etag, size = _text(element, "ETag").strip('"'), _text(element, "Size")
    # a file that was uploaded in parts has an ETag with a dash in it that is no digest of its bytes
    whole = len(etag) == _MD5_DIGITS and set(etag) <= set("0123456789abcdef")
    return Entry(
        path=path,
        size=int(size) if size.isdecimal() else 0,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=etag) if whole else None,
        urls=(endpoints.file(dataset, path),),
    )


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{_NAMESPACE}{name}") or ""
