"""Where OpenNeuro's parts are, and the URLs of a file, mended. Pure.

The API's own URL is right most of the time; the rules for the rest are in ``urls_of``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from allbrains.transfer import OPENNEURO_ORIGINS, Network, origin_of

_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*\Z")

API = "https://openneuro.org/crn/graphql"
BUCKET = "https://s3.amazonaws.com/openneuro.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The two services: the API and the bucket (path style).

    Attributes:
        api: where GraphQL questions are posted.
        bucket: URL under which ``<dataset>/<path>`` are the files.
    """

    api: str = API
    bucket: str = BUCKET

    def network(self, *, contact: str = "") -> Network:
        """Return a network that reaches these services and OpenNeuro's own, and nothing else.

        Raises:
            ConfigurationError: one of them is not the URL of a service.
        """
        own = (origin_of(self.base), origin_of(self.bucket))
        origin_of(self.api)
        return Network(origins=tuple(dict.fromkeys(own + OPENNEURO_ORIGINS)), contact=contact)

    @property
    def base(self) -> str:
        """The folder of the API's address, where its other routes are: ``https://openneuro.org/crn``."""
        return self.api.rstrip("/").rpartition("/")[0]

    def file(self, dataset: str, path: str) -> str:
        """Return the bucket's URL of a file, without version: the latest that was exported."""
        return f"{self.bucket.rstrip('/')}/{_quoted(f'{dataset}/{path}')}"

    def object(self, dataset: str, file_id: str, path: str) -> str:
        """Return the API's own URL of a file's bytes, the last resort: it is slow and masks its errors."""
        name, quoted = path.rpartition("/")[2], _quoted(file_id).replace("/", "%2F")
        return f"{self.base}/datasets/{_quoted(dataset)}/objects/{quoted}?filename={_quoted(name)}"


def _quoted(text: str) -> str:
    """Return a path's text for a URL; nearly all of a million are that already."""
    return text if _PLAIN.match(text) else quote(text, safe="/")


def urls_of(
    endpoints: Endpoints, dataset: str, path: str, file_id: str, listed: Iterable[str | None]
) -> tuple[str, ...]:
    """Return where to fetch a file, best first: as listed but mended, the bare path, the API's objects.

    A file that git-annex knows under two paths is listed with the other path's URL; that is right
    (the same bytes), so URLs are never made to agree with the path.
    """
    bare = endpoints.file(dataset, path)
    objects = endpoints.object(dataset, file_id, path)
    # The API lists its objects route where it knows no version in the bucket. The bucket is still the
    # better first address: it says 404 where the objects route says 200 and an empty body.
    own = f"{endpoints.base}/datasets/"
    first = [_mended(endpoints, dataset, url) for url in listed if url and not url.startswith(own)]
    return tuple(dict.fromkeys([*filter(None, first), bare, objects]))


def _mended(endpoints: Endpoints, dataset: str, url: str) -> str:
    """Return a listed URL with the bucket put right; an empty text for what is no URL.

    For datasets whose remote is called by its virtual host, the server takes the dataset for the bucket
    (``…amazonaws.com/ds001371/sub-…``) or hands the virtual host out (whose certificate can't match).
    """
    if url.startswith(f"{endpoints.bucket.rstrip('/')}/"):
        return url  # right, as nearly all of a million are
    try:
        parts, bucket = urlsplit(url), urlsplit(endpoints.bucket)
    except ValueError:  # ``http://[`` and its like
        return ""
    query = f"?{parts.query}" if parts.query else ""
    name = bucket.path.strip("/")
    if parts.netloc == bucket.netloc and parts.path.startswith(f"/{dataset}/"):
        return f"{endpoints.bucket.rstrip('/')}{parts.path}{query}"
    if name and parts.netloc in (f"{name}.{bucket.netloc}", "openneuro.org.s3.amazonaws.com"):
        return f"{endpoints.bucket.rstrip('/')}{parts.path}{query}"
    return url
