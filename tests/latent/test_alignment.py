"""Layouts laid onto each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tacit.errors import WrongUsage
from tacit.latent.alignment import procrustes, within_one

POINTS = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [0.0, 2.0], [-3.0, 5.0]])


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_it_recovers_a_known_similarity(mirror):
    angle = 2.1
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) @ np.diag([1.0, mirror])
    onto = 0.3 * POINTS @ turn + np.array([7.0, -2.0])
    found = procrustes(POINTS, onto)
    assert found.scale == pytest.approx(0.3) and np.allclose(found.turn, turn) and np.allclose(found.shift, [7, -2])
    assert np.allclose(found(POINTS), onto)


def test_a_quarter_turn_by_hand():
    square = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    onto = np.array([[0.0, 2.0], [-2.0, 0.0], [0.0, -2.0], [2.0, 0.0]]) + 5
    found = procrustes(square, onto)
    assert found.scale == pytest.approx(2) and np.allclose(found.turn, [[0, 1], [-1, 0]])


coordinates = arrays(
    np.float64, st.tuples(st.integers(1, 20), st.just(2)), elements=st.floats(-1e3, 1e3, allow_subnormal=False)
)


@given(coordinates, st.integers(0, 2**32 - 1))
def test_the_squared_distance_never_grows(points, seed):
    onto = np.random.default_rng(seed).normal(size=points.shape) * 10
    before, after = np.square(points - onto).sum(), np.square(procrustes(points, onto)(points) - onto).sum()
    assert after <= before * (1 + 1e-9) + 1e-9


@given(coordinates)
def test_angles_and_shapes_stay(points):
    found = procrustes(points, POINTS[0] + np.roll(points, 1, 0))
    assert np.allclose(found.turn @ found.turn.T, np.eye(2)) and found.scale > 0


def test_a_map_never_vanishes_where_the_other_is_one_point():
    found = procrustes(POINTS, np.ones_like(POINTS))
    assert found.scale == 1 and np.allclose(found(POINTS).mean(0), 1)
    assert np.allclose(procrustes(np.ones((3, 2)), np.zeros((3, 2)))(np.ones((3, 2))), 0)
    tiny = 1e-200 * POINTS  # its size is no number that a float can be
    assert procrustes(tiny, POINTS).scale == 1 and np.allclose(procrustes(tiny, POINTS)(tiny), POINTS.mean(0))


def test_layouts_of_different_items_are_refused():
    with pytest.raises(WrongUsage, match=r"\(4, 2\) cannot be laid onto \(5, 2\)"):
        procrustes(POINTS[:4], POINTS)


@given(coordinates)
def test_everything_fits_into_the_square_and_touches_two_sides(points):
    placed = within_one(points)(points)
    assert np.abs(placed).max() <= 1 + 1e-6
    if np.ptp(points, axis=0).max() > 1e-3:
        assert np.ptp(placed, axis=0).max() == pytest.approx(2)
