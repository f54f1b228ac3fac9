"""The listing of a made-up dataset, as rows one by one and as JSON all at once.

All subjects' labels are equally long, and so are all sizes and digests of a pattern. So the JSON of one
subject's rows is the same text as the next one's but for some columns, and a dataset's is that text
repeated, its columns filled in by numpy: seven million rows take seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from allbrains.sandbox.archive import is_annexed, key_extension, object_hash
from allbrains.sandbox.listing_rows import Fields
from allbrains.sandbox.simulated import made_images
from allbrains.sandbox.simulated.design import Content, Design, Pattern, sidecar
from allbrains.sandbox.simulated.draw import generator

Bytes = NDArray[np.uint8]
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_BASE64 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._", dtype=np.uint8)
_VERSION = 32  # characters of an S3 version id
_ZERO = ord("0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A file of a subject.

    Attributes:
        path: inside the dataset.
        size: bytes.
        object_id: annex key or git blob id.
        version: S3 version id, empty where git has the file.
        content: what can be fetched of it.
        label: of the subject.
    """

    path: str
    size: int
    object_id: str
    version: str
    content: Content
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where a pattern's variable parts are in a subject's line: ``start`` and ``stop`` of each."""

    size: range
    digest: range
    version: range


class PeopleSheet:
    """The files of all subjects of a dataset."""

    def __init__(self, design: Design, seed: int) -> None:
        self.design = design
        self._algorithm = object_hash(design.outline.accession, ".nii", 0).name
        self.tiers = tuple(
            _Tier(design, self._algorithm, patterns, (seed, design.outline.number + 1, number))
            for number, patterns in enumerate(_levels(design.patterns), 1)
        )

    @property
    def files(self) -> int:
        """How many files the subjects have."""
        return sum(tier.files for tier in self.tiers)

    @property
    def size(self) -> int:
        """Bytes of all files of the subjects."""
        return sum(tier.size for tier in self.tiers)

    def prepare(self) -> None:
        """Do now what takes longest: the digests of images."""
        for tier in self.tiers:
            tier.true_digests  # noqa: B018  (kept once it was read)

    def rows(self) -> Iterator[SheetRow]:
        """Yield all files of the subjects, in the API's order."""
        for tier in self.tiers:
            yield from tier.rows()

    def encoded(self, base: str, fields: Fields) -> Iterator[bytes]:
        """Yield the JSON of all rows in the API's order, each row followed by a comma."""
        for tier in self.tiers:
            yield from tier.encoded(base, fields)


def blocks_of(design: Design, path: str) -> int:
    """Return how much texture the T1w image at a path has."""
    return design.blocks + made_images.own_bytes(f"{design.outline.accession}/{path}")[0] % made_images.JITTER


def _levels(patterns: tuple[Pattern, ...]) -> list[list[Pattern]]:
    """Return patterns by depth, then by the folder above the subjects': as listings are ordered."""
    found: dict[tuple[int, str], list[Pattern]] = {}
    for pattern in patterns:
        above = pattern.path.partition("sub-{}")[0]
        found.setdefault((pattern.path.count("/"), above), []).append(pattern)
    return [sorted(found[key], key=lambda pattern: pattern.path) for key in sorted(found)]


def _example(design: Design, pattern: Pattern) -> int:
    """Return a size with the leading digit and the number of digits that all of a pattern have."""
    match pattern.content:
        case Content.IMAGE:
            return design.kind.size(design.blocks)
        case Content.SIDECAR:
            return len(sidecar(design.outline, design.labels[0]))
        case Content.NONE:
            return pattern.size


@dataclass(frozen=True, slots=True)
class _Names:
    """A pattern's path and own name in pieces, between which the label goes, as JSON and in a URL."""

    path: tuple[bytes, ...]
    quoted: tuple[bytes, ...]
    own: tuple[bytes, ...]
    extension: bytes


@lru_cache(maxsize=20_000)  # datasets have many patterns in common
def _names(path: str) -> _Names:
    pieces = path.split("{}")
    own = path.rpartition("/")[2].split("{}")
    return _Names(
        path=tuple(piece.encode() for piece in pieces),
        quoted=tuple(quote(piece).encode() for piece in pieces),
        own=tuple(quote(piece, safe="").encode() for piece in own),
        extension=key_extension(path).encode(),
    )


