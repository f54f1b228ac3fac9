"""What headers say in truth: those that programs write for want of a better are told from measured ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from allbrains.images.credibility import Account, doubts

SHAPE = (160, 192, 192)
EDGES = (1.0, 1.333, 1.333)


def affine(edges=EDGES, signs=(1, 1, 1), zero=(71.3, 90.2, 80.9)) -> np.ndarray:
    """Return a straight affine whose world's origin is the voxel ``zero``."""
    out = np.diag([*np.multiply(edges, signs), 1.0])
    out[:3, 3] = -out[:3, :3] @ zero
    return out


def found(**account) -> tuple[bool, bool]:
    numbers, reasons = doubts(Account(**{"shape": SHAPE, **account}))
    assert bool(reasons) == any(numbers.values())
    assert numbers["orientation_unknown"] == numbers["side_unknown"]
    return bool(numbers["side_unknown"]), bool(numbers["spacing_unknown"])


@given(
    angles=st.tuples(*[st.floats(-40, 40)] * 3).filter(lambda a: max(map(abs, a)) > 1),
    edges=st.tuples(*[st.floats(0.4, 3.0)] * 3),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    zero=st.tuples(*[st.sampled_from([0, 79.5, 80, 300])] * 3),
)
def test_a_tilted_affine_was_measured(angles, edges, signs, zero):
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    assert found(affine=turn @ affine(edges, signs, zero), edges=edges)[0] is False


MIDDLE, FREESURFER = (79.5, 95.5, 95.5), (80, 96, 96)


@pytest.mark.parametrize(
    ("given_affine", "expected"),
    [
        (np.eye(4), (True, True)),
        (np.diag([-1, -1, 1, 1.0]), (True, True)),  # ITK's identity
        (affine(zero=(0, 0, 0)), (True, False)),
        (affine(zero=(1, 1, 1)), (True, False)),  # counted from 1
        (affine(zero=(159, 0, 191)), (True, False)),  # an identity after flips
        (affine(zero=MIDDLE), (True, False)),  # nibabel's and SPM's default
        (affine(signs=(-1, 1, 1), zero=MIDDLE), (True, False)),
        (affine(zero=FREESURFER), (True, False)),
        (affine(signs=(-1, 1, 1), zero=FREESURFER), (False, False)),  # as ds000011 is written
        (affine((1, 1, 1), (-1, 1, 1), FREESURFER), (True, True)),
        (affine(zero=(-80, 96, 90)), (True, False)),  # an axis turned, the offset kept
        (affine(zero=(-5000, 3000, 8000)), (False, False)),  # a table far away
        (affine(), (False, False)),
        (affine((1, 1, 1)), (False, False)),
    ],
)
def test_which_straight_affines_are_nobodys_measurement(given_affine, expected):
    assert found(affine=given_affine) == expected


def test_nothing_set_is_nothing_said():
    assert found(affine=affine(), set=False) == (True, False)
    assert found(affine=affine((1, 1, 1)), set=False) == (True, True)


@pytest.mark.parametrize(
    ("edges", "told", "shape", "expected"),
    [
        (EDGES, EDGES, SHAPE, False),
        (EDGES, (1.0, 1.3333334, 1.32), SHAPE, False),  # rounding
        (EDGES, (1.0, 1.0, 1.0), SHAPE, False),  # left at what it is where nobody asks
        ((1.0, 1.0, 1.0), EDGES, SHAPE, True),
        (EDGES, (1.333, 1.0, 1.333), SHAPE, True),
        (EDGES, (0.0, 0.0, 0.0), SHAPE, False),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (512, 512, 170), True),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (256, 256, 256), False),
        (EDGES, EDGES, (512, 512, 512), False),
    ],
)
def test_edges_are_believed_unless_two_accounts_differ_or_no_head_has_them(edges, told, shape, expected):
    assert found(affine=affine(edges), edges=told, shape=shape)[1] is expected
