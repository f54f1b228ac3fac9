"""Corpora of tiny brains: the shape depends on a hidden age and sex, with sites that leave a trace.

What is hidden, and where it is written into the maps (grid of 10 mm):
    age: the cortex thins, the ventricles grow; each with scatter that age doesn't explain.
    sex: head size (in the affine's determinant) and, apart from it, a slightly fuller front.
    person: a random field, the same in all of the person's scans; it is all that the displacement shows.
    site: the dataset's own contrast and shading in ``t1w`` and ``gm``, as strong as asked for.
    scan: noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.records import Algorithm, Array, Digest, Sample, Scan
from allbrains.store import quantise
from allbrains.store.layout import Layout
from allbrains.store.split_table import NAME
from allbrains.testing.corpora import FIELD_AFFINE, FIELD_SHAPE, SHAPE, ToyStory, write

_VISITS = 16  # a scan's number is person × 16 + visit, so that both can be read from it


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyPerson:
    """What is hidden in a brain: age in years, ``female`` or ``male``, and head size, 1 on average."""

    age_years: float
    sex: str
    head_size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyCohort:
    """A corpus to be written.

    Attributes:
        people: how many.
        datasets: that they are spread over, evenly.
        visits: scans of each person, at most 16.
        site: strength of the datasets' traces; 0 for none.
        folds: strength of what is each person's own in ``gm``.
        twice: so many people of the first dataset are also in the last one, under other labels: a leak that
            only their brains tell.
        seed: another one makes other people.
    """

    people: int = 96
    datasets: int = 6
    visits: int = 1
    site: float = 0.0
    folds: float = 0.05
    twice: int = 0
    seed: int = 0

    def person(self, number: int) -> ToyPerson:
        """Return what is hidden in a person."""
        random = np.random.default_rng([self.seed, number, 1])
        male = bool(random.integers(2))
        size = 1 + 0.06 * (1 if male else -1) + random.normal(0, 0.08)
        return ToyPerson(age_years=random.uniform(20, 80), sex="male" if male else "female", head_size=size)

    def dataset(self, number: int) -> int:
        """Return which dataset a person is in."""
        return number * self.datasets // self.people

    def scans(self) -> Iterator[tuple[Scan, int]]:
        """Yield each scan with its person's number."""
        for number in range(self.people):
            for visit in range(self.visits):
                yield _scan(number, visit, self.dataset(number)), number
        for number in range(self.twice):
            # further visits of the same people, under labels that don't say so
            yield _scan(number, self.visits, self.datasets - 1, label=f"x{number:03d}"), number

    def sample(self, code: int) -> Sample:
        """Return the sample of person and visit ``divmod(code, 16)``."""
        number, visit = divmod(code, _VISITS)
        again = visit >= self.visits  # the visit that a second dataset holds
        site = self.datasets - 1 if again else self.dataset(number)
        person = self.person(number)
        gm = self._grey(person, number, code, site)
        logjac = self._field(number, 5) * 0.1
        own = np.random.default_rng([self.seed, number, 4]).normal(0, 2, (*FIELD_SHAPE, 3))
        noise = np.random.default_rng([self.seed, code, 3])
        inside = _RADIUS < 1.0
        return Sample(
            maps={
                "t1w": quantise.intensity(np.where(inside, 1.2 - gm + self._trace(site), 0)),
                "gm": quantise.probability(gm),
                "mask": quantise.labels(inside),
                "logjac": quantise.log_jacobian(logjac, inside),
                "displacement": quantise.displacement(own + noise.normal(0, 0.4, own.shape), FIELD_AFFINE),
            },
            numbers={
                "affine_determinant": person.head_size,
                "icv_ml": 1450.0 * person.head_size,
                "brain_mask_ml": 1300.0 * person.head_size,
            },
            texts={},
            montage=b"",
        )

    def _grey(self, person: ToyPerson, number: int, code: int, site: int) -> Array:
        """Return the fraction of grey matter, 0 to 1."""
        scatter = np.random.default_rng([self.seed, number, 2]).normal(0, 0.12, 2)
        old = (person.age_years - 50) / 30  # −1 to 1
        thickness = 0.20 - 0.05 * (old + scatter[0])
        ventricle = 0.28 + 0.08 * (old + scatter[1])
        shell = np.clip((_RADIUS - (0.95 - thickness)) / 0.1, 0, 1) * np.clip((0.98 - _RADIUS) / 0.1, 0, 1)
        deep = np.clip((_RADIUS - ventricle) / 0.1, 0, 1) * np.clip((0.5 - _RADIUS) / 0.15, 0, 1)
        front = 0.25 * (1 if person.sex == "male" else -1) * np.exp(-((_Y - 0.7) ** 2) / 0.08)
        noise = np.random.default_rng([self.seed, code, 6]).normal(0, 0.02, SHAPE)
        grey = (shell + 0.6 * deep) * (0.75 + front) + self.folds * self._field(number, 7) + self._trace(site)
        return np.asarray(np.where(_RADIUS < 1.0, np.clip(grey + noise, 0, 1), 0))

    def _field(self, number: int, what: int) -> Array:
        return np.random.default_rng([self.seed, number, what]).normal(0, 1, SHAPE)

    def _trace(self, site: int) -> Array:
        """Return what a dataset adds: a shading along an axis of its own."""
        direction = np.random.default_rng([self.seed, site, 8]).normal(0, 1, 3)
        return np.asarray(0.1 * self.site * (direction[0] * _X + direction[1] * _Y + direction[2] * _Z))


