"""Process an own scan: from a clean image to a sample by the recipe's steps, then to the page."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allbrains import recipes
from allbrains.dicom.clean import write_clean
from allbrains.dicom.examine import READ, Taken
from allbrains.export.native import scan_grid, warp_of
from allbrains.files import TEMPORARY, publishing
from allbrains.images.image_file import read_image
from allbrains.limits import REASONS
from allbrains.load import Brain
from allbrains.load import open as open_corpus
from allbrains.own.compare import Compared, Subject, compare, lobe_volumes
from allbrains.own.deface import defaced
from allbrains.own.mesh import PAGE_MM, stl, surface
from allbrains.own.page import PageContent, page
from allbrains.own.pictures import registered
from allbrains.own.reference import People
from allbrains.records import Algorithm, Digest, Outcome, Scan, Volume
from allbrains.rejection import HIGH, LOW, PROBABILITY
from allbrains.run.engines.local import Local
from allbrains.run.lock import alone
from allbrains.run.slot.guard import SlotLimits
from allbrains.run.watched_build import BuildWork, nobody, watched_build
from allbrains.run.watchers import Unmoved
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.transfer import Network

DATASET, PATH = "own", "sub-own/anat/sub-own_T1w.nii"
PAGE, STL, HEAD, HEAD_WITH_FACE = "brain.html", "brain.stl", "head_defaced.nii.gz", "head_with_face.nii.gz"
# of still heads in good scanners (docs/how-to/qc.md); the limit, 0.8, is where nobody would use a scan
LARGEST_USUAL_CJV = 0.5
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What a scan is compared with.

    Attributes:
        people: None: with nobody.
        sentence: about the corpus, or why there is none.
        with_sites: take the scanners' offsets out.
    """

    people: People | None
    sentence: str
    with_sites: bool = False


def scan_of(image: Path) -> Scan:
    """Return the record of an own image; it holds neither the image's path nor its person."""
    data = image.read_bytes()
    return Scan(
        dataset=DATASET,
        snapshot="local",
        path=PATH,
        subject="own",
        session="",
        suffix="T1w",
        entities=(("sub", "own"),),
        size=len(data),
        digest=Digest(algorithm=Algorithm.SHA256, hexdigest=hashlib.sha256(data).hexdigest()),
        urls=(image.resolve().as_uri(),),
    )


def process(image: Path, out: Path, *, recipe: str, limits: SlotLimits, say: Say) -> Outcome:
    """Make the image a sample in ``out`` by the same function as all other scans; return its outcome.

    Raises:
        ConfigurationError: the folder holds another recipe's results, or the recipe can't run here.
    """
    scan = scan_of(image)
    layout = Layout(out)
    with alone(layout):
        network = Network(origins=(), roots=(f"{image.resolve().parent}/",))
        work = BuildWork(scans=[scan], people=nobody(), network=network, recipe=recipe)
        watched_build(work, layout, engine=Local(slots=1, limits=limits), watchers=[_Pauses(say)])
    with Ledger.open(layout.ledger) as ledger:
        return ledger.outcomes()[scan.scan_id]


def tell(
    image: Path, out: Path, *, subject: Subject, against: Against, taken: Taken, keep_face: bool
) -> tuple[Path, tuple[Compared, ...]]:
    """Write the page, the surface and the head beside the sample; return the page and its numbers.

    Raises:
        ConfigurationError: there is no sample in ``out``.
        CorpusError: it is damaged.
    """
    (brain,) = open_corpus(out)
    row, warp = brain.row, warp_of(brain)
    faults = tuple(filter(None, row[REASONS].split(", ")))
    numbers = {name: value for name, value in row.items() if isinstance(value, float)}
    compared = _compared(numbers, subject, against, faults)
    tissue = Volume(array=np.clip(brain.gm + brain.wm, 0, 1), affine=brain.affine)
    _put(out / STL, stl(surface(tissue, warp)))
    # where the head's voxels are believed to be: the file's own account may have been overruled
    head = Volume(array=read_image(image).array, affine=scan_grid(row).affine)
    if not keep_face:
        head = defaced(head, brain.volume("mask"), warp)
    _write_head(head, out, image.parent, keep_face=keep_face)
    story = PageContent(
        subject=subject,
        faults=faults,
        quality=_facts(numbers),
        doubts=_doubts(numbers),
        compared=compared,
        lobes=tuple(lobe_volumes(numbers)),
        corpus=_corpus(compared, against),
        pictures=(*registered(brain.volume("t1w")), brain.montage),
        mesh=surface(tissue, warp, spacing_mm=PAGE_MM),
        chosen=_chosen(taken),
        files=_files(keep_face=keep_face),
        recipe=_recipe(brain),
    )
    _put(out / PAGE, page(story).encode())
    return out / PAGE, compared


