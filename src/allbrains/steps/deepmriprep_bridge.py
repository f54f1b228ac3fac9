"""deepmriprep with its models from a folder, and never from a network."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from allbrains.recipe import Lack
from allbrains.steps.device import device_lack
from allbrains.steps.weights import demand, files_lacking, packages_lacking

CACHE_VARIABLE = "ALLBRAINS_DEEPMRIPREP_CACHE"

_PUBLISHED = "https://github.com/wwu-mmll/deepmriprep/raw/HEAD/deepmriprep/data/models"
_NAMES = (
    "brain_extraction_bbox_model.pt",
    "brain_extraction_model.pt",
    "segmentation_nogm_model.pt",
    *(f"segmentation_patch_{number}_model.pt" for number in range(18)),
    "segmentation_model.pt",
    "warp_model.pt",
)
# the 23 TorchScript files of deepmriprep 0.3.0, and where its repository keeps them
FILES: Mapping[str, str] = {name: f"{_PUBLISHED}/{name}" for name in _NAMES}


def folder_of(setting: str) -> Path:
    """Return the models' folder: the step's setting, else the environment's, else deepmriprep's own."""
    chosen = setting or os.environ.get(CACHE_VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser()
    package = importlib.util.find_spec("deepmriprep")
    within = Path(package.origin).parent if package and package.origin else Path("deepmriprep")
    return within / "data" / "models"


def lacking(setting: str, device: str) -> list[Lack]:
    """Return what deepmriprep needs and this machine hasn't got."""
    packages = packages_lacking(("deepmriprep", "torchreg", "spline_resize"), "deepmriprep")
    return packages + files_lacking(folder_of(setting), FILES) + device_lack(device)


def deepmriprep(setting: str, device: str) -> Any:
    """Return deepmriprep's ``Preprocess`` with all models loaded; kept for the life of the process.

    Raises:
        ConfigurationError: a file, a package or the device is missing.
    """
    demand(lacking(setting, device))
    return _loaded(folder_of(setting), device)


@cache
def _loaded(folder: Path, device: str) -> Any:
    from deepbet.utils import load_model
    from deepmriprep import preprocess, register, segment

    def load(path: str, no_gpu: bool) -> Any:
        return load_model(str(folder / Path(path).name), no_gpu)

    # it looks for its models in its own package, and fetches those that aren't there
    preprocess.download_missing_models = lambda: None
    register.load_model = segment.load_model = load
    return preprocess.Preprocess(
        no_gpu=device == "cpu",
        bet_model_paths={
            "model_path": str(folder / "brain_extraction_model.pt"),
            "bbox_model_path": str(folder / "brain_extraction_bbox_model.pt"),
        },
    )
