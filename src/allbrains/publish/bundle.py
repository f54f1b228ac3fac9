"""All files of a published corpus: those that are there, and those that are made for it.

The same corpus gives the same bytes, so publishing it again sends nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.files import publishing
from allbrains.load.opening import open_corpus
from allbrains.publish import card, card_charts, citing, croissant, source_datasets, viewer
from allbrains.publish.card_text import tsv
from allbrains.publish.commits import Item
from allbrains.publish.corpus_summary import Facts, parts_of
from allbrains.publish.papers import works_of
from allbrains.regular_files import leads_out
from allbrains.store import manifest
from allbrains.store.blobs import Folder
from allbrains.store.bounded_table import bounded_table, row_groups, schema_of
from allbrains.store.layout import Layout
from allbrains.store.samples import SAMPLES
from allbrains.store.split_table import checked_splits
from allbrains.store.sums import read_sums, sha256
from allbrains.tables import DATASETS
from allbrains.version import VERSION

_GIT_KEEPS = 10_000_000  # bytes: what is larger goes to large-file storage on any hub
# A folder that was read names the machine that it was on; the rest is of no use to readers.
_NOT_SHOWN = {"route", "server", "announced_files", "announced_subjects", "stated_ages", "hexsha"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What is to be published.

    Attributes:
        items: all files.
        facts: of the corpus.
    """

    items: tuple[Item, ...]
    facts: Facts


def bundle(
    out: Path,
    scratch: Path,
    address: str,
    day: date,
    *,
    affirmed: Collection[str] = (),
    left_out: Collection[str] = (),
) -> Bundle:
    """Return the files of a corpus to publish, after writing those that are made for it.

    Args:
        out: the corpus.
        scratch: a folder for what is made.
        address: by which people will load it; its last part is the name.
        day: of the first publication there.
        affirmed: datasets of which the publisher affirms that faces were removed.
        left_out: datasets that stay at home.

    Raises:
        ConfigurationError: there is nothing to publish, or a named dataset isn't there.
        CorpusError: the corpus is damaged.
    """
    layout = Layout(out)
    facts = gather(layout, affirmed=affirmed, left_out=left_out)
    samples = _samples(layout, scratch, left_out)
    shards = _shards(layout, facts)
    schema = schema_of(samples.path, samples.path)
    described = croissant.croissant(address, facts, day, samples=samples, schema=schema, shards=shards)
    texts = _made(address, facts, schema) | {croissant.NAME: described.encode()}
    made = _written(scratch, texts)
    tables = viewer.write_tables(layout.samples, scratch / "metadata", facts.table)
    others = [item_of(f"metadata/{path.name}", path) for path in tables]
    fixed = [item_of(layout.manifest.name, _own(layout, layout.manifest)), *_splits(layout, scratch, facts)]
    sums = _sums(scratch, [*shards, samples])
    datasets = _datasets(layout, scratch, facts)
    items = (*fixed, *shards, *others, *made, samples, sums, datasets)
    return Bundle(items=items, facts=facts)


def gather(layout: Layout, *, affirmed: Collection[str] = (), left_out: Collection[str] = ()) -> Facts:
    """Return what a corpus holds.

    Raises:
        ConfigurationError: it has no samples, or a named dataset isn't there.
    """
    brains = open_corpus(layout.root, maps=[])
    done = brains.table
    keep = ~pc.is_in(done["dataset"], pa.array(list(left_out), pa.string())).to_numpy(zero_copy_only=False)
    known = {*done["dataset"].to_pylist()}
    if unknown := sorted({*affirmed, *left_out} - known):
        raise ConfigurationError(f"no dataset {', '.join(unknown)} in {layout.root} has samples")
    done = done.filter(pa.array(keep))
    if not len(done):
        raise ConfigurationError(f"{layout.root} has no samples to publish")
    columns = ["dataset", "snapshot", "outcome", "reason"]
    rows = bounded_table(layout.samples, layout.samples, columns=columns)
    rows = rows.filter(pc.is_in(rows["dataset"], pa.array(sorted(known - {*left_out}), pa.string())))
    versions = zip(done["dataset"].to_pylist(), done["snapshot"].to_pylist(), strict=True)
    found = source_datasets.origins_of(versions, source_datasets.read_rows(Folder(layout.root)))
    refused = rows.filter(pc.equal(rows["outcome"], "rejected"))["reason"].value_counts().to_pylist()
    sizes = set(zip(done["shard"].to_pylist(), done["shard_size"].to_pylist(), strict=True))
    return Facts(
        corpus=manifest.read(layout),
        specs=open_corpus(layout.root).specs,
        parts=parts_of(rows, done, found),
        table=done,
        rejected={one["values"]: one["counts"] for one in sorted(refused, key=lambda one: -one["counts"])},
        shard_bytes=sum(size for _, size in sizes),
        affirmed=tuple(sorted(affirmed)),
    )


def item_of(name: str, path: Path, *, last: bool = False) -> Item:
    """Return a file to publish, its digests computed.

    Raises:
        CorpusError: it can't be read.
    """
    try:
        size = path.stat().st_size
        git_sha1 = ""
        if size <= _GIT_KEEPS:
            data = path.read_bytes()
            git_sha1 = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        return Item(name=name, path=path, size=size, sha256=sha256(path), git_sha1=git_sha1, last=last)
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error}") from error


def _own(layout: Layout, path: Path) -> Path:
    """Return a file of a corpus, which may be a stranger's: a link in it may lead to the publisher's own.

    Raises:
        CorpusError: a link leads out of the corpus, or it is no regular file.
    """
    if leads_out(path, layout.root):
        raise CorpusError(
            f"{path} is a link that leads out of the corpus: such a file is not published. "
            "Copy the corpus (`cp -rL`), if that is what should be sent"
        )
    if path.exists() and not path.is_file():
        raise CorpusError(f"{path} is not a regular file")
    return path


