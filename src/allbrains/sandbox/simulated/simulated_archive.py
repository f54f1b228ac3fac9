"""The synthetic OpenNeuro as an archive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property, lru_cache

from allbrains.sandbox import dataset_texts, listing_rows
from allbrains.sandbox.archive import (
    Archive,
    Digests,
    FoundObject,
    NotServed,
    Told,
    is_annexed,
    object_hash,
    object_id,
    version_id,
)
from allbrains.sandbox.simulated import made_images, statistics
from allbrains.sandbox.simulated.dataset_sizes import outlines
from allbrains.sandbox.simulated.design import Content, Design, design, sidecar
from allbrains.sandbox.simulated.draw import choose, generator
from allbrains.sandbox.simulated.sheet import PeopleSheet, SheetRow, blocks_of

_KEPT = 16  # datasets whose rows are in memory: who walks one's trees asks for it again and again


class SimulatedArchive(Archive):
    """Datasets made from a seed; see the package for what of them can be fetched."""

    def __init__(self, datasets: int, *, seed: int = 0) -> None:
        """Draw the sizes of all datasets; the rest is made when it is asked for.

        Args:
            datasets: how many.
            seed: the same one gives the same archive.
        """
        self._seed = seed
        self._outlines = {outline.accession: outline for outline in outlines(datasets, seed)}
        self._designs: dict[str, Design] = {}
        self._sheets: dict[str, PeopleSheet] = {}
        self._told: dict[str, Told] = {}
        self._index = lru_cache(maxsize=_KEPT)(self._indexed)
        self._listed = lru_cache(maxsize=_KEPT)(self._files)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(self._outlines)

    def datasets(self) -> tuple[str, ...]:
        """Return the accessions, oldest first."""
        return self._names

    def files(self, dataset: str) -> tuple[FoundObject, ...]:
        """Return all files of a dataset, by depth, then by path."""
        return self._listed(dataset)

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file of a dataset that can be fetched."""
        made = self.design(dataset)
        if path in made.texts:
            return self._found(made, path, len(made.texts[path]))
        row = self._index(dataset).get(path)
        if row is None or row.content is Content.NONE:
            raise NotServed(f"{dataset}/{path}")
        return self._found(made, path, row.size)

    def digests(self, dataset: str, file: FoundObject) -> Digests:
        """Return what the file's content hashes to, or what its row says where it has no content."""
        made = self.design(dataset)
        if file.path in made.texts:
            return _text_digests(dataset, file.path, made.texts[file.path])
        row = self._index(dataset)[file.path]
        match row.content:
            case Content.IMAGE:
                own = made_images.own_bytes(f"{dataset}/{file.path}")
                state = made_images.digest(made.kind, blocks_of(made, file.path), own, "md5")
                md5 = state.hexdigest()
            case Content.SIDECAR:
                md5 = hashlib.md5(sidecar(made.outline, row.label), usedforsecurity=False).hexdigest()
            case Content.NONE:
                md5 = hashlib.md5(row.object_id.encode(), usedforsecurity=False).hexdigest()
        return Digests(md5=md5, object_id=row.object_id, version=row.version)

    def read(self, dataset: str, path: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``stop``."""
        made = self.design(dataset)
        if path in made.texts:
            return iter([made.texts[path][start:stop]])
        row = self._index(dataset)[path]
        if row.content is Content.SIDECAR:
            return iter([sidecar(made.outline, row.label)[start:stop]])
        if row.content is Content.NONE:
            raise NotServed(f"{dataset}/{path}")
        return made_images.read(
            made.kind, blocks_of(made, path), made_images.own_bytes(f"{dataset}/{path}"), start, stop
        )

    def told(self, dataset: str) -> Told:
        """Return what the files' names and texts don't tell, and what would take long to count."""
        if dataset not in self._told:
            self._told[dataset] = self._tell(self.design(dataset))
        return self._told[dataset]

    def encoded(self, dataset: str, base: str, fields: listing_rows.Fields) -> bytes:
        """Return all rows of a listing as JSON: the bytes that ``json.dumps`` makes of them."""
        made = self.design(dataset)
        entries = [_text_entry(dataset, path, made.texts[path]) for path in sorted(made.texts)]
        found = listing_rows.project(
            listing_rows.below(entries, "", lambda entry: listing_rows.url(base, dataset, entry)), fields
        )
        texts = json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()
        subjects = b"".join(self._sheet(dataset).encoded(base, fields))
        return texts[:-1] + b"," + subjects[:-1] + b"]"

    def prepare(self) -> None:
        """Make everything but the listings, so that no request waits for it."""
        for dataset in self._names:
            self.told(dataset)
            self._sheet(dataset).prepare()

    def design(self, dataset: str) -> Design:
        """Return how a dataset is made.

        Raises:
            NotServed: there is no such dataset.
        """
        if dataset not in self._outlines:
            raise NotServed(dataset)
        if dataset not in self._designs:
            self._designs[dataset] = design(self._outlines[dataset], self._seed)
        return self._designs[dataset]

    def _sheet(self, dataset: str) -> PeopleSheet:
        if dataset not in self._sheets:
            self._sheets[dataset] = PeopleSheet(self.design(dataset), self._seed)
        return self._sheets[dataset]

    def _files(self, dataset: str) -> tuple[FoundObject, ...]:
        made = self.design(dataset)
        texts = [self._found(made, path, len(made.texts[path])) for path in sorted(made.texts)]
        return (*texts, *(self._found(made, row.path, row.size) for row in self._index(dataset).values()))

    def _indexed(self, dataset: str) -> dict[str, SheetRow]:
        return {row.path: row for row in self._sheet(dataset).rows()}

    def _found(self, made: Design, path: str, size: int) -> FoundObject:
        moment = datetime.fromisoformat(made.created)
        return FoundObject(path=path, size=size, modified_ns=int(moment.timestamp()) * 1_000_000_000)

    def _tell(self, made: Design) -> Told:
        rng = generator(self._seed, made.outline.number + 1, 0)
        sheet = self._sheet(made.outline.accession)
        hexsha = hashlib.sha1(f"{self._seed} {made.outline} {made.tag}".encode()).hexdigest()
        size = sheet.size + sum(map(len, made.texts.values()))
        summary = self._summary(made, sheet.files + len(made.texts))
        return Told(
            tag=made.tag,
            created=made.created,
            published=made.published,
            hexsha=hexsha,
            size=size,
            summary=None if rng.random() < statistics.NO_SUMMARY else summary,
            metadata={
                "species": made.species,
                "affirmedDefaced": choose(statistics.DEFACED, rng.random()),
                "affirmedConsent": None,
                "studyLongitudinal": "Longitudinal" if made.sessions else "",
                "dxStatus": "",
            },
        )

    def _summary(self, made: Design, files: int) -> dict[str, object]:
        names = made.outline.modalities
        modalities = list(dict.fromkeys(name.partition("_")[0] for name in names))
        participants = made.texts.get("participants.tsv", b"").decode("utf-8-sig")
        description = json.loads(made.texts["dataset_description.json"])
        return {
            "subjects": list(made.labels),
            "sessions": list(made.sessions),
            "tasks": ["rest"],
            "modalities": modalities,
            "primaryModality": modalities[0] if modalities else None,
            "secondaryModalities": list(names),
            "subjectMetadata": dataset_texts.subject_metadata(participants),
            "totalFiles": files,
            "dataProcessed": description["DatasetType"] == "derivative",
        }


def _text_digests(dataset: str, path: str, content: bytes) -> Digests:
    state = object_hash(dataset, path, len(content))
    state.update(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Digests(md5=md5, object_id=object_id(path, len(content), state))


def _text_entry(dataset: str, path: str, content: bytes) -> listing_rows.ListingRow:
    digests = _text_digests(dataset, path, content)
    return listing_rows.ListingRow(
        path=path,
        size=len(content),
        object_id=digests.object_id,
        annexed=is_annexed(path, len(content)),
        version=version_id(dataset, path, digests),
    )
