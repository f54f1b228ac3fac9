"""The facts on a card: numbers of scans and people, datasets, quality. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from allbrains.limits import PASS, REASONS
from allbrains.publish.source_datasets import Origin
from allbrains.store.manifest import CorpusFormat
from allbrains.store.sample_schema import MapSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One dataset of a corpus, in numbers of scans."""

    origin: Origin
    done: int
    people: int
    passed: int
    rejected: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a card needs.

    Attributes:
        corpus: recipe and grid.
        specs: the stored maps by name.
        parts: by dataset.
        table: rows of the scans that are done, judged, without pictures.
        rejected: scans by reason.
        shard_bytes: of all shards.
        affirmed: datasets of which the publisher affirms that faces were removed.
    """

    corpus: CorpusFormat
    specs: Mapping[str, MapSpec]
    parts: tuple[Part, ...]
    table: pa.Table
    rejected: Mapping[str, int]
    shard_bytes: int
    affirmed: tuple[str, ...] = ()

    @property
    def origins(self) -> list[Origin]:
        """The datasets."""
        return [part.origin for part in self.parts]

    @property
    def scans(self) -> int:
        """Scans that became samples."""
        return len(self.table)

    @property
    def people(self) -> int:
        """Subjects, counted by dataset."""
        return sum(part.people for part in self.parts)

    def counted(self, column: str) -> dict[str, int]:
        """Return how often each value of a column occurs, most often first; null is ``unknown``."""
        if column not in self.table.column_names:
            return {"unknown": self.scans} if self.scans else {}
        counts = Counter(
            "unknown" if value is None else str(value) for value in self.table[column].to_pylist()
        )
        return dict(counts.most_common())

    def intact_faces(self) -> dict[str, int]:
        """Return in how many scans of each dataset a face was found, where in any."""
        if "face" not in self.table.column_names:
            return {}
        found = zip(self.table["dataset"].to_pylist(), self.table["face"].to_pylist(), strict=True)
        return dict(Counter(dataset for dataset, face in found if face == "intact"))

    def numbers(self, column: str) -> list[float]:
        """Return the finite values of a column."""
        if column not in self.table.column_names:
            return []
        values = self.table[column].cast(pa.float64())
        finite = values.filter(pc.fill_null(pc.is_finite(values), False))
        return [float(value) for value in finite.to_pylist()]


def parts_of(rows: pa.Table, judged: pa.Table, origins: Sequence[Origin]) -> tuple[Part, ...]:
    """Return the numbers of each dataset.

    Args:
        rows: of the samples table, all outcomes.
        judged: those that are done, with ``qc_pass``.
        origins: of those that are done.
    """
    outcomes = Counter(_triples(rows, "outcome"))
    passed = Counter(_triples(judged, PASS))
    people = Counter((d, s) for d, s, _ in {*_triples(judged, "subject")})
    return tuple(
        Part(
            origin=origin,
            done=outcomes[origin.dataset, origin.snapshot, "done"],
            people=people[origin.dataset, origin.snapshot],
            passed=passed[origin.dataset, origin.snapshot, True],
            rejected=outcomes[origin.dataset, origin.snapshot, "rejected"],
            failed=outcomes[origin.dataset, origin.snapshot, "failed"],
        )
        for origin in origins
    )


def failed_reasons(judged: pa.Table) -> dict[str, int]:
    """Return how many samples fail each limit, most often first."""
    texts = judged[REASONS].to_pylist()
    return dict(Counter(name for text in texts for name in text.split(", ") if name).most_common())


def _triples(table: pa.Table, column: str) -> list[tuple[str, str, str | bool]]:
    datasets, snapshots, values = (table[name].to_pylist() for name in ("dataset", "snapshot", column))
    return list(zip(datasets, snapshots, values, strict=True))