def write_cohort(folder: Path, cohort: ToyCohort) -> Path:
    """Write the corpus with ages and sexes and return its folder."""
    scans = list(cohort.scans())
    known = [cohort.person(number) for _, number in scans]
    people = pa.table(
        {
            "scan_id": [scan.scan_id for scan, _ in scans],
            "age_years": [person.age_years for person in known],
            "age_capped": [False] * len(known),
            "sex": [person.sex for person in known],
        }
    )
    write(
        Layout(folder), ToyStory(scans=tuple(scan for scan, _ in scans), people=people, maker=cohort.sample)
    )
    return folder


def write_leak(folder: Path, cohort: ToyCohort) -> Path:
    """Write a corpus with a leak: ``splits.parquet`` goes by dataset, but people are in two of them.

    The test side are the people of the last dataset who are in the first one, too, under other labels; the
    others of the last one are left out.

    Args:
        folder: made.
        cohort: some of its people are there ``twice``.
    """
    write_cohort(folder, cohort)
    last, check = f"ds{cohort.datasets:06d}", "ds000002"
    sides = {last: "test", check: "validation"}
    scans = [scan for scan, _ in cohort.scans()]
    known = [
        "left_out"
        if scan.dataset == last and not scan.subject.startswith("x")
        else sides.get(scan.dataset, "train")
        for scan in scans
    ]
    names = {"scan_id": [scan.scan_id for scan in scans], "group": [scan.subject for scan in scans]}
    pq.write_table(pa.table({**names, "split": known}), folder / NAME)
    return folder


_X, _Y, _Z = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
_RADIUS = np.sqrt(_X**2 + _Y**2 + _Z**2)


def _scan(number: int, visit: int, dataset: int, label: str = "") -> Scan:
    subject, name, code = label or f"{number:04d}", f"ds{dataset + 1:06d}", number * _VISITS + visit
    path = f"sub-{subject}/ses-{visit}/anat/sub-{subject}_ses-{visit}_T1w.nii.gz"
    return Scan(
        dataset=name,
        snapshot="1.0.0",
        path=path,
        subject=subject,
        session=str(visit),
        suffix="T1w",
        entities=(("sub", subject), ("ses", str(visit))),
        size=1000 + code,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{code:032x}"),
        urls=(f"https://example.org/{name}/{path}",),
    )
