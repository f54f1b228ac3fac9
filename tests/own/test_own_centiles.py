"""Centiles against a known truth, and where there are none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from allbrains.own.centiles import LEVELS, fit
from allbrains.own.compare import MEASURES, Subject, compare
from allbrains.own.reference import MIN_NEAR, MIN_PEOPLE, people_of, too_few
from allbrains.own.site_effects import harmonise

COLUMNS = tuple(measure.column for measure in MEASURES)


def truth(age, male):
    """Centre and spread of a number that falls with age, the faster the older, and spreads out."""
    return 700 - 2.0 * (age - 18) - 0.02 * (age - 50) ** 2 + 45 * male, 30 + 0.3 * (age - 18)


def drawn(count, seed=0, sites=1, site_sd=0.0):
    random = np.random.default_rng(seed)
    ages, male = random.uniform(18, 80, count), random.integers(0, 2, count).astype(float)
    centre, spread = truth(ages, male)
    site = random.integers(0, sites, count)
    offset = random.normal(0, site_sd, sites)[site] if site_sd else 0.0
    skewed = random.gamma(16, 1 / 4, count) - 4  # mean 0, variance 1, a longer upper tail
    return ages, male, centre + spread * skewed + offset, site


def table(count, seed=0, **columns):
    ages, male, values, _ = drawn(count, seed)
    rows = {
        "dataset": ["ds000011"] * count,
        "subject": [str(n) for n in range(count)],
        "age_years": ages,
        "sex": ["male" if one else "female" for one in male],
        "qc_pass": [True] * count,
        "gm_ml": values,
    }
    return pa.table({**rows, **columns})


@pytest.fixture(scope="module")
def curves():
    ages, male, values, _ = drawn(2500)
    return fit(ages, male, values, draws=12)


@pytest.mark.parametrize("age", [25.0, 40.0, 55.0, 70.0])
@pytest.mark.parametrize("sex", ["female", "male"])
def test_the_share_of_people_below_a_level_is_the_level(curves, age, sex):
    centre, spread = truth(age, float(sex == "male"))
    people = centre + spread * (np.random.default_rng(1).gamma(16, 1 / 4, 20_000) - 4)
    below = [(people < edge).mean() for edge in curves.at(np.array([age]), sex)[0]]
    np.testing.assert_allclose(below, LEVELS, atol=0.05)


def test_curves_never_cross_also_where_people_are_few():
    ages, male, values, _ = drawn(60, seed=3)
    few = fit(ages, male, values, draws=0)
    assert (np.diff(few.at(np.linspace(10, 95, 40), "female"), axis=1) >= 0).all()


def test_a_centile_rises_with_the_value_and_stays_within_its_levels(curves):
    centre, spread = truth(40.0, 0.0)
    found = [curves.centile(centre + k * spread, 40.0, "female") for k in (-8, -1, 0, 1, 8)]
    percents = [one.percent for one in found]
    assert percents == sorted(percents)
    assert (found[0].is_beyond, found[2].is_beyond, found[4].is_beyond) == (True, False, True)
    assert percents[0] == pytest.approx(5)
    assert all(one.low <= one.high for one in found)
    assert found[2].high - found[2].low < 20


@pytest.mark.parametrize("unit", [1e-6, 1e3])
@pytest.mark.parametrize("sex", ["female", "male"])
def test_units_do_not_matter(curves, unit, sex):
    """The regression ends where a step is small, and its loss is flat over the distance between neighbours.

    So the last digits of the values decide where in that flat piece it ends: another unit, or another
    processor's sums, move a curve. By how much it may: a tenth of what other people would (measured on
    three BLAS kernels: up to a sixtieth).
    """
    ages, male, values, _ = drawn(2500)
    at = np.array([30.0, 50.0, 75.0])
    other = fit(ages, male, values * unit, draws=0).at(at, sex) / unit
    low, high = curves.band(at, sex)
    assert (np.abs(other - curves.at(at, sex)) < 0.1 * (high - low)).all()


def test_one_good_scan_a_person_without_patients_and_computed_heads():
    rows = {
        "dataset": ["ds000011", "ds000011", "ds000011", "ds000011", "ds900001", "ds000011", "ds000011"],
        "subject": ["1", "1", "2", "3", "1", "4", "5"],
        "age_years": [20.0, 21.0, 30.0, None, 40.0, 50.0, 60.0],
        "sex": ["female", "female", "male", "male", "female", "male", "other"],
        "qc_pass": [True, True, False, True, True, True, True],
        "group": [None, None, None, None, None, "patient", None],
        "gm_ml": [600.0, 610.0, 620.0, 630.0, 640.0, 650.0, 660.0],
    }
    people = people_of(pa.table(rows), ("gm_ml", "absent"))
    assert people.ages.tolist() == [20.0]
    assert list(people.values) == ["gm_ml"]


def test_a_corpus_without_demographics_compares_with_nobody():
    assert len(people_of(pa.table({"gm_ml": [600.0]}), ("gm_ml",))) == 0


@pytest.mark.parametrize(
    ("count", "age", "why"),
    [(MIN_PEOPLE - 1, 40.0, f"{MIN_PEOPLE} are needed"), (600, 79.5, "emptier side"), (600, 5.0, "0 people")],
)
def test_too_few_people_give_no_centile_and_say_so(count, age, why):
    people = people_of(table(count), COLUMNS)
    assert why in too_few(people, age, "female")
    (one,) = (c for c in compare({"gm_ml": 600.0}, Subject(age_years=age, sex="female"), people) if c.people)
    assert one.centile is None
    assert one.chart is None
    assert why in one.why_not


def test_enough_people_give_one_with_their_number():
    people = people_of(table(600), COLUMNS)
    assert too_few(people, 45.0, "male") == ""
    found = compare({"gm_ml": 640.0}, Subject(age_years=45.0, sex="male"), people)
    (one,) = (c for c in found if c.measure.column == "gm_ml")
    assert one.people == 600 > MIN_NEAR
    assert one.centile.low <= one.centile.percent <= one.centile.high
    assert all(other.centile is None for other in found if other is not one)


def test_without_age_sex_or_corpus_there_is_no_centile_and_a_reason():
    people = people_of(table(400), COLUMNS)
    for subject in (Subject(sex="male"), Subject(age_years=40.0)):
        (one, *others) = compare({"gm_ml": 600.0}, subject, people)
        assert "--age and --sex" in one.why_not
        assert {other.why_not for other in others} == {"the recipe doesn't measure some of these numbers"}
    nobody = compare({"gm_ml": 600.0}, Subject(age_years=40.0, sex="male"), None, why_nobody="no corpus")
    assert {one.why_not for one in nobody} == {"no corpus"}


def test_harmonising_takes_offsets_of_sites_out_and_knows_how_large_they_were():
    ages, male, values, site = drawn(1500, seed=5, sites=20, site_sd=40.0)
    people = people_of(
        table(1500, age_years=ages, sex=np.where(male == 1, "male", "female"), gm_ml=values).set_column(
            0, "dataset", pa.array([f"ds{n:06d}" for n in site])
        ),
        COLUMNS,
    )
    found = harmonise(people, people.values["gm_ml"])
    assert found.count == 20
    assert found.spread == pytest.approx(40, rel=0.4)
    means = [np.mean(found.values[site == n] - truth(ages, male)[0][site == n]) for n in range(20)]
    assert np.std(means) < 12


def test_one_site_has_no_offset():
    people = people_of(table(300), COLUMNS)
    found = harmonise(people, people.values["gm_ml"])
    np.testing.assert_array_equal(found.values, people.values["gm_ml"])
    assert (found.spread, found.count) == (0.0, 1)
