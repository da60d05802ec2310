"""Frames of a Shot to pictures, and the default camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.avatar.proxy import posed
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.talking_shot import talking_shot
from dgtalker_engine.wire import ShotFrame, ShotHead


@pytest.fixture(scope="module")
def robin():
    return avatars_room.load(avatars_room.builtin("robin"))


@pytest.fixture(scope="module")
def shot(robin):
    performance = Performance(
        25.0, ("jawOpen", "headYaw"), np.array([[0.0, 0.0], [0.8, 0.0], [0.0, 0.6], [0.8, 0.6]], "f4")
    )
    return talking_shot(robin, "builtin:robin", performance, 128)


def moved(head, x=0.0, y=0.0, z=0.0):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return replace(head, matrix=tuple(matrix.ravel().tolist()))


def test_the_default_camera_sees_all_of_the_head_from_the_front(robin, shot):
    rgba, depth = render_frame(shot, shot.frames[0], [robin])
    assert rgba.shape == (128, 128, 4)
    assert rgba.dtype == depth.dtype == np.float32
    seen = rgba[..., 3] > 0.5
    assert 0.15 < seen.mean() < 0.7
    assert not seen[[0, -1]].any()
    assert not seen[:, [0, -1]].any()
    assert depth[64, 64] < 5
    assert depth[0, 0] == np.float32(1e10)


def test_the_jaw_opens_and_the_head_turns_to_its_own_left(robin, shot):
    pictures = [render_frame(shot, frame, [robin])[0] for frame in shot.frames]
    ahead, aside = (np.abs(pictures[i + 1] - pictures[i]).sum(axis=-1) for i in (0, 2))
    assert ahead[70:].sum() > 5 * ahead[:50].sum()
    # its own left is +X, the right of the picture: that is where the mouth moves to
    columns = [(change.sum(axis=0) @ np.arange(128)) / change.sum() for change in (ahead, aside)]
    assert abs(columns[0] - 64) < 3
    assert columns[1] > columns[0] + 8


def test_a_frame_is_the_same_alone_and_after_others(robin, shot):
    first = render_frame(shot, shot.frames[1], [robin])
    for frame in shot.frames:
        render_frame(shot, frame, [robin])
    again = render_frame(shot, shot.frames[1], [robin])
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_a_region_is_the_same_part_of_the_whole_picture(robin, shot):
    whole, whole_depth = render_frame(shot, shot.frames[1], [robin])
    part, depth = render_frame(replace(shot, region=(40, 30, 50, 60)), shot.frames[1], [robin])
    np.testing.assert_array_equal(part, whole[30:90, 40:90])
    np.testing.assert_array_equal(depth, whole_depth[30:90, 40:90])


def test_a_background_lies_behind_in_linear_light_and_makes_the_picture_opaque(robin, shot):
    film, _ = render_frame(shot, shot.frames[0], [robin])
    rgba, _ = render_frame(replace(shot, background=(0.2, 0.4, 2.0)), shot.frames[0], [robin])
    expected = film[..., :3] + (1 - film[..., 3:]) * np.array([0.2, 0.4, 2.0], "f4")
    np.testing.assert_allclose(rgba[..., :3], expected, atol=1e-6)
    assert (rgba[..., 3] == 1).all()


def test_without_heads_there_is_only_the_background(shot):
    empty = ShotFrame(1, shot.frames[0].camera, ())
    rgba, depth = render_frame(replace(shot, region=(0, 0, 20, 10)), empty, [])
    assert rgba.shape == (10, 20, 4)
    assert not rgba.any()
    assert (depth == np.float32(1e10)).all()
    rgba, _ = render_frame(replace(shot, background=(0.1, 0.2, 0.3)), empty, [])
    np.testing.assert_allclose(rgba[5, 5], [0.1, 0.2, 0.3, 1.0])


def test_the_nearer_of_two_heads_hides_the_other_whatever_their_order(robin, shot):
    (head,) = shot.frames[0].heads
    near, far = moved(head, x=0.05, y=-0.3), moved(head, x=-0.05, y=0.3)
    near_jaw = replace(near, weights={"jawOpen": 1.0})
    pictures = [
        render_frame(shot, replace(shot.frames[0], heads=heads), [robin])[0]
        for heads in ((near_jaw, far), (far, near_jaw))
    ]
    np.testing.assert_allclose(pictures[0], pictures[1], atol=0.02)
    alone, _ = render_frame(shot, replace(shot.frames[0], heads=(near_jaw,)), [robin])
    solid = alone[..., 3] > 0.999
    np.testing.assert_allclose(pictures[0][solid], alone[solid], atol=0.01)


def test_weights_are_clamped_and_unknown_names_ignored(robin, shot):
    (head,) = shot.frames[1].heads
    full = replace(shot.frames[1], heads=(replace(head, weights={"jawOpen": 1.0}),))
    over = replace(shot.frames[1], heads=(replace(head, weights={"jawOpen": 50.0, "ears": 1.0}),))
    np.testing.assert_array_equal(render_frame(shot, full, [robin])[0], render_frame(shot, over, [robin])[0])


def test_an_unusable_camera_is_a_clear_error(robin, shot):
    camera = replace(shot.frames[0].camera, K=(0.0,) * 9)
    with pytest.raises(DGTalkerError, match="camera"):
        render_frame(shot, replace(shot.frames[0], camera=camera), [robin])


def test_a_head_keeps_its_place_in_the_frame_that_carries_it(robin, shot):
    (head,) = shot.frames[0].heads
    assert isinstance(head, ShotHead)
    left, right = (
        render_frame(shot, replace(shot.frames[0], heads=(moved(head, x=x),)), [robin])[0] for x in (-0.1, 0.1)
    )
    columns = np.arange(128)
    assert (left[..., 3].sum(0) @ columns) / left[..., 3].sum() < (right[..., 3].sum(0) @ columns) / right[..., 3].sum()


def deformed(robin, head, change):
    """The head with its mesh as its weights leave it, and then changed by a function of vertices."""
    vertices = posed(robin.proxy, robin.rig, robin.rig.weights(head.weights))
    return replace(head, vertices=change(vertices).astype("<f4").tobytes())


def test_a_mesh_that_was_deformed_carries_the_head(robin, shot):
    """Moved by 5 cm as a matrix would, and bent aside: the top goes to the right of the picture, the neck stays."""
    frame = shot.frames[3]
    (head,) = frame.heads
    still = render_frame(shot, frame, [robin])[0][..., 3] > 0.5

    def alpha(one):
        return render_frame(shot, replace(frame, heads=(one,)), [robin])[0][..., 3] > 0.5

    matrix = np.reshape(head.matrix, (4, 4))
    shifted = replace(head, matrix=tuple((matrix @ (np.eye(4) + np.outer([0.05, 0, 0, 0], [0, 0, 0, 1]))).ravel()))
    carried = alpha(deformed(robin, head, lambda vertices: vertices + np.array([0.05, 0, 0])))
    assert (carried ^ alpha(shifted)).sum() <= 2
    bent = alpha(deformed(robin, head, lambda v: v + np.outer(np.clip(v[:, 2] + 0.1, 0, None) ** 2, [2, 0, 0])))
    rows = np.flatnonzero(still.any(axis=1))
    columns = np.arange(128)
    top, low = rows[len(rows) // 8], rows[-len(rows) // 12]
    middle = [(seen[row] @ columns) / seen[row].sum() for row in (top, low) for seen in (still, bent)]
    assert middle[1] > middle[0] + 5
    assert abs(middle[3] - middle[2]) < 1


def test_a_mesh_that_lies_as_the_weights_leave_it_changes_nothing(robin, shot):
    frame = shot.frames[1]
    (head,) = frame.heads
    carried = replace(frame, heads=(deformed(robin, head, lambda vertices: vertices),))
    difference = render_frame(shot, carried, [robin])[0] - render_frame(shot, frame, [robin])[0]
    assert np.abs(difference).max() < 0.01


def test_a_mesh_with_other_vertices_is_refused(robin, shot):
    frame = shot.frames[0]
    head = replace(frame.heads[0], vertices=bytes(12 * 100))
    with pytest.raises(DGTalkerError, match="100 vertices cannot carry Robin"):
        render_frame(shot, replace(frame, heads=(head,)), [robin])
