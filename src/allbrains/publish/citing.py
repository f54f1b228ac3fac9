"""BibTeX and CITATION.cff for the datasets that were used and the steps that were applied. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from allbrains.publish.card_text import bibtex, one_line, yaml
from allbrains.publish.papers import Work
from allbrains.publish.source_datasets import Origin
from allbrains.version import VERSION

_CFF_LICENCE = re.compile(r"(?:CC0|PDDL|ODbL|ODC-By|CC-BY(?:-NC)?(?:-ND)?(?:-SA)?)-\d\.\d\Z")


def bibliography(origins: Iterable[Origin], works: Sequence[Work]) -> str:
    """Return BibTeX: each dataset in its version, then the papers, then allbrains."""
    parts = [_entry("misc", key(origin), _dataset_fields(origin)) for origin in origins]
    parts += [_entry("article", work.key, _work_fields(work)) for work in works]
    software = {"title": "{allbrains}", "author": "{The allbrains developers}", "note": f"version {VERSION}"}
    return "\n".join([*parts, _entry("misc", "allbrains", software)])


def citation_file(title: str, origins: Sequence[Origin], works: Sequence[Work]) -> str:
    """Return the text of a CITATION.cff, version 1.2.0, of a corpus or of a part of it."""
    references = [_dataset_reference(origin) for origin in origins]
    references += [_work_reference(work) for work in works]
    references.append(
        {
            "type": "software",
            "title": "allbrains",
            "version": VERSION,
            "authors": [{"name": "The allbrains developers"}],
        }
    )
    return yaml(
        {
            "cff-version": "1.2.0",
            "message": "Please cite the datasets under references: their authors made the scans.",
            "title": title,
            "type": "dataset",
            "authors": [{"name": "The authors of the datasets under references"}],
            "references": references,
        }
    )


def key(origin: Origin) -> str:
    """Return a dataset's BibTeX key."""
    return re.sub(r"[^A-Za-z0-9.:-]", "-", f"{origin.dataset}-{origin.snapshot}")


def _entry(kind: str, name: str, fields: dict[str, str]) -> str:
    lines = "".join(f"  {field} = {{{value}}},\n" for field, value in fields.items() if value)
    return f"@{kind}{{{name},\n{lines}}}\n"


def _dataset_fields(origin: Origin) -> dict[str, str]:
    return {
        # names in braces: they come as written, so nobody knows which word is the family's
        "author": " and ".join(f"{{{bibtex(name)}}}" for name in _authors(origin)),
        "title": f"{{{bibtex(origin.name)}}}",
        "year": origin.year,
        "version": bibtex(origin.snapshot),
        "publisher": "OpenNeuro" if origin.doi.startswith("10.18112/") else "",
        "doi": origin.doi,
        "url": origin.url,
        "note": bibtex(
            f"Dataset {origin.dataset}, version {origin.snapshot}, licence {origin.spdx or 'unknown'}"
        ),
    }


def _work_fields(work: Work) -> dict[str, str]:
    fields = {"author": " and ".join(work.authors), "title": f"{{{bibtex(work.title)}}}"}
    volume, _, pages = work.volume.partition(":")
    return {
        **fields,
        "journal": bibtex(work.journal),
        "year": work.year,
        "volume": volume,
        "pages": pages.replace("-", "--"),
        "doi": work.doi,
    }


def _authors(origin: Origin) -> tuple[str, ...]:
    return tuple(filter(None, map(one_line, origin.authors))) or (
        f"The authors of {one_line(origin.dataset)}",
    )


def _dataset_reference(origin: Origin) -> dict[str, Any]:
    optional = {
        "year": int(origin.year) if origin.year else None,
        "doi": origin.doi,
        "url": origin.url,
        "license": origin.spdx if _CFF_LICENCE.match(origin.spdx) else "",
    }
    return {
        "type": "data",
        "title": one_line(origin.name) or origin.dataset,
        "version": origin.snapshot,
        "authors": [{"name": name} for name in _authors(origin)],
        **{name: value for name, value in optional.items() if value},
    }


def _work_reference(work: Work) -> dict[str, Any]:
    people = [
        dict(zip(("family-names", "given-names"), name.split(", "), strict=False)) for name in work.authors
    ]
    known = [{"name": "others"} if person["family-names"] == "others" else person for person in people]
    return {
        "type": "article",
        "title": work.title,
        "authors": known,
        "journal": work.journal,
        "year": int(work.year),
        "doi": work.doi,
    }
