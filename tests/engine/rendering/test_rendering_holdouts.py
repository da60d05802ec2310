"""Heads that are holdouts: beside the readable reference, Gaussian by Gaussian, and beside what heads are alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_avatars import linear_head

from dgtalker_engine.gaussians.colour import to_scene_linear_reference
from dgtalker_engine.gaussians.constants import ALPHA_THRESHOLD, NOTHING_HIT, SH_C0
from dgtalker_engine.gaussians.reference import render as render_reference
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.frame import pose_moment, render_seen
from dgtalker_engine.rendering.frame_digest import frame_digest
from dgtalker_engine.rendering.passes import render_with_planes
from dgtalker_engine.rendering.viewport import render_packed
from dgtalker_engine.wire import (
    HeadLabel,
    PassInputs,
    Shot,
    ShotCamera,
    ShotFrame,
    ShotHead,
    ShotLens,
    ShotPass,
    ShotSubframe,
)
from dgtalker_engine.wire.cryptomatte import object_id

SIZE, AWAY = 64, 2.0
CAMERA = ShotCamera(
    K=(200.0, 0, SIZE / 2, 0, 200.0, SIZE / 2, 0, 0, 1),
    world_to_camera=(1.0, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, AWAY, 0, 0, 0, 1),
)
WALL = np.array([[[0, -1, -1], [1, -1, -1], [0, -1, 1]]], "<f4").tobytes()
PASSES = (
    ShotPass("Depth", "Z", "depth"),
    ShotPass("Position", "XYZ", "position"),
    ShotPass("Normal", "XYZ", "normal"),
    ShotPass("Vector", "XYZW", "vector"),
    ShotPass("Mist", "Z", "mist"),
    ShotPass("Object Index", "X", "object_index"),
    ShotPass("Alpha Hole", "X", "alpha"),
    ShotPass("Alpha Head", "X", "alpha"),
    ShotPass("CryptoObject00", "rgba", "cryptomatte"),
    ShotPass("Held Out", "X", "held_out"),
)


@pytest.fixture(scope="module")
def head():
    return linear_head()


def at(x, y, holdout=False):
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:2, 3] = x, y
    return ShotHead(0, tuple(matrix.ravel().tolist()), {}, holdout=holdout)


HOLE, BEHIND, BEFORE = at(-0.04, 0.0, True), at(0.05, 0.4), at(0.08, -0.5)
FRAME = ShotFrame(1, CAMERA, (BEHIND, HOLE))


def shot_of(frame, **more):
    return Shot(width=SIZE, height=SIZE, avatars=("a",), frames=(frame,), **more)


def seen(head, frame, **more):
    return render_seen(shot_of(frame, **more), frame, [head])


@pytest.mark.parametrize("heads", [(BEHIND, HOLE), (HOLE, BEHIND, BEFORE), (HOLE,)])
def test_a_hole_takes_from_alpha_what_it_covers_of_each_pixel_and_has_no_colour(head, heads):
    """One Gaussian after another in float64, with the weights that the reference gives them."""
    frame = replace(FRAME, heads=heads)
    moment = pose_moment(shot_of(frame), frame, frame, [head])
    is_seen = torch.from_numpy(~moment.held_out)
    black = moment.cloud.sh.clone()
    black[~is_seen] = -0.5 / SH_C0
    told = ((is_seen.float() - 0.5) / SH_C0)[:, None, None].expand(-1, 1, 3)
    whole = render_reference(replace(moment.cloud, sh=black), moment.camera)
    alpha = render_reference(replace(moment.cloud, sh=told), moment.camera).rgb[..., 0]
    expected = to_scene_linear_reference(whole.rgb, alpha)
    picture = seen(head, frame)
    clear = alpha > 2 * ALPHA_THRESHOLD
    soft = clear & (alpha < 0.9) & (whole.alpha - alpha > 0.05)
    assert soft.sum() > 50 or len(heads) == 1
    np.testing.assert_allclose(picture.rgba[clear], expected[clear], atol=1e-3)
    np.testing.assert_allclose(picture.held_out, whole.alpha - picture.rgba[..., 3], atol=1e-4)
    assert not picture.rgba[alpha < 0.5 * ALPHA_THRESHOLD].any()
    assert (picture.depth[picture.rgba[..., 3] == 0] == NOTHING_HIT).all()


def test_heads_before_a_hole_stay_whole_and_the_world_behind_it_is_gone(head):
    before = seen(head, replace(FRAME, heads=(HOLE, BEFORE)))
    alone = seen(head, replace(FRAME, heads=(BEFORE,)))
    np.testing.assert_allclose(before.rgba, alone.rgba, atol=2 * ALPHA_THRESHOLD)
    near = alone.rgba[..., 3] > 0.1
    np.testing.assert_allclose(before.depth[near], alone.depth[near], atol=1e-3)
    film = seen(head, replace(FRAME, heads=(HOLE, BEFORE)), background=(0.2, 0.4, 0.6))
    np.testing.assert_allclose(film.rgba[..., 3], 1 - before.held_out, atol=1e-6)
    clear = 1 - before.rgba[..., 3:] - before.held_out[..., None]
    np.testing.assert_allclose(film.rgba[..., :3], before.rgba[..., :3] + clear * [0.2, 0.4, 0.6], atol=1e-5)


def test_a_mesh_before_a_hole_takes_its_part_of_it_in_blurred_frames_too(head):
    bare, cut = seen(head, FRAME), seen(head, replace(FRAME, occluders=WALL))
    assert 0.3 < cut.held_out.sum() / bare.held_out.sum() < 0.7
    np.testing.assert_allclose(cut.held_out, bare.held_out * (1 - cut.hidden), atol=1e-6)
    np.testing.assert_allclose(cut.rgba, bare.rgba * (1 - cut.hidden)[..., None], atol=1e-6)
    still = tuple(ShotSubframe(CAMERA, FRAME.heads) for _ in range(2))
    blurred = seen(head, replace(FRAME, occluders=WALL, subframes=still))
    for one, other in zip(blurred, cut, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    lens = ShotLens(radius=0.02, focus=0.5 * AWAY)
    unfocused = seen(head, replace(FRAME, camera=replace(CAMERA, lens=lens)))
    total = bare.held_out.sum()
    assert unfocused.held_out.sum() == pytest.approx(total, rel=0.1)
    assert np.abs(unfocused.held_out - bare.held_out).max() > 0.1


def test_passes_know_nothing_of_a_hole_and_of_what_it_hides(head):
    labels = (HeadLabel("Head", 5), HeadLabel("Hole", 3))
    moved = tuple(ShotSubframe(CAMERA, (at(0.05 + x, 0.4), HOLE)) for x in (-0.02, 0.02))
    frame = replace(FRAME, pass_inputs=PassInputs(labels=labels), neighbours=moved)
    picture, planes = render_with_planes(shot_of(frame, passes=PASSES), frame, [head])
    alpha = picture.rgba[..., 3]
    hidden, shown = (picture.held_out > 0.9) & (alpha == 0), alpha > 0.6
    assert hidden.sum() > 20
    assert shown.sum() > 20
    np.testing.assert_array_equal(planes["Held Out"], picture.held_out)
    for name in ("Position", "Normal", "Vector", "Object Index", "Alpha Head", "CryptoObject00"):
        assert np.abs(planes[name][hidden]).max() <= ALPHA_THRESHOLD, name
        assert np.abs(planes[name][shown]).reshape(shown.sum(), -1).max(1).min() > 0, name
    assert (planes["Depth"][hidden] == NOTHING_HIT).all()
    assert (planes["Mist"][hidden] == 1).all()
    assert not planes["Alpha Hole"].any()
    assert (
        np.abs(planes["Alpha Head"] - alpha).mean() < 1e-3
    )  # heads that reach into each other are told apart by pixel
    assert (planes["Object Index"][shown] == 5).all()
    assert set(np.unique(planes["CryptoObject00"][..., 0])) == {0, np.float32(object_id("Head"))}


def test_viewports_are_sent_the_hole_too_and_a_file_s_digest_tells_it(head):
    frame = replace(FRAME, heads=(HOLE,))
    assert render_packed(shot_of(frame), [head]).pixels.size == 0
    both, alone = (
        render_packed(shot_of(one), [head]).pixels[..., 1] // 65536 for one in (FRAME, replace(FRAME, heads=(BEHIND,)))
    )
    assert 0 < both.sum() < 0.9 * alone.sum()
    whole = replace(FRAME, heads=(BEHIND, replace(HOLE, holdout=False)))
    digests = {frame_digest(shot_of(one), one, ["a"], FORMATS["png"]) for one in (FRAME, whole)}
    assert len(digests) == 2
