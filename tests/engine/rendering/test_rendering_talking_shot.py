"""A performance to a shot: how it turns the head."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine import avatar
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.talking_shot import head_matrices, talking_shot
from dgtalker_engine.rig import HEAD_NAMES

FACE, TOP = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def matrices(*rows):
    return head_matrices(Performance(25.0, HEAD_NAMES, np.array(rows, "f4")))[:, :3, :3]


def test_each_angle_turns_the_head_as_the_rig_says():
    yaw, pitch, roll = matrices((0.3, 0, 0), (0, 0.3, 0), (0, 0, 0.3))
    assert (yaw @ FACE)[0] > 0.29, "to its own left"
    assert (pitch @ FACE)[2] < -0.29, "down"
    assert (roll @ TOP)[0] > 0.29, "to its own left"


def test_together_they_are_an_euler_rotation_of_pitch_then_roll_then_yaw():
    angles = (0.5, -0.4, 0.3)
    yaw, pitch, roll = matrices(*np.diag(angles))
    (together,) = matrices(angles)
    np.testing.assert_allclose(together, yaw @ roll @ pitch, atol=1e-12)


def test_a_performance_without_motion_of_the_head_turns_nothing():
    still = head_matrices(Performance(25.0, ("jawOpen",), np.zeros((2, 1), "f4")))
    assert still.shape == (2, 4, 4)
    assert np.array_equal(still, np.tile(np.eye(4), (2, 1, 1)))


@pytest.mark.parametrize("angle", [-3.0, 0.0, 1.0, 3.1])
def test_matrices_are_rotations_about_the_heads_origin(angle):
    (matrix,) = head_matrices(Performance(25.0, HEAD_NAMES, np.array([[angle, -angle, angle / 2]], "f4")))
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(matrix[3], [0, 0, 0, 1])
    np.testing.assert_array_equal(matrix[:3, 3], 0)


def test_a_head_that_nods_leaves_its_collar_still():
    robin = avatar.load(avatar.builtin("robin"))
    nodding = Performance(25.0, HEAD_NAMES, np.array([(0, 0, 0), (0.1, 0.15, -0.1)], "f4"))
    shot = talking_shot(robin, "robin", nodding, 64)
    rest, nodded = (render_frame(shot, frame, [robin])[0] for frame in shot.frames)
    rows = np.flatnonzero(rest[..., 3].max(axis=1) > 0.5)
    face, collar = slice(rows[0], 32), slice(rows[-1] - 4, rows[-1] + 1)
    assert np.abs(rest[collar] - nodded[collar]).max() < 0.02
    assert np.abs(rest[face] - nodded[face]).max() > 0.2
