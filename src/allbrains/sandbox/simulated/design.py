"""One dataset of the synthetic archive: its texts, its subjects and the files that each of them has. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np

from allbrains.sandbox.simulated import made_people, statistics
from allbrains.sandbox.simulated.dataset_sizes import DatasetSize
from allbrains.sandbox.simulated.draw import choose, generator
from allbrains.sandbox.simulated.made_images import ImageKind, kind_for

_DERIVED = "derivatives/freesurfer/sub-{}/"
_REGIONS = (
    "aparc.stats",
    "curv",
    "label",
    "pial",
    "sphere.reg",
    "sulc",
    "thickness",
    "white",
    "aparc+aseg.mgz",
)
# what a run of a recording leaves, with typical sizes in bytes
_MRI_FILES: tuple[tuple[str, int], ...] = (
    ("bold.nii.gz", 82_000_000),
    ("bold.json", 2_300),
    ("events.tsv", 3_400),
)
_OTHER_FILES: tuple[tuple[str, int], ...] = (
    ("recording.edf", 93_000_000),
    ("recording.json", 1_200),
    ("events.tsv", 5_200),
    ("channels.tsv", 3_100),
)


class Content(Enum):
    """Whether a file can be fetched."""

    IMAGE = "T1w"
    SIDECAR = "sidecar"
    NONE = "a row in a listing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A file that subjects have.

    Attributes:
        path: with ``{}`` where the subject's label goes.
        size: bytes; all files of a pattern have its leading digit and as many digits.
        content: what can be fetched of it.
        rank: 0 for what all subjects have, 1 for a T1w and its sidecar, 2 for those of a second run.
    """

    path: str
    size: int
    content: Content = Content.NONE
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A dataset.

    Attributes:
        outline: what it was made from.
        tag: of its snapshot.
        created: of its snapshot, ISO 8601.
        published: of the dataset, ISO 8601.
        species: as its owner wrote.
        labels: of the subjects, all equally long, in order.
        sessions: labels; none where subjects have no sessions.
        patterns: files that subjects have.
        ranks: of each subject, the highest rank of pattern that it has.
        texts: files of the dataset itself, by path.
        kind: of its T1w images.
        blocks: the least texture of one.
    """

    outline: DatasetSize
    tag: str
    created: str
    published: str
    species: str
    labels: tuple[str, ...]
    sessions: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    ranks: tuple[int, ...]
    texts: dict[str, bytes]
    kind: ImageKind
    blocks: int


def design(outline: DatasetSize, seed: int) -> Design:
    """Return the dataset of an outline."""
    rng = generator(seed, outline.number + 1)
    year = 2011 + int(outline.accession[2:]) * 15 // statistics.LAST_ACCESSION
    published = f"{year}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}T12:00:00.000Z"
    tag = "00001" if rng.random() < statistics.FIVE_DIGIT_TAG else f"1.0.{rng.integers(0, 6)}"
    species = choose(statistics.SPECIES, rng.random())
    prefix = choose(statistics.LABEL_PREFIXES, rng.random())
    width = max(2, len(str(outline.subjects)))
    labels = tuple(f"{prefix}{number:0{width}d}" for number in range(1, outline.subjects + 1))
    has_sessions = outline.structural and rng.random() < statistics.HAS_SESSIONS
    sessions = choose(statistics.SESSIONS, rng.random()) if has_sessions else ()
    gzipped = rng.random() >= statistics.UNCOMPRESSED
    kind, blocks = kind_for(outline.t1w_bytes, gzipped=gzipped)
    extension = ".nii.gz" if gzipped else ".nii"
    sidecars = rng.random()
    scans = _scans(sessions, extension, sidecars < statistics.SIDECAR_EACH, rng) if outline.structural else []
    rest = max(outline.files_per_subject - sum(scan.rank < 2 for scan in scans), 0)
    derived = outline.structural and rng.random() < statistics.DERIVED_T1W
    patterns = (*scans, *_others(outline, sessions, rest, derived))
    texts = _texts(outline, labels, rng, tag=tag, created=published, species=species)
    if (
        outline.structural
        and statistics.SIDECAR_EACH <= sidecars < statistics.SIDECAR_EACH + statistics.SIDECAR_AT_TOP
    ):
        texts["T1w.json"] = sidecar(outline, "")
    return Design(
        outline=outline,
        tag=tag,
        created=published,
        published=published,
        species=species,
        labels=labels,
        sessions=sessions,
        patterns=patterns,
        ranks=_ranks(len(labels), rng),
        texts=texts,
        kind=kind,
        blocks=blocks,
    )


def _ranks(count: int, rng: np.random.Generator) -> tuple[int, ...]:
    luck = rng.random(count)
    ranks = 1 + (luck < statistics.SECOND_RUN).astype(int) - (luck >= 1 - statistics.WITHOUT_T1W)
    ranks[0] = max(ranks[0], 1)  # at least one, or it wouldn't be listed as structural
    return tuple(ranks.tolist())


def _scans(
    sessions: tuple[str, ...], extension: str, with_sidecar: bool, rng: np.random.Generator
) -> list[Pattern]:
    everywhere = rng.random() < statistics.T1W_IN_EVERY_SESSION
    acquisition = rng.random() < statistics.HAS_ACQUISITION
    label = choose(((0.6, "mprage"), (0.2, "highres"), (0.2, "MPRAGEdefaced")), rng.random())
    acquisitions = [""] if not acquisition else [f"_acq-{label}"]
    if acquisition and rng.random() < statistics.TWO_ACQUISITIONS:
        acquisitions.append("_acq-lowres")
    runs = ["_run-1", "_run-2"] if rng.random() < statistics.HAS_RUNS else [""]
    found = []
    for session in (sessions if everywhere else sessions[:1]) or ("",):
        folder = f"sub-{{}}/ses-{session}/anat/" if session else "sub-{}/anat/"
        name = f"sub-{{}}_ses-{session}" if session else "sub-{}"
        for middle in acquisitions:
            for rank, run in enumerate(runs, 1):
                stem = f"{folder}{name}{middle}{run}_T1w"
                found.append(Pattern(path=stem + extension, size=0, content=Content.IMAGE, rank=rank))
                if with_sidecar:
                    found.append(Pattern(path=f"{stem}.json", size=0, content=Content.SIDECAR, rank=rank))
    return found


def _others(outline: DatasetSize, sessions: tuple[str, ...], count: int, derived: bool) -> list[Pattern]:
    """Return ``count`` patterns of files that are no T1w: raw ones first, then derivatives."""
    raw = _raw(outline, sessions, min(count, 90))
    left = count - len(raw)
    found = list(raw)
    if derived:
        name = "derivatives/fmriprep/sub-{}/anat/sub-{}_desc-preproc_T1w.nii.gz"
        found.append(Pattern(path=name, size=12_000_000))
    for number in range(max(left, 0)):
        folder = ("label", "mri", "stats", "surf", "touch")[number % 5]
        side, region = ("lh", "rh")[number % 2], _REGIONS[number % len(_REGIONS)]
        size = (2_100, 40_000, 310_000, 2_400_000)[number % 4]
        found.append(Pattern(path=f"{_DERIVED}{folder}/{side}.{number:04d}.{region}", size=size))
    return found


def _raw(outline: DatasetSize, sessions: tuple[str, ...], count: int) -> list[Pattern]:
    if any(name.startswith("mri") for name in outline.modalities):
        folder, files = "func", _MRI_FILES
    else:
        folder, files = (outline.modalities or ("beh",))[0], _OTHER_FILES
    found = []
    for number in range(count):
        session = sessions[number // len(files) % len(sessions)] if sessions else ""
        run = number // len(files) // max(len(sessions), 1) + 1
        suffix, size = files[number % len(files)]
        place = f"sub-{{}}/ses-{session}" if session else "sub-{}"
        name = place.replace("/", "_") + f"_task-rest_run-{run:02d}_{suffix}"
        found.append(Pattern(path=f"{place}/{folder}/{name}", size=size))
    return found


def _texts(
    outline: DatasetSize,
    labels: tuple[str, ...],
    rng: np.random.Generator,
    *,
    tag: str,
    created: str,
    species: str,
) -> dict[str, bytes]:
    doi = choose(statistics.DOI, rng.random()).format(dataset=outline.accession, tag=tag)
    written = {
        "Name": f"Made-up dataset {outline.number + 1}",
        "BIDSVersion": "1.8.0",
        "License": choose(statistics.LICENSES, rng.random()),
        "Authors": [f"Nobody {letter}" for letter in "ABCDE"[: rng.integers(1, 6)]],
        "DatasetDOI": doi,
        "DatasetType": "derivative" if rng.random() < statistics.DERIVATIVE_TYPE else "raw",
    }
    changes = f"{tag} {created[:10]}\n  - Made from a seed.\n"
    return {
        "CHANGES": changes.encode(),
        "README": b"Nobody is in here: this dataset was made from a seed.\n",
        "dataset_description.json": json.dumps({k: v for k, v in written.items() if v}, indent=2).encode(),
        **made_people.tables(labels, species, rng),
    }


def sidecar(outline: DatasetSize, subject: str) -> bytes:
    """Return the JSON beside a T1w image of a subject, or above those of all subjects."""
    about = dict(_scanner(outline.number))
    if subject:
        about |= {"PatientPosition": "HFS", "ProcedureStepDescription": f"subject {subject}"}
    return json.dumps(about, indent=2).encode()


@cache
def _scanner(number: int) -> dict[str, object]:
    rng = generator(number)
    maker, model = choose(
        ((0.6, ("Siemens", "Prisma_fit")), (0.2, ("Philips", "Achieva")), (0.2, ("GE", "DISCOVERY MR750"))),
        rng.random(),
    )
    return {
        "Manufacturer": maker,
        "ManufacturersModelName": model,
        "MagneticFieldStrength": choose(((0.8, 3), (0.15, 1.5), (0.05, 7)), rng.random()),
        "RepetitionTime": 2.3,
        "EchoTime": round(0.002 + 0.002 * rng.random(), 5),
        "InversionTime": 0.9,
        "FlipAngle": 9,
    }
