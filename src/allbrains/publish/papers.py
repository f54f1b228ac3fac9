"""The papers behind the archive and the tools, by the recipe's steps. Data."""

from __future__ import annotations

import json
from dataclasses import dataclass

from allbrains.store.manifest import CorpusFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A paper.

    Attributes:
        key: in BibTeX.
        authors: family name first.
        title: in full.
        journal: or archive.
        year: four digits.
        volume: with pages or number, may be empty.
        doi: without a resolver.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    journal: str
    year: str
    volume: str
    doi: str


_OPENNEURO = Work(
    key="markiewicz2021",
    authors=("Markiewicz, Christopher J.", "Gorgolewski, Krzysztof J.", "Feingold, Franklin", "others"),
    title="The OpenNeuro resource for sharing of neuroscience data",
    journal="eLife",
    year="2021",
    volume="10:e71774",
    doi="10.7554/eLife.71774",
)
_N4 = Work(
    key="tustison2010",
    authors=("Tustison, Nicholas J.", "Avants, Brian B.", "others"),
    title="N4ITK: improved N3 bias correction",
    journal="IEEE Transactions on Medical Imaging",
    year="2010",
    volume="29:1310-1320",
    doi="10.1109/TMI.2010.2046908",
)
_SYN = Work(
    key="avants2008",
    authors=("Avants, Brian B.", "Epstein, Charles L.", "Grossman, Murray", "Gee, James C."),
    title="Symmetric diffeomorphic image registration with cross-correlation",
    journal="Medical Image Analysis",
    year="2008",
    volume="12:26-41",
    doi="10.1016/j.media.2007.06.004",
)
_ATROPOS = Work(
    key="avants2011",
    authors=("Avants, Brian B.", "Tustison, Nicholas J.", "Wu, Jue", "Cook, Philip A.", "Gee, James C."),
    title="An open source multivariate framework for n-tissue segmentation",
    journal="Neuroinformatics",
    year="2011",
    volume="9:381-400",
    doi="10.1007/s12021-011-9109-y",
)
_GREEDY = Work(
    key="yushkevich2016",
    authors=("Yushkevich, Paul A.", "Pluta, John", "Wang, Hongzhi", "others"),
    title=(
        "Fast Automatic Segmentation of Hippocampal Subfields and Medial Temporal Lobe Subregions in 3 Tesla "
        "and 7 Tesla T2-Weighted MRI"
    ),
    journal="Alzheimer's & Dementia",
    year="2016",
    volume="12:P126-P127",
    doi="10.1016/j.jalz.2016.06.205",
)
_DEEPBET = Work(
    key="fisch2023deepbet",
    authors=("Fisch, Lukas", "others"),
    title="deepbet: Fast brain extraction of T1-weighted MRI using Convolutional Neural Networks",
    journal="arXiv",
    year="2023",
    volume="2308.07003",
    doi="10.48550/arXiv.2308.07003",
)
_DEEPMRIPREP = Work(
    key="fisch2024deepmriprep",
    authors=("Fisch, Lukas", "others"),
    title="deepmriprep: Voxel-based Morphometry (VBM) Preprocessing via Deep Neural Networks",
    journal="arXiv",
    year="2024",
    volume="2408.10656",
    doi="10.48550/arXiv.2408.10656",
)
_ANTSX = Work(
    key="tustison2021",
    authors=("Tustison, Nicholas J.", "Cook, Philip A.", "others"),
    title="The ANTsX ecosystem for quantitative biological and medical imaging",
    journal="Scientific Reports",
    year="2021",
    volume="11:9068",
    doi="10.1038/s41598-021-87564-6",
)
_TEMPLATE = Work(
    key="fonov2011",
    authors=("Fonov, Vladimir", "Evans, Alan C.", "Botteron, Kelly", "others"),
    title="Unbiased average age-appropriate atlases for pediatric studies",
    journal="NeuroImage",
    year="2011",
    volume="54:313-327",
    doi="10.1016/j.neuroimage.2010.07.033",
)

# beginning of a step's name → what it stands on
_STEPS = {
    "brain_mask": _DEEPBET,
    "bias": _N4,
    "ants_bias": _N4,
    "greedy": _GREEDY,
    "syn": _SYN,
    "atropos": _ATROPOS,
    "antspynet": _ANTSX,
    "deepmriprep": _DEEPMRIPREP,
}


def works_of(corpus: CorpusFormat) -> list[Work]:
    """Return the papers that a corpus stands on: the archive, the template, the tools of its recipe."""
    found = [_OPENNEURO]
    if corpus.grid.space.startswith("MNI152NLin2009"):
        found.append(_TEMPLATE)
    names = [str(step.get("step", "")) for step in json.loads(corpus.steps)]
    found += [work for start, work in _STEPS.items() if any(name.startswith(start) for name in names)]
    return found