def _shards(layout: Layout, facts: Facts) -> list[Item]:
    """Return the shards; digests are those of ``SHA256SUMS`` where it has them: nothing large is read."""
    listed, items = read_sums(layout), []
    names = facts.table["shard"].to_pylist()
    for name, size in sorted(set(zip(names, facts.table["shard_size"].to_pylist(), strict=True))):
        path = _own(layout, layout.root / name)
        found = path.stat().st_size if path.exists() else -1
        if found != size:
            raise CorpusError(
                f"shard {path}: expected {size} bytes, found {found}; `allbrains verify` tells more"
            )
        if name in listed and size > _GIT_KEEPS:  # `send` looks at it when it goes
            items.append(Item(name=name, path=path, size=size, sha256=listed[name]))
            continue
        items.append(item_of(name, path))
        if listed.get(name, items[-1].sha256) != items[-1].sha256:
            raise CorpusError(f"shard {path} is damaged: see `allbrains verify`")
    return items


def _samples(layout: Layout, scratch: Path, left_out: Collection[str]) -> Item:
    """Return the samples table, without the rows of what stays at home."""
    name = layout.samples.name
    if not left_out:
        return item_of(name, _own(layout, layout.samples), last=True)
    gone = pa.array(sorted(left_out), pa.string())
    with (
        publishing(scratch / name) as temporary,
        pq.ParquetWriter(temporary, schema_of(layout.samples, layout.samples), **SAMPLES) as writer,
    ):
        for table in row_groups(layout.samples, layout.samples):
            writer.write_table(table.filter(pc.invert(pc.is_in(table["dataset"], gone))))
    return item_of(name, scratch / name, last=True)


def _splits(layout: Layout, scratch: Path, facts: Facts) -> list[Item]:
    """Return the table of splits, where there is one, of what is published."""
    path = _own(layout, layout.root / "splits.parquet")
    if not path.exists():
        return []
    with Folder(layout.root).open(path.name) as source:
        table = checked_splits(source, path)
    kept = table.filter(pc.is_in(table["scan_id"], facts.table["scan_id"].combine_chunks()))
    if len(kept) == len(table):
        return [item_of(path.name, path, last=True)]
    pq.write_table(kept, scratch / path.name, compression="zstd")
    return [item_of(path.name, scratch / path.name, last=True)]


def _sums(scratch: Path, items: Collection[Item]) -> Item:
    text = "".join(f"{item.sha256}  {item.name}\n" for item in items)
    return _written(scratch, {"SHA256SUMS": text.encode()})[0]


def _datasets(layout: Layout, scratch: Path, facts: Facts) -> Item:
    """Return the table of the datasets inside, for ``allbrains cite`` at the other end."""
    inside = {origin.dataset for origin in facts.origins}
    rows = [row for row in source_datasets.read_rows(Folder(layout.root)) if row["dataset"] in inside]
    fields = [field for field in DATASETS if field.name not in _NOT_SHOWN]
    shown = [
        {field.name: row.get(field.name) for field in fields} | {"source": _address(row)} for row in rows
    ]
    path = scratch / source_datasets.TABLE
    pq.write_table(pa.Table.from_pylist(shown, schema=pa.schema(fields)), path, compression="zstd")
    return item_of(path.name, path, last=True)


def _address(row: Mapping[str, object]) -> str:
    source = str(row.get("source") or "")
    return source if source.startswith("https://") else ""


def _made(address: str, facts: Facts, schema: pa.Schema) -> dict[str, bytes]:
    drawn, works = card_charts.pictures(facts), works_of(facts.corpus)
    name = address.rstrip("/").rsplit("/", maxsplit=1)[-1]
    title = f"{name}: {facts.scans} brains"
    texts = {
        "README.md": card.card(name, address, facts, drawn),
        "LICENSES.tsv": card.licences(facts),
        "CITATION.cff": citing.citation_file(title, facts.origins, works),
        "references.bib": citing.bibliography(facts.origins, works),
        "descriptions.tsv": _descriptions(schema),
        "dataset_description.json": _description(name, facts),
    }
    pictures = {f"figures/{file}": data for file, data in drawn.items()}
    return pictures | {file: text.encode() for file, text in texts.items()}


def _written(scratch: Path, made: Mapping[str, bytes]) -> list[Item]:
    items = []
    for name, content in made.items():
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        items.append(item_of(name, path, last=True))
    return items


def _descriptions(schema: pa.Schema) -> str:
    """Return BIDS' ``descriptions.tsv``, here of columns: what each means."""
    told = [
        (field.name, (field.metadata or {}).get(b"description", b"").decode(errors="replace"))
        for field in schema
    ]
    return tsv([("desc_id", "description"), *told])


def _description(name: str, facts: Facts) -> str:
    """Return BIDS' ``dataset_description.json`` of a derivative."""
    spdx = {origin.spdx for origin in facts.origins}
    sources = [
        {"URL": origin.url, "DOI": f"doi:{origin.doi}" if origin.doi else "", "Version": origin.snapshot}
        for origin in facts.origins
    ]
    told = {
        "Name": name,
        "BIDSVersion": "1.11.1",
        "DatasetType": "derivative",
        "License": spdx.pop() if len(spdx) == 1 else "several, see LICENSES.tsv",
        "HowToAcknowledge": "Cite the datasets inside: references.bib, CITATION.cff",
        "GeneratedBy": [
            {"Name": "allbrains", "Version": VERSION, "Description": f"recipe {facts.corpus.recipe}"}
        ],
        "SourceDatasets": [{key: value for key, value in source.items() if value} for source in sources],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"
