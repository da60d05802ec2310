"""From where a point is dragged to, to sliders: against a slow minimiser, and what an animator expects of it."""

from __future__ import annotations

import numpy as np
import pytest

SMILE, FROWN, STRETCH, PUCKER = (7.8, 7.8), (1.1, -6.7), (8.4, -2.6), (-8.6, 0.8)
"""Millimetres that a mouth corner goes with each, seen from the front."""
CORNER = np.array([SMILE, FROWN, STRETCH, PUCKER]).T


def solved(room, move, start=(0, 0, 0, 0), jacobian=CORNER, low=0.0, high=1.0):
    start, jacobian = np.array(start, float), np.array(jacobian, float)
    rest = np.zeros(len(start))
    limits = rest + low, rest + high
    reach = np.linalg.norm(jacobian, axis=0)
    return room("face_handles.solver").solve(jacobian, np.array(move, float), start, rest, limits, reach)


def minimised_slowly(hessian, linear, room):
    x = np.zeros(len(linear))
    for _ in range(500):
        for i in range(len(x)):
            x[i] = np.clip(x[i] + (linear[i] - hessian[i] @ x) / hessian[i, i], 0.0, room[i])
    return x


def test_the_active_set_finds_what_coordinate_descent_does(room):
    random = np.random.default_rng(0)
    for count in (1, 4, 9):
        for _ in range(2):
            rows = random.normal(size=(3, count))
            hessian = rows.T @ rows + np.diag(random.uniform(0.3, 1.0, count))
            linear = random.normal(size=count)
            most = random.uniform(0.0, 0.8, count)
            found = room("face_handles.solver").bounded_least_squares(hessian, linear, most)
            assert np.all((found >= 0.0) & (found <= most))
            np.testing.assert_allclose(found, minimised_slowly(hessian, linear, most), atol=1e-6)


@pytest.mark.parametrize(
    ("move", "wanted"),
    [((0, 5), [0]), ((0, -5), [1]), ((7, -2), [2]), ((-6, 0), [3]), ((5, -5), [1, 2]), ((0, 0), [])],
)
def test_a_corner_moves_the_sliders_that_go_its_way_and_no_other(room, move, wanted):
    values = solved(room, move)
    assert np.flatnonzero(values > 0.1).tolist() == wanted
    along = np.array(move) / max(np.linalg.norm(move), 1e-9)
    assert along @ (CORNER @ values) == pytest.approx(np.linalg.norm(move), rel=0.1)


def test_what_is_up_goes_down_before_its_opposite_comes_up(room):
    smile, frown, *_ = solved(room, (-3, -3), start=(0.6, 0, 0, 0))
    assert smile < 0.3
    assert frown < 0.05
    smile, frown, *_ = solved(room, (0, -12), start=(0.6, 0, 0, 0))
    assert smile == pytest.approx(0.0, abs=0.05)
    assert frown > 0.5


def test_a_drag_beyond_what_the_face_can_does_not_turn_up_all_that_helps_a_little(room):
    values = solved(room, (-300, 0))
    assert values[3] == 1.0
    assert values[:3].max() < 0.05


def test_sliders_of_two_signs_and_values_beyond_their_limits(room):
    gaze = ((33, 0), (0, 25))
    side, up = solved(room, (-10, 5), (0.1, 0.0), gaze, low=-1.0)
    assert side == pytest.approx(0.1 - 10 / 33, abs=0.03)
    assert up == pytest.approx(0.2, abs=0.03)
    kept = solved(room, (0, 0), start=(1.4, 0, 0, 0))
    assert kept.tolist() == [1.4, 0, 0, 0], "nothing was dragged"


def test_a_slider_that_does_not_move_the_point_is_left_alone(room):
    values = solved(room, (0, -3), jacobian=np.array([FROWN, (0, 0)]).T, start=(0, 0.2))
    assert values[0] > 0.3
    assert values[1] == 0.2
    assert solved(room, (0, -3), jacobian=np.zeros((2, 2)), start=(0, 0.2)).tolist() == [0, 0.2]


def test_a_slider_that_goes_towards_the_viewer_is_left_alone(room):
    jaw = np.array([(0.0, -22.0), (0.0, -1.0)]).T
    open_, forward = room("face_handles.solver").solve(
        jaw, np.array((0.0, -12.0)), np.zeros(2), np.zeros(2), (np.zeros(2), np.ones(2)), np.array((31.0, 7.5))
    )
    assert open_ == pytest.approx(12 / 22, rel=0.1)
    assert forward == 0.0
