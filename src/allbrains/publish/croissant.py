"""``croissant.json``: the corpus for machines, Croissant 1.1 with the fields for responsible AI. Pure.

References:
    Croissant 1.1, http://mlcommons.org/croissant/1.1; RAI 1.0, http://mlcommons.org/croissant/RAI/1.0
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from allbrains.publish import reuse_terms
from allbrains.publish.card_text import one_line
from allbrains.publish.commits import Item
from allbrains.publish.corpus_summary import Facts
from allbrains.text import json_of
from allbrains.version import VERSION

NAME = "croissant.json"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_PARQUET = "application/vnd.apache.parquet"
_KINDS = {"double": "sc:Float", "bool": "sc:Boolean", "string": "sc:Text"}


def first_published(text: str) -> date | None:
    """Return the ``datePublished`` of a ``croissant.json``; None where it has none."""
    try:
        told = json_of(text)
        return date.fromisoformat(str(told["datePublished"])[:10])
    except (ValueError, KeyError, TypeError):  # somebody else's file, or one of before dates were told
        return None


def croissant(
    address: str, facts: Facts, day: date, *, samples: Item, schema: pa.Schema, shards: Sequence[Item]
) -> str:
    """Return the text of ``croissant.json``.

    Args:
        address: by which people will load it; its last part is the name.
        facts: of the corpus.
        day: of the first publication at that address: later ones tell the same, so that nothing is sent
            again for a date.
        samples: the samples table.
        schema: of the samples table.
        shards: of the corpus.
    """
    where = re.sub(r"\Ahf://", "https://huggingface.co/datasets/", address)
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": address.rsplit("/", maxsplit=1)[-1],
        "description": f"{facts.scans} T1w MRI scans from {len(facts.parts)} datasets, in template space.",
        "version": "1.0.0",
        "datePublished": day.isoformat(),
        "url": where,
        "isLiveDataset": True,
        "license": _licences(facts),
        "creator": [{"@type": "sc:Organization", "name": "The authors of the datasets inside"}],
        "isBasedOn": [origin.url for origin in facts.origins if origin.url],
        "citeAs": _cited(facts),
        "keywords": ["MRI", "brain", "T1w", "BIDS"],
        "distribution": _distribution(where, samples, shards),
        "recordSet": [_records(schema)],
        **_collected(facts),
        **_to_be_used(facts),
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _licences(facts: Facts) -> list[str]:
    found = sorted({origin.spdx for origin in facts.origins if origin.spdx})
    return [f"https://spdx.org/licenses/{name}" for name in found] or ["see LICENSES.tsv"]


def _cited(facts: Facts) -> str:
    named = "; ".join(
        f"{one_line(origin.name)} ({origin.dataset} {origin.snapshot})" for origin in facts.origins[:20]
    )
    return f"{named}{'; and more' if len(facts.parts) > 20 else ''}. All of them: references.bib"


def _distribution(where: str, samples: Item, shards: Sequence[Item]) -> list[dict[str, Any]]:
    size = sum(item.size for item in shards)
    return [
        {
            "@type": "cr:FileObject",
            "@id": "repository",
            "name": "repository",
            "description": "Where all files are.",
            "contentUrl": where,
            "encodingFormat": "git+https",
            "sha256": "https://github.com/mlcommons/croissant/issues/80",  # a repository has no digest
        },
        {
            "@type": "cr:FileObject",
            "@id": "samples",
            "name": "samples",
            "description": "A row for each planned scan: labels, metrics, outcome, place of each map.",
            "containedIn": {"@id": "repository"},
            "contentUrl": samples.name,
            "contentSize": f"{samples.size} B",
            "encodingFormat": _PARQUET,
            "sha256": samples.sha256,
        },
        {
            "@type": "cr:FileSet",
            "@id": "shards",
            "name": "shards",
            "description": f"Maps, one scan a row group; {len(shards)} files, {size} bytes.",
            "containedIn": {"@id": "repository"},
            "encodingFormat": _PARQUET,
            "includes": "shards/*/*.parquet",
        },
    ]


def _records(schema: pa.Schema) -> dict[str, Any]:
    fields = [_field(column) for column in schema if column.name != "montage"]
    return {
        "@type": "cr:RecordSet",
        "@id": "scans",
        "name": "scans",
        "description": "One record a planned scan.",
        "key": {"@id": "scans/scan_id"},
        "field": fields,
    }


def _field(column: pa.Field) -> dict[str, Any]:
    about = (column.metadata or {}).get(b"description", b"").decode(errors="replace")
    kind = column.type
    listed = pa.types.is_list(kind)
    kind = kind.value_type if listed else kind
    default = "sc:Integer" if pa.types.is_integer(kind) else "sc:Text"
    return {
        "@type": "cr:Field",
        "@id": f"scans/{column.name}",
        "name": column.name,
        "description": one_line(about) or column.name,
        "dataType": _KINDS.get(str(kind), default),
        **({"isArray": True, "arrayShape": "-1"} if listed else {}),
        "source": {"fileObject": {"@id": "samples"}, "extract": {"column": column.name}},
    }


def _collected(facts: Facts) -> dict[str, Any]:
    """Return the fields for responsible AI on where the data come from."""
    ages, corpus = facts.numbers("age_years"), facts.corpus
    spread = f"Ages are known of {len(ages)} of {facts.scans} scans"
    spread += f", {min(ages):.0f} to {max(ages):.0f} years. " if ages else ". "
    sexes = ", ".join(f"{count} {name}" for name, count in facts.counted("sex").items())
    return {
        "rai:dataCollection": (
            "T1-weighted scans that their authors published; crawled by allbrains, each with its digest, "
            "version and licence. Nothing was acquired for this corpus."
        ),
        "rai:dataCollectionType": ["Secondary Data Analysis"],
        "rai:dataCollectionMissingData": (
            "Ages, sexes and groups are missing where the datasets' tables don't state them or where "
            "reading them would be a guess; scans that were rejected or failed have a row with the reason."
        ),
        "rai:dataPreprocessingProtocol": [
            f"allbrains {VERSION}, recipe {corpus.recipe} ({corpus.fingerprint}), space {corpus.grid.space}; "
            "all steps with their versions and settings are in allbrains.json."
        ],
        "rai:dataBiases": [
            f"{spread}Sexes: {sexes}.",
            "Datasets differ in scanner, protocol, defacing, age and diagnosis at once, so labels and "
            "datasets are confounded; people come mostly from universities and hospitals of rich countries.",
        ],
    }


def _to_be_used(facts: Facts) -> dict[str, Any]:
    """Return the fields for responsible AI on what the data are good for."""
    return {
        "rai:dataLimitations": [
            "Automatic processing without a person's look at each scan; lesions and resections bend the "
            "warp; small structures are lost to the grid. Not for clinical use."
        ],
        "rai:dataUseCases": [
            "Training and testing models of brain structure; age, sex and group prediction; representation "
            "learning; harmonisation. Not for identifying people or for diagnosis."
        ],
        "rai:dataSocialImpact": (
            "May let small groups do work on brain structure that needed a consortium; models may serve "
            "people who are not represented badly."
        ),
        "rai:personalSensitiveInformation": [
            "Brain shape, age, sex, handedness and diagnostic group of people whom their datasets name by "
            "pseudonyms. Skulls and faces are removed; who has another scan of a brain may still recognise "
            "it, so any attempt to do so is against the terms."
        ],
        "rai:dataReleaseMaintenancePlan": (
            "Each publication is a commit; datasets that are withdrawn at the source are removed at the "
            f"next. The whole: {reuse_terms.verdict_of(facts.origins)}"
        ),
    }
