"""One page of S3's ListObjectsV2: what it holds and how it is written. Pure.

References:
    Amazon S3 API reference, ListObjectsV2 (API version 2006-03-01).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree

LARGEST_PAGE = 1000
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters of a listing.

    Attributes:
        max_keys: at most so many keys and common prefixes together, up to 1,000.
        after: the last key or common prefix that the caller has; empty at the beginning.
        token: the continuation token as given, empty where there was none.
        url_encoding: whether names are percent-encoded in the answer.
    """

    prefix: str = ""
    delimiter: str = ""
    max_keys: int = LARGEST_PAGE
    after: str = ""
    token: str = ""
    start_after: str = ""
    url_encoding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object of the bucket: its key, with size in bytes, time in ns since 1970 and MD5."""

    key: str
    size: int
    modified_ns: int
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Keys and common prefixes in their order; ``last`` is where the next page begins, empty at the end."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    last: str


def page(keys: Iterable[str], asked: Asked) -> Page:
    """Return a page of the keys, which must come in the order of their UTF-8 bytes."""
    found: list[str] = []
    prefixes: list[str] = []
    last = ""
    for key in keys:
        common = _common_prefix(key, asked)
        name = common or key
        if not key.startswith(asked.prefix) or _seen(name, asked) or (prefixes and common == prefixes[-1]):
            continue
        if len(found) + len(prefixes) == asked.max_keys:
            return Page(keys=tuple(found), prefixes=tuple(prefixes), last=last)
        (prefixes if common else found).append(name)
        last = name
    return Page(keys=tuple(found), prefixes=tuple(prefixes), last="")


def _common_prefix(key: str, asked: Asked) -> str:
    if not asked.delimiter:
        return ""
    end = key.find(asked.delimiter, len(asked.prefix))
    return "" if end < 0 else key[: end + len(asked.delimiter)]


def _seen(name: str, asked: Asked) -> bool:
    return bool(asked.after) and name.encode() <= asked.after.encode()


def write(bucket: str, asked: Asked, listed: Page, object_of: Callable[[str], Object]) -> bytes:
    """Return the page as XML."""
    root = ElementTree.Element("ListBucketResult", xmlns=_NAMESPACE)

    def add(parent: ElementTree.Element, name: str, text: str) -> None:
        ElementTree.SubElement(parent, name).text = text

    def shown(name: str) -> str:
        return quote(name, safe="/") if asked.url_encoding else name

    add(root, "Name", bucket)
    add(root, "Prefix", shown(asked.prefix))
    if asked.delimiter:
        add(root, "Delimiter", shown(asked.delimiter))
    if asked.start_after:
        add(root, "StartAfter", shown(asked.start_after))
    if asked.token:
        add(root, "ContinuationToken", asked.token)
    if listed.last:
        add(root, "NextContinuationToken", token(listed.last))
    add(root, "KeyCount", str(len(listed.keys) + len(listed.prefixes)))
    add(root, "MaxKeys", str(asked.max_keys))
    if asked.url_encoding:
        add(root, "EncodingType", "url")
    add(root, "IsTruncated", "true" if listed.last else "false")
    for each in map(object_of, listed.keys):
        contents = ElementTree.SubElement(root, "Contents")
        add(contents, "Key", shown(each.key))
        add(contents, "LastModified", iso(each.modified_ns))
        add(contents, "ETag", f'"{each.md5}"')
        add(contents, "Size", str(each.size))
        add(contents, "StorageClass", "STANDARD")
    for prefix in listed.prefixes:
        add(ElementTree.SubElement(root, "CommonPrefixes"), "Prefix", shown(prefix))
    return document(root)


def document(root: ElementTree.Element) -> bytes:
    """Return an XML document with S3's declaration."""
    written: bytes = ElementTree.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written


def iso(modified_ns: int) -> str:
    """Return nanoseconds since 1970 as ISO 8601 with milliseconds, as S3 writes them."""
    moment = datetime.fromtimestamp(modified_ns // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def token(last: str) -> str:
    """Return a continuation token for the page after ``last``."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def after_token(continuation: str) -> str:
    """Return where the page before ended.

    Raises:
        ValueError: it is no token of ours.
    """
    try:
        return base64.b64decode(continuation, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("The continuation token provided is incorrect") from error
