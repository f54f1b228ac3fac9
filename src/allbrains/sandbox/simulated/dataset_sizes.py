"""How large each dataset of the synthetic archive is: drawn together, so that the sums come out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.sandbox.simulated import statistics
from allbrains.sandbox.simulated.draw import choose, generator, quantile, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSize:
    """A dataset before its files are drawn.

    Attributes:
        accession: such as ``ds000011``.
        number: its place in the archive; the seed of everything else in it.
        modalities: as the validator names them, the primary one first.
        subjects: how many.
        files_per_subject: about so many.
        t1w_bytes: of an image of it, about.
    """

    accession: str
    number: int
    modalities: tuple[str, ...]
    subjects: int
    files_per_subject: int
    t1w_bytes: float

    @property
    def structural(self) -> bool:
        """Whether it has T1w images."""
        return "mri_structural" in self.modalities


def outlines(count: int, seed: int) -> tuple[DatasetSize, ...]:
    """Return ``count`` datasets, oldest first."""
    rng = generator(seed)
    last = max(statistics.LAST_ACCESSION, 4 * count)
    accessions = np.sort(rng.choice(np.arange(1, last + 1), count, replace=False))
    modalities = [choose(statistics.MODALITIES, at) for at in spread(count, rng).tolist()]
    # drawn within the datasets with T1w and within the others, so that neither's sizes are luck
    structural = np.array(["mri_structural" in names for names in modalities])
    shares = np.empty((3, count))
    for group in (structural, ~structural):
        for row in shares:
            row[group] = spread(int(group.sum()), rng)
    subjects = np.maximum(quantile(statistics.SUBJECTS, shares[0]).round(), 1).astype(int)
    files = _scaled(quantile(statistics.FILES_PER_SUBJECT, shares[1]), subjects)
    sizes = quantile(statistics.T1W_BYTES, shares[2])
    return tuple(
        DatasetSize(
            accession=f"ds{accessions[number]:06d}",
            number=number,
            modalities=modalities[number],
            subjects=int(subjects[number]),
            files_per_subject=int(files[number]),
            t1w_bytes=float(sizes[number]),
        )
        for number in range(count)
    )


def _scaled(per_subject: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Return files a subject that sum to the archive's, with no dataset above the largest real one."""
    most = np.maximum(statistics.LARGEST_DATASET // subjects, 2)
    factor = 1.0
    for _ in range(20):  # a few turns settle it: what the largest can't take goes to the others
        files = np.clip((per_subject * factor).round(), 2, most)
        factor *= statistics.FILES_PER_DATASET * len(subjects) / (files * subjects).sum()
    return files.astype(int)
