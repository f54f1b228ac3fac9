"""Likeness: one person's scans are found whatever was added to them, strangers are not."""

import numpy as np
import pytest

from allbrains.splits.likeness import LENGTH, THRESHOLD, alike, directions, threshold_for, vector

SHAPE = (20, 24, 20, 3)


def field(seed):
    """A displacement of cells that are 4 mm wide: detail over a few of them."""
    random = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    for axis in range(3):
        random += np.roll(random, 1, axis) + np.roll(random, -1, axis)
    return random


COMMON = field(10_000) * 3


def scanned(person, visit):
    """A person's displacement with what all have in common, noise, and a drift over the whole head."""
    random = np.random.default_rng([person, visit])
    drift = np.linspace(0, 1, SHAPE[0])[:, None, None, None] * random.normal(0, 4, 3)
    noise = random.normal(0, 2.0, SHAPE)
    return (COMMON + field(person) + noise + drift).astype(np.float32)


def vectors(people):
    return np.array([vector(scanned(*one), 4.0) for one in people])


def test_pairs_of_one_person_are_found_and_no_others():
    people = [(person, 0) for person in range(25)] + [(3, 1), (17, 1), (3, 2)]
    assert set(alike(vectors(people))) == {(3, 25), (3, 27), (25, 27), (17, 26)}


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_strangers_only(count):
    assert list(alike(vectors([(person, 0) for person in range(count)]))) == []


def test_two_scans_of_one_person_alone():
    assert list(alike(vectors([(1, 0), (1, 1)]))) == [(0, 1)]


def test_many_scans_are_compared_in_blocks():
    random = np.random.default_rng(0)
    many = random.normal(size=(1300, LENGTH)).astype(np.float32)
    many[1290] = many[3] + 0.3 * random.normal(size=LENGTH)
    many[700] = many[511] + 0.3 * random.normal(size=LENGTH)
    assert set(alike(many)) == {(3, 1290), (511, 700)}


def test_a_vector_is_the_same_on_a_finer_grid_and_does_not_see_shifts_and_drifts():
    one = field(5)
    fine = one.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(vector(fine, 2.0), vector(one, 4.0), atol=1e-3)
    inner = np.zeros(SHAPE, np.float32)
    inner[6:14, 6:18, 6:14] = 1  # smooth over more than the window's middle
    change = np.linalg.norm(vector(one + inner, 4.0) - vector(one, 4.0))
    assert change < 0.2 * np.linalg.norm(vector(one, 4.0))


def test_where_strangers_are_alike_the_threshold_rises():
    random = np.random.default_rng(0)
    apart = random.normal(size=(200, LENGTH)).astype(np.float32)
    assert threshold_for(directions(apart)) == THRESHOLD
    families = apart * 0.2 + random.normal(size=(200, 6)) @ random.normal(size=(6, LENGTH))
    assert threshold_for(directions(families.astype(np.float32))) > 0.8
