"""The card: ``README.md`` of a published corpus. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from statistics import median

from allbrains.publish import reuse_terms
from allbrains.publish.card_text import markdown, tsv, yaml
from allbrains.publish.corpus_summary import Facts, failed_reasons
from allbrains.version import VERSION

_SIZES = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
_LISTED = 200  # datasets in the card; all of them are in LICENSES.tsv


def card(name: str, address: str, facts: Facts, figures: Iterable[str]) -> str:
    """Return the text of the card.

    Args:
        name: what to call it.
        address: by which people will load it.
        facts: of the corpus.
        figures: names of the pictures in ``figures/``.
    """
    sections = (
        f"# {markdown(name)}\n\n{_summary(facts)}",
        f"## Load\n\n{_loading(address)}",
        f"## What is in a sample\n\n{_maps(facts)}",
        f"## Who\n\n{_people(facts)}{_pictures(figures, 'demographics.png')}",
        f"## Where from, and under which licence\n\n{_origins(facts)}{_pictures(figures, 'datasets.png')}",
        f"## How good\n\n{_quality(facts)}{_pictures(figures, 'quality.png')}",
        f"## Limits and biases\n\n{_text('limits')}",
        f"## Terms\n\n{_text('terms')}",
        f"## Cite\n\n{_citing(address)}",
    )
    return f"---\n{yaml(front_matter(name, facts))}---\n\n" + "\n\n".join(sections) + "\n"


def _text(name: str) -> str:
    """Return a section that is the same for all corpora; it comes with the package."""
    return resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()


def front_matter(name: str, facts: Facts) -> dict[str, object]:
    """Return what stands in YAML on top of the card."""
    licence = reuse_terms.licence_of(facts.origins)
    named = {"license_name": "several", "license_link": "LICENSES.tsv"} if licence == "other" else {}
    size = next((word for most, word in _SIZES if facts.scans < most), "100K<n<1M")
    return {
        "license": licence,
        **named,
        "pretty_name": name,
        "task_categories": ["image-classification", "image-segmentation", "image-feature-extraction"],
        "tags": ["medical", "neuroimaging", "MRI", "brain", "T1w", "BIDS", "OpenNeuro", "allbrains"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "default": True,
                "data_files": [{"split": "train", "path": "metadata/*.parquet"}],
            },
            {"config_name": "volumes", "data_files": [{"split": "train", "path": "shards/*/*.parquet"}]},
        ],
    }


def licences(facts: Facts) -> str:
    """Return ``LICENSES.tsv``: one row for each dataset, with the terms that follow."""
    head = ("dataset", "snapshot", "name", "license", "spdx", "faces", "may_be_public", "because", "doi")
    rows = []
    for origin in facts.origins:
        why = reuse_terms.hindrances(origin, facts.affirmed)
        about = (origin.dataset, origin.snapshot, origin.name, origin.license, origin.spdx)
        told = (reuse_terms.faces(origin, facts.affirmed), "no" if why else "yes", "; ".join(why), origin.doi)
        rows.append((*about, *told))
    return tsv([head, *rows])


def _summary(facts: Facts) -> str:
    corpus, shape = facts.corpus, "×".join(map(str, facts.corpus.grid.shape))
    return (
        f"{facts.scans} T1-weighted MRI scans of {facts.people} people from {len(facts.parts)} datasets, "
        f"stripped of the skull, in the space {markdown(corpus.grid.space)} on a grid of "
        f"{shape} voxels, with tissues and deformations: {facts.shard_bytes / 1e9:.2f} GB. "
        f"Made by allbrains {VERSION}, recipe `{corpus.recipe}` ({corpus.fingerprint}); every step with its "
        "settings is in `allbrains.json`.\n\n"
        "People are counted by dataset: somebody who took part in two counts twice."
    )


def _loading(address: str) -> str:
    name = address.removeprefix("hf://")
    where = "age_years between 20 and 40"
    return f"""\