def same_recipe(recipe: str, fingerprint: str) -> bool:
    """Return whether a recipe of this installation makes the numbers that a corpus holds."""
    return recipes.load(recipe).fingerprint == fingerprint


class _Pauses(Unmoved):
    """Watches the build of one scan for pauses only."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def pause(self, trouble: str) -> None:
        """Say why the build is paused; an empty text: it goes on."""
        self._say(trouble)


def _compared(
    numbers: dict[str, float], subject: Subject, against: Against, faults: tuple[str, ...]
) -> tuple[Compared, ...]:
    """Return the numbers with their centiles; a poor scan gets none."""
    people = None if faults else against.people
    why = "the scan is not good enough" if faults else against.sentence.rstrip(".")
    return tuple(compare(numbers, subject, people, why_nobody=why, with_sites=against.with_sites))


def _corpus(compared: tuple[Compared, ...], against: Against) -> str:
    """Return the sentence about the corpus; where nothing is compared with it, that."""
    if against.people is None or any(one.centile is not None for one in compared):
        return against.sentence
    return "Nothing is compared with the corpus."


def _facts(numbers: dict[str, Any]) -> tuple[str, ...]:
    facts = []
    edges = [numbers.get(f"spacing_{axis}_mm", math.nan) for axis in "xyz"]
    if all(map(math.isfinite, edges)):
        told = " × ".join(f"{mm:.2f}" for mm in edges)
        facts.append(f"Voxels of {told} mm (across, along and up the head).")
    likely, low, high = (numbers.get(name, math.nan) for name in (PROBABILITY, LOW, HIGH))
    if math.isfinite(likely):
        facts.append(
            f"An expert would reject such a scan with a probability of {100 * likely:.0f} % (between "
            f"{100 * low:.0f} and {100 * high:.0f} %, because one scan of an unknown scanner tells no more)."
        )
    if math.isfinite(match := numbers.get("template_correlation", math.nan)):
        facts.append(f"Correlation with the template after registration: {match:.2f}.")
    return tuple(facts)


def _doubts(numbers: dict[str, Any]) -> tuple[str, ...]:
    """Return what is within its limits and yet unusual."""
    if numbers.get("cjv", 0.0) > LARGEST_USUAL_CJV:
        return ("Grey and white matter overlap more than is usual.",)
    return ()


def _chosen(taken: Taken) -> tuple[str, ...]:
    which = f"Image file {taken.label}" if taken.way == READ else f"Series {taken.label}"
    way = taken.way if taken.way == READ else f"converted by {taken.way}"
    return (f"{which}, {way}.", *(reason[:1].upper() + reason[1:] + "." for reason in taken.reasons))


def _files(*, keep_face: bool) -> tuple[tuple[str, str], ...]:
    head = (
        "the whole head, face and all, as it was asked for"
        if keep_face
        else (
            "the whole head in its own space, face taken out: a rule that keeps the brain, no proof "
            "against recognition"
        )
    )
    return (
        (STL, "the surface in its true size, for a 3-D printer"),
        (HEAD_WITH_FACE if keep_face else HEAD, head),
        ("samples.parquet, shards/", 'the sample as everybody\'s: allbrains.open("…this folder…")[0].t1w'),
    )


def _recipe(brain: Brain) -> str:
    corpus = brain.brains.corpus
    return f"{corpus.recipe} ({corpus.fingerprint})"


def _write_head(head: Volume, out: Path, scratch: Path, *, keep_face: bool) -> None:
    name, other = (HEAD_WITH_FACE, HEAD) if keep_face else (HEAD, HEAD_WITH_FACE)
    whole = bool((head.array == np.rint(head.array)).all() and np.abs(head.array).max() < 2**15)
    array = head.array.astype(np.int16) if whole else head.array
    written = scratch / name
    write_clean(Volume(array=array, affine=head.affine), written)
    _put(out / name, written.read_bytes())
    written.unlink()
    (out / other).unlink(missing_ok=True)


def _put(path: Path, data: bytes) -> None:
    for left in path.parent.glob(f".{path.name}{TEMPORARY[2:]}"):
        left.unlink()  # of a call that was killed while it wrote
    with publishing(path) as temporary:
        temporary.write_bytes(data)
