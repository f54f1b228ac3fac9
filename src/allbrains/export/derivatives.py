"""A corpus as BIDS derivatives: one derivative dataset for each source dataset, NIfTI with JSON sidecars."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from allbrains.errors import ConfigurationError
from allbrains.export import names
from allbrains.export.native import Layer, scan_grid, to_scan, warp_of
from allbrains.files import publishing
from allbrains.load import Brain
from allbrains.records import Affine, Array
from allbrains.space.structure_priors import Structure
from allbrains.steps.labels import Label
from allbrains.store import quantise
from allbrains.store.layout import folder_name
from allbrains.version import VERSION

Space = Literal["template", "native"]

_GZIP_LEVEL = 6
_MM = 2  # NIfTI's code for millimetres
_SCANNER, _TEMPLATE = 1, 4  # NIfTI's codes for the world that an affine leads to


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """A map where it is to be: integers, affine, NIfTI's code of that world, and how the name tells it."""

    array: Array
    affine: Affine
    code: int
    entities: tuple[tuple[str, str], ...]
    resolution: str


def export(brains: Iterable[Brain], to: Path, *, space: Space = "template") -> Iterator[Path]:
    """Write each brain's maps under ``to/<dataset>/``; yield each image's path when it is whole.

    Integers are written as they are stored, with slope and intercept in the header, so nothing is lost.

    Args:
        brains: which.
        to: a folder; made where there is none. What is there already under the same name is replaced.
        space: ``template``, or ``native``: carried back onto the grid of each scan's own file.

    Raises:
        ConfigurationError: native space is asked of a corpus without transforms, two scans would have one
            name, or the folder can't be written to.
        CorpusError: a shard is damaged.
        TransientError: the disk is full.
    """
    snapshots: dict[str, list[str]] = {}
    written: set[Path] = set()
    for brain in brains:
        row = brain.row
        folder = to / folder_name(row["dataset"])
        known = snapshots.setdefault(row["dataset"], [])
        for path, text, image in _images(brain, row, folder, space):
            if row["snapshot"] not in known:  # not before there is an image: nothing is left of a refusal
                known.append(row["snapshot"])
                _describe(folder, row["dataset"], known, brain)
            if path in written:
                raise ConfigurationError(f"two scans would be called {path}: choose one with --where")
            written.add(path)
            _write(path, image)
            _write(path.with_name(path.name.removesuffix(".nii.gz") + ".json"), text.encode())
            yield path


def _images(
    brain: Brain, row: dict[str, Any], folder: Path, space: Space
) -> Iterator[tuple[Path, str, bytes]]:
    """Yield path, sidecar and bytes of each map."""
    held = {name: _stored(brain, name) for name in brain.brains.maps}
    layers = {name: layer for name, (layer, _) in held.items() if layer.array.ndim == 3}
    for name, image in (_native if space == "native" else _template)(brain, row, layers).items():
        kind = names.kind_of(name)
        stem = names.file_stem(row["path"], kind, image.entities)
        scale, offset = held[name][1]
        data = nifti(image.array, image.affine, scale, offset, code=image.code)
        yield folder / f"{stem}.nii.gz", names.sidecar(kind, row, image.resolution), data


def _stored(brain: Brain, name: str) -> tuple[Layer, tuple[float, float]]:
    """Return a map's integers, and their scale and offset; a derived map is quantised for it."""
    spec = brain.brains.specs.get(name)
    if spec is None:
        made = quantise.density(brain.values(name))
        return Layer(array=made.array, affine=brain.affine, labels=False), (made.scale, made.offset)
    step = brain.brains.step(name, brain.index)
    labels = spec.dtype == "uint8" and step == (1.0, 0.0)
    return Layer(array=brain.integers(name), affine=np.array(spec.affine), labels=labels), step


def _template(brain: Brain, row: dict[str, Any], layers: dict[str, Layer]) -> dict[str, _Image]:
    images = {}
    for name, layer in layers.items():
        spacing = float(np.linalg.norm(layer.affine[:3, 0]))
        images[name] = _Image(
            array=layer.array,
            affine=layer.affine,
            code=_TEMPLATE,
            entities=(
                ("space", names.kind_of(name).space or brain.brains.corpus.grid.space),
                ("res", names.resolution_label(spacing)),
            ),
            resolution=f"{spacing:g} mm, cubic voxels",
        )
    return images


def _native(brain: Brain, row: dict[str, Any], layers: dict[str, Layer]) -> dict[str, _Image]:
    grid = scan_grid(row)
    ours = {name: layer for name, layer in layers.items() if not names.kind_of(name).space}
    carried = to_scan(ours, warp_of(brain), grid)  # a map of another template has no way back here
    return {
        name: _Image(array=array, affine=grid.affine, code=_SCANNER, entities=(), resolution="")
        for name, array in carried.items()
    }


def nifti(array: Array, affine: Affine, scale: float, offset: float, *, code: int) -> bytes:
    """Return a compressed NIfTI-1 file with the integers as they are; the same bytes every time.

    Args:
        array: shape (x, y, z), an integer type.
        affine: shape (4, 4), voxel → RAS+ mm.
        scale: value of one step, into ``scl_slope``.
        offset: value of 0, into ``scl_inter``.
        code: NIfTI's code of the world that the affine leads to.
    """
    import nibabel  # part of the extra `build`; reading a corpus needs none

    image = nibabel.Nifti1Image(array, affine, dtype=array.dtype)
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    image.header.set_xyzt_units(_MM)
    image.header.set_slope_inter(scale, offset)
    return gzip.compress(image.to_bytes(), compresslevel=_GZIP_LEVEL, mtime=0)


def _describe(folder: Path, dataset: str, snapshots: list[str], brain: Brain) -> None:
    corpus = brain.brains.corpus
    specs = brain.brains.specs  # without the fields of vectors, which are not exported
    maps = [name for name in brain.brains.maps if name not in specs or len(specs[name].shape) == 3]
    kinds = [names.kind_of(name) for name in maps]
    texts = {
        "dataset_description.json": names.dataset_description(
            dataset,
            snapshots,
            recipe=corpus.recipe,
            fingerprint=corpus.fingerprint,
            version=VERSION,
        ),
        "README.md": names.readme(dataset, recipe=corpus.recipe, version=VERSION),
        "descriptions.tsv": names.descriptions(),
        ".bidsignore": names.ignored(kinds),
    }
    if "labels" in maps:
        texts["dseg.tsv"] = names.label_table(Label)
    if "structures" in maps:
        texts["desc-structures_dseg.tsv"] = names.label_table(Structure)
    for name, text in texts.items():
        _write(folder / name, text.encode())


def _write(path: Path, data: bytes) -> None:
    with publishing(path) as temporary:
        temporary.write_bytes(data)