```python
import allbrains  # pip install 'allbrains[remote]' huggingface_hub

brains = allbrains.open("{address}", maps=["t1w", "gm"], where="{where}")
brains[0].t1w  # float32; fetches the bytes of this map, not the file
```

Metadata and pictures alone, as the viewer shows them:

```python
from datasets import load_dataset

table = load_dataset("{name}", split="train")
```

`load_dataset("{name}", "volumes", streaming=True)` gives the shards' rows, whose maps are blosc2
chunks; `allbrains.json` has the grid, and each column's own metadata its shape and type.
`samples.parquet` has a row for every planned scan, also for those that were rejected, with the reason."""


def _maps(facts: Facts) -> str:
    rows = [
        f"| `{markdown(name)}` | {'×'.join(map(str, spec.shape))} | {spec.dtype} |"
        for name, spec in facts.specs.items()
    ]
    return "\n".join(["| map | voxels | stored as |", "|---|---|---|", *rows])


def _people(facts: Facts) -> str:
    ages = facts.numbers("age_years")
    told = f"Ages are known of {len(ages)} scans"
    told += (
        f", from {min(ages):.1f} to {max(ages):.1f} years, median {median(ages):.1f}.\n" if ages else ".\n"
    )
    tables = [
        _table(("sex", "scans"), facts.counted("sex")),
        _table(("group", "scans"), facts.counted("group")),
        _table(("diagnosis", "scans"), _told(facts.counted("diagnosis"))),
        _table(("handedness", "scans"), facts.counted("handedness")),
    ]
    return "\n".join(filter(None, [told, *tables]))


def _told(counts: dict[str, int]) -> dict[str, int]:
    """Return counts without the unknown: of a control no diagnosis is told."""
    return {name: count for name, count in counts.items() if name != "unknown"}


def _origins(facts: Facts) -> str:
    head = [
        "| dataset | version | name | licence | faces | scans | people |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = []
    for part in facts.parts[:_LISTED]:
        origin = part.origin
        label = markdown(origin.dataset)
        link = f"[{label}]({origin.url})" if origin.url else label
        faces = reuse_terms.faces(origin, facts.affirmed)
        licence = markdown(origin.spdx or origin.license or "unknown")
        rows.append(
            f"| {link} | {markdown(origin.snapshot)} | {markdown(origin.name)[:120]} | {licence} | {faces} "
            f"| {part.done} | {part.people} |"
        )
    rest = len(facts.parts) - _LISTED
    more = f"\n\n{rest} more datasets are in `LICENSES.tsv`." if rest > 0 else ""
    table = "\n".join(head + rows)
    verdict = reuse_terms.verdict_of(facts.origins)
    told = f"**The whole:** {verdict} `LICENSES.tsv` has a verdict for each dataset. No legal advice."
    return f"{table}{more}\n\n{told}\n"


def _quality(facts: Facts) -> str:
    passed = sum(part.passed for part in facts.parts)
    told = f"{passed} of {facts.scans} samples are within all limits (`qc_pass`).\n"
    failing = _table(("limit that fails", "samples"), failed_reasons(facts.table))
    return "\n".join(filter(None, [told, failing, _table(("rejected because", "scans"), facts.rejected)]))


def _citing(address: str) -> str:
    return (
        "`CITATION.cff` and `references.bib` name every dataset inside in its version, and the tools. "
        "For just the scans that you used:\n\n```console\n"
        f"allbrains cite {address} --where \"sex = 'female'\"\n```"
    )


def _pictures(figures: Iterable[str], name: str) -> str:
    return f"\n![{name.removesuffix('.png')}](figures/{name})\n" if name in figures else ""


def _table(head: tuple[str, str], counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    rows = [f"| {markdown(name)} | {count} |" for name, count in counts.items()]
    return "\n".join([f"| {head[0]} | {head[1]} |", "|---|---|", *rows, ""])
