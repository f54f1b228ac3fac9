"""ANTsPyNet with its files from a folder, and never from a network.

By itself it downloads what it lacks, in the middle of a scan. Here every file that the recipe uses is
asked for beforehand, and its downloader is replaced by a refusal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from allbrains.errors import ConfigurationError
from allbrains.recipe import Lack
from allbrains.records import Array, Volume
from allbrains.steps.ants_bridge import ants, to_ants
from allbrains.steps.weights import demand, files_lacking, packages_lacking

CACHE_VARIABLE = "ALLBRAINS_ANTSPYNET_CACHE"

_MASK_URLS = {
    "brainExtractionRobustT1.h5": "https://ndownloader.figshare.com/files/34821874",
    "S_template3.nii.gz": "https://ndownloader.figshare.com/files/22597175",
}
# what each call reads, by file name, and where ANTsPyNet 0.3.2 would fetch it
FILES: Mapping[str, Mapping[str, str]] = {
    "brain_extraction": _MASK_URLS,
    "preprocess_brain_image": {
        **_MASK_URLS,
        "croppedMni152.nii.gz": "https://ndownloader.figshare.com/files/22933754",
    },
    "deep_atropos": {
        "croppedMni152Priors.nii.gz": "https://ndownloader.figshare.com/files/27688437",
        "sixTissueOctantBrainSegmentationWithPriors1.h5": "https://ndownloader.figshare.com/files/28159869",
    },
}


def folder_of(setting: str) -> Path:
    """Return the cache folder: the step's setting, else the environment's, else ANTsPyNet's own."""
    chosen = setting or os.environ.get(CACHE_VARIABLE, "")
    return Path(chosen).expanduser() if chosen else Path.home() / ".keras" / "ANTsXNet"


def lacking(call: str, setting: str) -> list[Lack]:
    """Return what ``antspynet.<call>`` needs and this machine hasn't got."""
    packages = packages_lacking(("antspynet", "tensorflow"), "antspynet")
    return packages + files_lacking(folder_of(setting), FILES[call])


def antspynet(call: str, setting: str) -> Any:
    """Return the module ``antspynet``, ready for one of its functions.

    Raises:
        ConfigurationError: a file or package that this function needs is missing.
    """
    demand(lacking(call, setting))
    module = _module()
    module.set_antsxnet_cache_directory(str(folder_of(setting)))
    return module


@cache
def _module() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its greetings are no talk of ours
    ants()  # first, so that it is in deterministic mode
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.set_visible_devices([], "GPU")
    import antspynet as module

    tensorflow.keras.utils.get_file = _refuse
    return module


def _refuse(name: str, *_: object, **__: object) -> NoReturn:
    raise ConfigurationError(f"ANTsPyNet wants to download {name!r}; put it into its cache folder beforehand")


def image_of(volume: Volume) -> Any:
    """Return a volume as an ANTs image."""
    return to_ants(volume.array, volume.affine)


def array_of(image: Any) -> Array:
    """Return an ANTs image's voxels, float32."""
    array: Array = image.numpy()
    return array.astype("float32", copy=False)
