"""What a map is called among BIDS derivatives, and what is said about it. Pure.

References:
    BIDS 1.11.1, "Derivatives": entities ``space``, ``res``, ``label``, ``desc``; ``probseg``, ``mask``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from allbrains import bids
from allbrains.errors import CorpusError

BIDS_VERSION = "1.11.1"
SOURCE = "raw"  # name of the source dataset in `bids:` URIs

_OPENNEURO = re.compile(r"ds\d{6}\Z")
# entities that stand behind `space`; all others of a raw file name stand before it
_BEHIND_SPACE = ("split", "recording", "chunk", "seg", "res", "den", "label", "desc")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapKind:
    """How a map is named.

    Attributes:
        entities: that say which map it is.
        suffix: BIDS' own, or one of ours.
        standard: whether BIDS knows the suffix; the others stand in ``.bidsignore``.
        about: for its sidecar.
        space: of a map with a template of its own; empty for the corpus' space.
    """

    entities: tuple[tuple[str, str], ...] = ()
    suffix: str
    standard: bool = True
    about: Mapping[str, Any] = field(default_factory=dict)
    space: str = ""


def _tissue(label: str, words: str) -> MapKind:
    about = {"Description": f"Fraction of the voxel that is {words}"}
    return MapKind(entities=(("label", label),), suffix="probseg", about=about)


def _of_six(label: str) -> MapKind:
    return MapKind(entities=(("label", label), ("desc", "six")), suffix="probseg")


def _modulated(label: str) -> MapKind:
    return MapKind(
        entities=(("label", label), ("desc", "modulated")),
        suffix="density",
        standard=False,
        about={"Description": f"{label} × Jacobian determinant of deepmriprep's warp, affine part included"},
        space="CAT12",
    )


KINDS: dict[str, MapKind] = {
    "t1w": MapKind(
        entities=(("desc", "preproc"),),
        suffix="T1w",
        about={"SkullStripped": True, "Description": "Bias field removed; the centre of white matter is 1"},
    ),
    "mask": MapKind(
        entities=(("desc", "brain"),),
        suffix="mask",
        about={"Type": "Brain", "Description": "The brain with its ventricles"},
    ),
    "csf": _tissue("CSF", "cerebrospinal fluid"),
    "gm": _tissue("GM", "grey matter"),
    "wm": _tissue("WM", "white matter"),
    "labels": MapKind(suffix="dseg", about={"Description": "Six labels; names in dseg.tsv"}),
    "structures": MapKind(
        entities=(("desc", "structures"),),
        suffix="dseg",
        about={"Description": "Structures, left and right; names in desc-structures_dseg.tsv"},
    ),
    "prob_csf": _of_six("CSF"),
    "prob_cortical_gm": _of_six("CGM"),
    "prob_wm": _of_six("WM"),
    "prob_deep_gm": _of_six("SCGM"),
    "prob_brainstem": _of_six("BS"),
    "prob_cerebellum": _of_six("CBM"),
    "mwp1": _modulated("GM"),
    "mwp2": _modulated("WM"),
    "logjac": MapKind(
        suffix="logjacobian",
        standard=False,
        about={
            "Description": "Natural logarithm of the Jacobian determinant of the non-linear warp from the "
            "template to the scan; the affine part is not in it"
        },
    ),
}


def kind_of(name: str) -> MapKind:
    """Return how the map ``name`` is called; one that BIDS doesn't know is its own suffix."""
    return KINDS.get(name) or MapKind(suffix=name.replace("_", ""), standard=False)


def file_stem(path: str, kind: MapKind, space: tuple[tuple[str, str], ...]) -> str:
    """Return the path of a derivative without its extension.

    Args:
        path: of the scan in its dataset.
        kind: of the map.
        space: entities that say which grid, such as ``(("space", "…"), ("res", "1"))``; none for the scan's.
    """
    source = source_of(path)
    before = [pair for pair in source.entities if pair[0] not in _BEHIND_SPACE]
    own = [pair for pair in (*space, *source.entities, *kind.entities) if pair not in before]
    behind = sorted(own, key=lambda pair: _rank(pair[0]))
    named = bids.BidsPath(
        folders=source.folders, entities=(*before, *behind), suffix=kind.suffix, extension=""
    )
    return str(named)


