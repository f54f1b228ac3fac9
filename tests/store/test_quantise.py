"""Quantisation: the stated errors hold, and nothing that is not a number gets in."""

import numpy as np
import pytest

from allbrains.store import quantise

RANDOM = np.random.default_rng(7)
SHAPE = (12, 13, 14)


def error(stored, original):
    return np.abs(quantise.values(stored.array, stored.scale, stored.offset) - original).max()


def brain():
    image = RANDOM.gamma(4, 100, SHAPE).astype(np.float32)
    image[:4] = 0
    return image


def test_intensities_keep_ten_bits_below_the_top_and_are_not_cut_above():
    image = brain()
    image[6, 6, 6] = image.max() * 20  # a vessel
    top = np.percentile(image[image > 0], 99.9)
    stored = quantise.intensity(image)
    assert stored.array.dtype == np.uint16
    assert error(stored, image) <= 0.0006 * top
    assert np.count_nonzero(stored.array[:4]) == 0


def test_an_empty_image_is_stored_as_it_is():
    stored = quantise.intensity(np.zeros(SHAPE, np.float32))
    assert stored.scale == 1.0
    assert not stored.array.any()


def test_probabilities():
    image = RANDOM.random(SHAPE, dtype=np.float32)
    assert error(quantise.probability(image), image) <= 0.00197
    assert error(quantise.probability(image * 3 - 1), np.clip(image * 3 - 1, 0, 1)) <= 0.00197


def test_densities_may_be_over_one():
    image = RANDOM.random(SHAPE, dtype=np.float32) * 5
    assert error(quantise.density(image), image) <= 0.0005


def test_log_jacobian_is_kept_in_the_support_only():
    image = RANDOM.normal(0, 1, SHAPE).astype(np.float32)
    support = RANDOM.random(SHAPE) > 0.5
    image[~support] = np.nan
    stored = quantise.log_jacobian(image, support)
    assert error(stored, np.where(support, image, 0)) <= 0.00196
    assert not stored.array[~support].any()


def test_displacements_and_their_grid():
    field = RANDOM.normal(0, 20, (5, 6, 7, 3))
    stored = quantise.displacement(field, np.diag([4.0, 4.0, 4.0, 1.0]))
    assert error(stored, field) <= 0.00196
    assert stored.affine is not None
    np.testing.assert_array_equal(np.diag(stored.affine), [4, 4, 4, 1])


def test_labels_are_whole_numbers():
    stored = quantise.labels(np.array([[[0, 1, 255]]], dtype=float))
    np.testing.assert_array_equal(quantise.values(stored.array, stored.scale, stored.offset), [[[0, 1, 255]]])
    for wrong in (0.5, -1.0, 256.0):
        with pytest.raises(ValueError, match="whole number"):
            quantise.labels(np.array([[[wrong]]]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("store", [quantise.intensity, quantise.probability, quantise.density])
def test_what_is_not_finite_is_refused(store, bad):
    image = brain()
    image[6, 6, 6] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        store(image)


def test_values_fill_what_they_are_given():
    out = np.empty((2, 2), np.float32)
    assert quantise.values(np.array([[1, 2], [3, 4]], np.uint8), 0.5, 1.0, out) is out
    np.testing.assert_array_equal(out, [[1.5, 2.0], [2.5, 3.0]])
