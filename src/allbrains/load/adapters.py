"""A brain as other libraries want it. Each library is imported when its adapter is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.records import Volume
from allbrains.store import codec, quantise

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

    from allbrains.records import Array
    from allbrains.store.sample_schema import MapSpec

_TEMPLATE_CODE, _MM = 4, 2  # NIfTI's codes: a template's world, millimetres


def nibabel_image(volume: Volume) -> Nifti1Image:
    """Return a float32 image in memory; its world is the template's, RAS+ mm.

    Raises:
        ConfigurationError: nibabel is not installed.
    """
    try:
        import nibabel
    except ModuleNotFoundError as error:
        raise ConfigurationError("to_nibabel() needs nibabel: pip install nibabel") from error
    image = nibabel.Nifti1Image(volume.array, volume.affine)
    image.set_sform(volume.affine, _TEMPLATE_CODE)
    image.set_qform(volume.affine, _TEMPLATE_CODE)
    image.header.set_xyzt_units(_MM)
    return image


def torchio_subject(volumes: Mapping[str, Volume], labels: frozenset[str], row: Mapping[str, Any]) -> Any:
    """Return a ``torchio.Subject``: one image for each map, and the row's entries.

    Args:
        volumes: by name.
        labels: names of the maps that hold names of tissues, not intensities.
        row: of the samples table.

    Raises:
        ConfigurationError: torchio is not installed.
    """
    try:
        import torch
        import torchio
    except ModuleNotFoundError as error:
        raise ConfigurationError("to_torchio() needs TorchIO: pip install torchio") from error
    images = {
        name: (torchio.LabelMap if name in labels else torchio.ScalarImage)(
            tensor=torch.from_numpy(volume.array)[None], affine=volume.affine
        )
        for name, volume in volumes.items()
    }
    return torchio.Subject(**{**row, **images})


def monai_dictionary(volumes: Mapping[str, Volume], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dictionary for MONAI's dictionary transforms: one ``MetaTensor`` for each map, channel first.

    Raises:
        ConfigurationError: MONAI is not installed.
    """
    try:
        import torch
        from monai.data import MetaTensor
    except ModuleNotFoundError as error:
        raise ConfigurationError("to_monai() needs MONAI: pip install monai") from error
    images = {
        name: MetaTensor(torch.from_numpy(volume.array)[None], affine=torch.from_numpy(volume.affine))
        for name, volume in volumes.items()
    }
    return {**row, **images}


def niivue_widget(volumes: Mapping[str, Volume]) -> Any:
    """Return an ``ipyniivue.NiiVue`` that shows the volumes, the first one below the others.

    Raises:
        ConfigurationError: ipyniivue or nibabel is not installed.
    """
    try:
        import ipyniivue
    except ModuleNotFoundError as error:
        raise ConfigurationError("niivue() needs ipyniivue: pip install ipyniivue nibabel") from error
    layers = [
        ipyniivue.Volume(
            name=f"{name}.nii", data=nibabel_image(volume).to_bytes(), opacity=0.4 if place else 1.0
        )
        for place, (name, volume) in enumerate(volumes.items())
    ]
    widget = ipyniivue.NiiVue()
    widget.load_volumes(layers)
    return widget


def decoded_rows(
    rows: Mapping[str, Sequence[Any]], specs: Mapping[str, MapSpec]
) -> dict[str, Sequence[Any] | list[Array]]:
    """Return rows of shards, column by column as ``datasets`` gives them, with their maps as float32.

    Args:
        rows: with the chunks of maps and their ``_scale``, ``_offset`` and ``_crc32``; other columns stay.
        specs: of the corpus' maps, by name.

    Raises:
        ConfigurationError: a map came without the columns that tell what its steps are worth.
        CorpusError: a chunk is damaged.
    """
    out: dict[str, Sequence[Any] | list[Array]] = dict(rows)
    for name in specs.keys() & rows.keys():
        told = [f"{name}_{what}" for what in ("scale", "offset", "crc32")]
        if missing := [column for column in told if column not in rows]:
            raise ConfigurationError(f"map {name} can't be decoded without {', '.join(missing)}")
        out[name] = [
            quantise.values(_integers(name, specs[name], chunk, crc32), scale, offset)
            for chunk, scale, offset, crc32 in zip(
                rows[name], *(rows[column] for column in told), strict=True
            )
        ]
    return out


def _integers(name: str, spec: MapSpec, chunk: bytes, crc32: int) -> Array:
    if codec.checksum(chunk) != crc32:
        raise CorpusError(f"map {name}: wrong checksum of a chunk of {len(chunk)} bytes")
    return codec.decode(chunk, spec.shape, spec.dtype)