def source_of(path: str) -> bids.BidsPath:
    """Return the parts of a scan's path.

    Raises:
        CorpusError: it is not BIDS; a corpus may be a stranger's.
    """
    try:
        return bids.parse(path)
    except bids.NotBids as error:
        raise CorpusError(f"a sample's path can't name files: {error}") from error


def resolution_label(spacing_mm: float) -> str:
    """Return the label of ``res``: ``1``, ``1p5``, ``2``."""
    return f"{spacing_mm:g}".replace(".", "p")


def url_of(dataset: str, snapshot: str) -> str:
    """Return where the source dataset is to be found; empty where it is not OpenNeuro's."""
    if not (_OPENNEURO.match(dataset) and snapshot):
        return ""
    return f"https://openneuro.org/datasets/{dataset}/versions/{snapshot}"


def dataset_description(
    dataset: str, snapshots: Iterable[str], *, recipe: str, fingerprint: str, version: str
) -> str:
    """Return the text of ``dataset_description.json``.

    Args:
        dataset: the source's accession or folder name.
        snapshots: of the source, each once.
        recipe: name of the recipe.
        fingerprint: of the recipe.
        version: of allbrains.
    """
    sources = [source for snapshot in snapshots if (source := _source(dataset, snapshot))]
    described: dict[str, Any] = {
        "Name": f"{dataset}, processed by allbrains with the recipe {recipe}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {"Name": "allbrains", "Version": version, "Description": f"recipe {recipe} ({fingerprint})"}
        ],
    }
    if sources:
        described["SourceDatasets"] = sources
    urls = [source["URL"] for source in sources if "URL" in source]
    if urls:
        described["DatasetLinks"] = {SOURCE: urls[-1]}
    return as_text(described)


def sidecar(kind: MapKind, row: Mapping[str, Any], resolution: str) -> str:
    """Return the text of a map's sidecar.

    Args:
        kind: of the map.
        row: of the scan in the samples table.
        resolution: in words, empty in the scan's own space.
    """
    linked = bool(url_of(row["dataset"], row["snapshot"]))
    source = f"bids:{SOURCE}:{row['path']}" if linked else row["path"]
    return as_text({**kind.about, "Sources": [source], **({"Resolution": resolution} if resolution else {})})


def descriptions() -> str:
    """Return the text of ``descriptions.tsv``."""
    rows = [
        ("desc_id", "description"),
        (
            "desc-preproc",
            "bias field and skull removed, intensities divided by the centre of white matter",
        ),
        ("desc-brain", "brain with its ventricles"),
        ("desc-structures", "structures by name, left and right"),
        ("desc-six", "one of six tissues, as the recipe's own segmentation tells them apart"),
        ("desc-modulated", "tissue × Jacobian determinant: sums over the template are volumes of the scan"),
    ]
    return "".join("\t".join(row) + "\n" for row in rows)


def label_table(labels: type[IntEnum]) -> str:
    """Return the text of a ``dseg.tsv``: the index and the name of each label."""
    rows = [("index", "name"), *((str(int(label)), label.name.lower()) for label in labels)]
    return "".join("\t".join(row) + "\n" for row in rows)


def readme(dataset: str, *, recipe: str, version: str) -> str:
    """Return the text of ``README.md``."""
    return (
        f"# {dataset}, processed by allbrains\n\nMade by allbrains {version} with the recipe `{recipe}` "
        "from the T1-weighted images of the source dataset, whose licence holds for these files too.\n"
        "Not a medical device.\n"
    )


def ignored(kinds: Iterable[MapKind]) -> str:
    """Return the text of ``.bidsignore``: label tables, and suffixes that BIDS doesn't know."""
    known = list(kinds)
    tables = "dseg.tsv\n*_dseg.tsv\n" if any(kind.suffix == "dseg" for kind in known) else ""
    suffixes = sorted({kind.suffix for kind in known if not kind.standard})
    return tables + "".join(f"*_{suffix}.*\n" for suffix in suffixes)


def as_text(fields: Mapping[str, Any]) -> str:
    """Return JSON for people."""
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _rank(key: str) -> int:
    return _BEHIND_SPACE.index(key) if key in _BEHIND_SPACE else -1  # `space` comes first


def _source(dataset: str, snapshot: str) -> dict[str, str]:
    url = url_of(dataset, snapshot)
    found = {"URL": url, "DOI": f"10.18112/openneuro.{dataset}.v{snapshot}"} if url else {}
    return found | ({"Version": snapshot} if snapshot else {})