class _Tier:
    """Files at one depth, below one folder: a listing has them subject after subject."""

    def __init__(self, design: Design, algorithm: str, patterns: list[Pattern], key: tuple[int, ...]) -> None:
        self._design, self._algorithm, self._patterns, self._key = design, algorithm, patterns, key
        # the ranks that make a difference here: most tiers are the same for all subjects
        levels = np.array(sorted({0, *(pattern.rank for pattern in patterns)}))
        self._ranks = levels[np.searchsorted(levels, design.ranks, side="right") - 1]
        self._examples = [_example(design, pattern) for pattern in patterns]
        self._first = len(design.labels[0])  # the column after the label's
        self._columns = self._laid_out()

    @property
    def files(self) -> int:
        return sum(int((self._ranks >= pattern.rank).sum()) for pattern in self._patterns)

    @cached_property
    def size(self) -> int:
        total = 0
        for rank in set(self._ranks.tolist()):
            worth = np.zeros(self._sizes.shape[1], dtype=np.int64)
            for pattern, columns in zip(self._patterns, self._columns, strict=True):
                if pattern.rank <= rank:
                    part = slice(columns.size.start - self._first, columns.size.stop - self._first)
                    worth[part] = [10**power for power in range(len(columns.size) - 1, -1, -1)]
            digits = self._sizes[self._ranks == rank] - np.uint8(_ZERO)
            total += int((digits @ worth).sum())
        return total

    def rows(self) -> Iterator[SheetRow]:
        lines = self._lines()
        for number, label in enumerate(self._design.labels):
            line = lines[number].tobytes().decode()
            for pattern, columns in zip(self._patterns, self._columns, strict=True):
                if self._ranks[number] < pattern.rank:
                    continue
                size, digest, version = (
                    line[part.start : part.stop] for part in (columns.size, columns.digest, columns.version)
                )
                path = pattern.path.replace("{}", label)
                key = f"{self._algorithm.upper()}E-s{size}--{digest}{key_extension(path)}"
                yield SheetRow(
                    path=path,
                    size=int(size),
                    object_id=key if version else digest,
                    version=version,
                    content=pattern.content,
                    label=label,
                )

    def encoded(self, base: str, fields: Fields) -> Iterator[bytes]:
        lines = self._lines()
        ranks = self._ranks.tolist()
        filled = {
            rank: self._filled(lines[self._ranks == rank], rank, base, fields) for rank in sorted(set(ranks))
        }
        if len(filled) == 1:
            yield filled[ranks[0]].tobytes()
            return
        next_line = dict.fromkeys(filled, 0)
        for rank in ranks:
            yield filled[rank][next_line[rank]].tobytes()
            next_line[rank] += 1

    def _filled(self, lines: Bytes, rank: int, base: str, fields: Fields) -> Bytes:
        """Return the JSON of the subjects with a rank, one a line."""
        text = bytearray()
        slots: list[tuple[int, range]] = []
        keys = [json.dumps(key, ensure_ascii=False).encode() + b":" for key, _ in fields]
        for pattern, columns in zip(self._patterns, self._columns, strict=True):
            if pattern.rank > rank:
                continue
            mark = b"{"
            for key, (_, name) in zip(keys, fields, strict=True):
                text += mark + key
                mark = b","
                for piece in self._value(name, pattern, columns, base):
                    if isinstance(piece, bytes):
                        text += piece
                    else:
                        slots.append((len(text), piece))
                        text += bytes(len(piece))
            text += b"},"
        filled = np.empty((len(lines), len(text)), dtype=np.uint8)
        filled[:] = np.frombuffer(bytes(text), dtype=np.uint8)
        for start, slot in slots:
            filled[:, start : start + len(slot)] = lines[:, slot.start : slot.stop]
        return filled

    def _value(self, name: str, pattern: Pattern, columns: _Columns, base: str) -> Sequence[bytes | range]:
        """Return a field's JSON: text, and columns of a subject's line."""
        annexed, names = bool(columns.version), _names(pattern.path)
        dataset = self._design.outline.accession
        match name:
            case "id" if annexed:
                key = f'"{self._algorithm.upper()}E-s'.encode()
                return (key, columns.size, b"--", columns.digest, names.extension, b'"')
            case "id":
                return (b'"', columns.digest, b'"')
            case "filename":
                return (b'"', *self._labelled(names.path), b'"')
            case "size":
                return (columns.size,)
            case "annexed":
                return (b"true" if annexed else b"false",)
            case "directory":
                return (b"false",)
            case "urls" if annexed:
                start = f'["{base}/openneuro.org/{dataset}/'.encode()
                return (start, *self._labelled(names.quoted), b"?versionId=", columns.version, b'"]')
            case "urls":
                start = f'["{base}/crn/datasets/{dataset}/objects/'.encode()
                return (start, columns.digest, b"?filename=", *self._labelled(names.own), b'"]')
            case _:
                return (b'"DatasetFile"',)

    def _labelled(self, pieces: Sequence[bytes]) -> Iterator[bytes | range]:
        yield pieces[0]
        for piece in pieces[1:]:
            yield range(self._first)
            yield piece

    def _laid_out(self) -> list[_Columns]:
        widths = [len(str(example)) for example in self._examples]
        stops = list(accumulate(widths, initial=self._first))
        sizes = [range(*part) for part in pairwise(stops)]
        at = stops[-1]
        found = []
        key = 2 * object_hash(self._design.outline.accession, ".nii", 0).digest_size
        for pattern, example, size in zip(self._patterns, self._examples, sizes, strict=True):
            annexed = is_annexed(pattern.path, example)
            digest = range(at, at + (key if annexed else 40))
            version = range(digest.stop, digest.stop + (_VERSION if annexed else 0))
            found.append(_Columns(size=size, digest=digest, version=version))
            at = version.stop
        return found

    @cached_property
    def _sizes(self) -> Bytes:
        """The digits of all sizes, a subject a line."""
        shape = (len(self._design.labels), self._columns[-1].size.stop - self._first)
        drawn = np.frombuffer(generator(*self._key, 0).bytes(shape[0] * shape[1]), dtype=np.uint8)
        digits = (drawn % 10 + _ZERO).reshape(shape)
        for pattern, example, columns in zip(self._patterns, self._examples, self._columns, strict=True):
            part = slice(columns.size.start - self._first, columns.size.stop - self._first)
            if pattern.content is Content.IMAGE:
                digits[:, part] = [list(b"%d" % size) for size in self._image_sizes(pattern)]
            elif pattern.content is Content.SIDECAR:
                digits[:, part] = list(b"%d" % example)
            else:
                digits[:, part.start] = ord(str(example)[0])
        return digits

    def _image_sizes(self, pattern: Pattern) -> Iterator[int]:
        sizes = [self._design.kind.size(self._design.blocks + more) for more in range(made_images.JITTER)]
        for label in self._design.labels:
            path = pattern.path.replace("{}", label)
            yield sizes[blocks_of(self._design, path) - self._design.blocks]

    def _lines(self) -> Bytes:
        """Label, sizes, digests and versions as text, a subject a line."""
        count, width = len(self._design.labels), self._columns[-1].version.stop
        lines = np.empty((count, width), dtype=np.uint8)
        lines[:, : self._first] = [list(label.encode()) for label in self._design.labels]
        start = self._first + self._sizes.shape[1]
        lines[:, self._first : start] = self._sizes
        drawn = np.frombuffer(generator(*self._key, 1).bytes(count * (width - start)), dtype=np.uint8)
        drawn = drawn.reshape(count, width - start)
        # four bits of each byte are a digit of a digest, six a character of a version
        lines[:, start:] = _HEX[drawn & 15]
        versions = [column for columns in self._columns for column in columns.version]
        lines[:, versions] = _BASE64[drawn[:, np.array(versions, dtype=int) - start] & 63]
        for columns, digests in zip(self._columns, self.true_digests, strict=True):
            if digests is not None:
                lines[:, columns.digest.start : columns.digest.stop] = digests
        return lines

    @cached_property
    def true_digests(self) -> list[Bytes | None]:
        """The digests of files that have a content, a subject a line; none for patterns without."""
        return [
            None
            if pattern.content is Content.NONE
            else np.array(
                [list(self._digest(pattern, label).encode()) for label in self._design.labels], np.uint8
            )
            for pattern in self._patterns
        ]

    def _digest(self, pattern: Pattern, label: str) -> str:
        accession, path = self._design.outline.accession, pattern.path.replace("{}", label)
        if pattern.content is Content.IMAGE:
            own = made_images.own_bytes(f"{accession}/{path}")
            blocks = blocks_of(self._design, path)
            return made_images.annex_digest(accession, self._design.kind, blocks, own).hexdigest()
        content = sidecar(self._design.outline, label)
        state = object_hash(accession, path, len(content))
        state.update(content)
        return state.hexdigest()
