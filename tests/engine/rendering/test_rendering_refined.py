"""Final pictures of heads that have a refiner: colours are refined, and nothing else differs from the coarse ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_avatars import linear_head, refiner

from dgtalker_engine.rendering.frame import render_frame, render_seen
from dgtalker_engine.rendering.viewport import render_packed
from dgtalker_engine.wire import Shot, ShotCamera, ShotFrame, ShotHead, ShotLens, ShotSubframe

SIDE = 64
CAMERA = ShotCamera(
    K=(130.0, 0, SIDE / 2, 0, 130.0, SIDE / 2, 0, 0, 1),
    world_to_camera=(1.0, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 1.2, 0, 0, 0, 1),
)


def at(x=0.0, avatar=0):
    matrix = np.eye(4)
    matrix[0, 3] = x
    return ShotHead(avatar, tuple(matrix.ravel().tolist()), {"jawOpen": 0.2})


def shot_of(*heads, **changes):
    return Shot(width=SIDE, height=SIDE, avatars=("a", "b"), frames=(ShotFrame(1, CAMERA, heads, **changes),))


@pytest.fixture(scope="module")
def coarse():
    return linear_head()


@pytest.fixture(scope="module")
def fine(coarse):
    return replace(coarse, refiner=refiner())


def both(shot, *pairs):
    return [render_seen(shot, shot.frames[0], heads) for heads in pairs]


def test_final_pictures_are_refined_and_alpha_and_depth_are_the_coarse_heads(coarse, fine):
    plain, refined = both(shot_of(at()), [coarse], [fine])
    assert np.abs(refined.rgba - plain.rgba).max() > 0.01
    np.testing.assert_array_equal(refined.rgba[..., 3], plain.rgba[..., 3])
    np.testing.assert_array_equal(refined.depth, plain.depth)


def test_the_viewport_shows_the_coarse_head(coarse, fine):
    shot = shot_of(at())
    np.testing.assert_array_equal(render_packed(shot, [fine]).pixels, render_packed(shot, [coarse]).pixels)


def test_a_region_is_the_same_part_of_the_whole_picture(fine):
    shot = shot_of(at())
    whole, _ = render_frame(shot, shot.frames[0], [fine])
    part, _ = render_frame(replace(shot, region=(20, 10, 30, 40)), shot.frames[0], [fine])
    np.testing.assert_array_equal(part, whole[10:50, 20:50])


def test_another_head_in_the_picture_is_not_refined(coarse, fine):
    shot = shot_of(at(-0.2), at(0.2, avatar=1))
    plain, refined = both(shot, [coarse, coarse], [fine, coarse])
    right = np.s_[:, SIDE // 2 + 12 :]
    assert plain.rgba[right][..., 3].max() > 0.5
    np.testing.assert_array_equal(refined.rgba[right], plain.rgba[right])
    assert np.abs(refined.rgba - plain.rgba)[:, : SIDE // 2 - 12].max() > 0.01


def test_a_moving_head_is_refined_once_as_it_is_at_its_frame(coarse, fine):
    moments = tuple(ShotSubframe(CAMERA, (at(x),)) for x in (-0.01, 0.01))
    plain, refined = both(shot_of(at(), subframes=moments), [coarse], [fine])
    np.testing.assert_array_equal(refined.rgba[..., 3], plain.rgba[..., 3])
    assert np.abs(refined.rgba - plain.rgba).max() > 0.005
    (still,) = both(shot_of(at(), subframes=(ShotSubframe(CAMERA, (at(),)),)), [fine])
    (sharp,) = both(shot_of(at()), [fine])
    np.testing.assert_allclose(still.rgba, sharp.rgba, atol=1e-6)


def test_through_a_wide_aperture_a_head_is_refined_once_as_from_its_middle(coarse, fine):
    wide = replace(CAMERA, lens=ShotLens(radius=0.02, focus=0.6))
    shot = replace(shot_of(at()), frames=(ShotFrame(1, wide, (at(),)),))
    plain, refined = both(shot, [coarse], [fine])
    np.testing.assert_array_equal(refined.rgba[..., 3], plain.rgba[..., 3])
    assert np.abs(refined.rgba - plain.rgba).max() > 0.005
