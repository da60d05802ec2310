"""Meshes before heads: which part of a pixel they hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.gaussians import Camera
from dgtalker_engine.gaussians.constants import NOTHING_HIT
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering import occlusion
from dgtalker_engine.rendering.frame import render_frame, render_seen
from dgtalker_engine.rendering.talking_shot import talking_shot

K = np.array([[60.0, 0, 24], [0, 60.0, 20], [0, 0, 1]])
PERSPECTIVE = Camera(K=K, world_to_camera=np.eye(4), width=48, height=40, near=0.1, far=100)
PARALLEL = replace(PERSPECTIVE, K=np.array([[20.0, 0, 24], [0, 20.0, 20], [0, 0, 1]]), orthographic=True)
WHOLE = (0, 0, 48, 40)
NONE = np.empty((0, 3, 3), np.float32)


def square(half: float, depth: float, x: float = 0.0) -> np.ndarray:
    """Two triangles, float32 (2, 3, 3), that face the camera."""
    corners = half * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    corners[:, 0] += x
    points = np.c_[corners, np.full(4, depth)].astype(np.float32)
    return points[[[0, 1, 2], [0, 2, 3]]]


@pytest.mark.parametrize("camera", [PERSPECTIVE, PARALLEL])
def test_kernels_hide_what_the_readable_reference_hides(camera):
    random = np.random.default_rng(0)
    # some of them lie behind the camera, or reach through its near plane
    places = random.normal(0, 1, (40, 1, 3)) + random.normal(0, 0.7, (40, 3, 3)) + [0, 0, 1.5]
    depth = random.uniform(1, 3, (30, 44)).astype(np.float32)
    depth[:4] = depth[:, -2:] = NOTHING_HIT
    arguments = places[:30].astype(np.float32), places[30:].astype(np.float32), camera, depth, (3, 5, 44, 30), 1.5
    fast, slow = occlusion.hidden_part(*arguments), occlusion.hidden_part_reference(*arguments)
    assert 0.1 < slow.mean() < 0.9
    # a sample on the edge between two triangles may fall to either
    assert (np.abs(fast - slow) > 1e-6).mean() < 0.002
    np.testing.assert_allclose(fast, slow, atol=2 / occlusion.SAMPLES)


@pytest.mark.parametrize("camera", [PERSPECTIVE, PARALLEL])
def test_an_edge_hides_the_part_of_a_pixel_that_the_filter_gives_it(camera):
    """A square whose right edge is in the middle of a column's pixels; the filter reaches a pixel and a half around."""
    depth = np.full((40, 48), 2, np.float32)
    scale = 60.0 if camera is PERSPECTIVE else 20.0
    right = (30.5 - 24) / scale
    half = 10.0
    hidden = occlusion.hidden_part(square(half, 1, right - half), NONE, camera, depth, WHOLE, 1.5)
    np.testing.assert_array_equal(hidden[:, :29], 1)
    np.testing.assert_array_equal(hidden[:, 32:], 0)
    np.testing.assert_allclose(hidden[:, 30], 0.5, atol=0.01)
    assert (hidden[:, 29] > 0.9).all()
    sharp = occlusion.hidden_part(square(half, 1, right - half + 0.01), NONE, camera, depth, WHOLE, 0)
    np.testing.assert_array_equal(sharp, np.broadcast_to(np.arange(48) <= 30, (40, 48)))


@pytest.mark.parametrize("camera", [PERSPECTIVE, PARALLEL])
def test_triangles_smaller_than_a_pixel_hide_what_a_large_one_does(camera):
    depth = np.full((40, 48), 2, np.float32)
    whole, small = square(0.43, 1, 0.11), square(0.43 / 70, 1)
    steps = (np.arange(70) * 2 + 1) / 70 * 0.43 - 0.43
    fine = np.concatenate([small + np.float32([x + 0.11, y, 0]) for x in steps for y in steps])
    expected = occlusion.hidden_part(whole, NONE, camera, depth, WHOLE, 1.5)
    assert 0.1 < expected.mean() < 0.95
    np.testing.assert_allclose(occlusion.hidden_part(fine, NONE, camera, depth, WHOLE, 1.5), expected, atol=0.04)


def test_what_is_behind_a_head_or_beside_it_or_behind_the_camera_hides_nothing():
    depth = np.full((40, 48), 2, np.float32)
    depth[:, 24:] = NOTHING_HIT
    for triangles in (square(10, 2.1), square(10, -1), square(10, 0.05), square(0.2, 1, 0.4), square(1, 1)[:0]):
        assert not occlusion.hidden_part(triangles, NONE, PERSPECTIVE, depth, WHOLE, 1.5).any()
    assert occlusion.hidden_part(square(10, 1.9), NONE, PERSPECTIVE, depth, WHOLE, 1.5)[:, :24].all()


def test_a_mesh_that_goes_through_a_head_hides_the_part_that_is_before_it():
    depth = np.full((40, 48), 2, np.float32)
    leaning = square(10, 2)
    leaning[..., 2] += 0.02 * leaning[..., 0]
    hidden = occlusion.hidden_part(leaning, NONE, PERSPECTIVE, depth, WHOLE, 1.5)
    np.testing.assert_array_equal(hidden[:, :22], 1)
    np.testing.assert_array_equal(hidden[:, 26:], 0)


def test_what_is_inside_a_head_s_own_mesh_does_not_hide_its_gaussians():
    depth = np.full((40, 48), 2, np.float32)
    hidden = occlusion.hidden_part(square(10, 1.9), square(10, 1.8, -10), PERSPECTIVE, depth, WHOLE, 0)
    np.testing.assert_array_equal(hidden, np.broadcast_to(np.arange(48) >= 24, (40, 48)))


def test_a_frame_shows_what_is_left_and_says_what_is_hidden():
    robin = avatars_room.load(avatars_room.builtin("robin"))
    shot = talking_shot(robin, "builtin:robin", Performance(25.0, ("jawOpen",), np.zeros((1, 1), "f4")), 96)
    frame = shot.frames[0]
    rgba, depth = render_frame(shot, frame, [robin])
    # half a metre before the head, which looks along −Y: everything on its left is covered
    wall = np.array([[[0, -0.5, -9], [9, -0.5, -9], [0, -0.5, 9]]], np.float32)
    before = replace(frame, occluders=wall.tobytes())
    seen = render_seen(shot, before, [robin])
    inside = depth < NOTHING_HIT
    assert 0.3 < seen.hidden[inside].mean() < 0.7
    np.testing.assert_array_equal(seen.hidden[~inside], 0)
    np.testing.assert_allclose(seen.rgba, rgba * (1 - seen.hidden)[..., None], atol=1e-6)
    assert (seen.depth[seen.hidden == 1] == NOTHING_HIT).all()
    film = replace(shot, background=(0.2, 0.4, 0.6))
    filled = render_frame(film, before, [robin])[0]
    np.testing.assert_allclose(filled[seen.hidden == 1] - [0.2, 0.4, 0.6, 1], 0, atol=1e-6)
