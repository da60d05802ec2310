"""Open shutters and wide apertures: beside pictures that are rendered one by one, and beside what a lens does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_avatars import linear_head

from dgtalker_engine.gaussians import Camera
from dgtalker_engine.gaussians.constants import NOTHING_HIT
from dgtalker_engine.rendering import lens as lenses
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.frame import render_frame, render_seen
from dgtalker_engine.rendering.frame_digest import frame_digest
from dgtalker_engine.rendering.sequence import render_sequence
from dgtalker_engine.wire import Shot, ShotCamera, ShotFrame, ShotHead, ShotLens, ShotSubframe
from dgtalker_engine.wire.provenance import xmp

SIZE, FOCAL, AWAY = 96, 300.0, 2.0
EYE = (1.0, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, AWAY, 0, 0, 0, 1)
CAMERA = ShotCamera(K=(FOCAL, 0, SIZE / 2, 0, FOCAL, SIZE / 2, 0, 0, 1), world_to_camera=EYE)
PARALLEL = replace(CAMERA, K=(FOCAL / AWAY, 0, SIZE / 2, 0, FOCAL / AWAY, SIZE / 2, 0, 0, 1), orthographic=True)


@pytest.fixture(scope="module")
def head():
    return linear_head()


def at(x=0.0, y=0.0, z=0.0, size=0.3):
    matrix = np.diag([size, size, size, 1.0])
    matrix[:3, 3] = x, y, z
    return ShotHead(0, tuple(matrix.ravel().tolist()), {})


def shot_of(frame):
    return Shot(width=SIZE, height=SIZE, avatars=("a",), frames=(frame,))


def rendered(head, frame):
    return render_frame(shot_of(frame), frame, [head])


def spread(alpha):
    """Variance of where alpha lies across and down, square pixels."""
    weights = alpha / alpha.sum()
    places = np.arange(SIZE) + 0.5
    return [float(sums @ places**2 - (sums @ places) ** 2) for sums in (weights.sum(0), weights.sum(1))]


def test_sub_frames_are_averaged_in_linear_light_and_depth_by_what_is_seen(head):
    wall = np.array([[[0, -1, -1], [1, -1, -1], [0, -1, 1]]], "<f4").tobytes()
    moments = [
        ShotSubframe(CAMERA, (at(-0.05, 0.1),)),
        ShotSubframe(CAMERA, (at(0.05, -0.2),), occluders=b""),
        ShotSubframe(replace(CAMERA, world_to_camera=(*EYE[:3], 0.04, *EYE[4:])), (at(0.02),)),
    ]
    frame = ShotFrame(1, CAMERA, (at(),), occluders=wall, subframes=tuple(moments))
    shot = shot_of(frame)
    rgba, depth, hidden, _ = render_seen(shot, frame, [head])
    covers = (wall, b"", wall)
    one_by_one = [
        render_seen(shot, ShotFrame(1, each.camera, each.heads, occluders), [head])
        for each, occluders in zip(moments, covers, strict=True)
    ]
    np.testing.assert_allclose(rgba, np.mean([each.rgba for each in one_by_one], 0), atol=1e-6)
    alphas = np.stack([each.rgba[..., 3] for each in one_by_one])
    far = np.stack([np.where(each.depth < NOTHING_HIT, each.depth, 0) for each in one_by_one])
    seen = rgba[..., 3] > 1e-3
    np.testing.assert_allclose(depth[seen], (alphas * far).sum(0)[seen] / alphas.sum(0)[seen], rtol=1e-4)
    assert (depth[alphas.sum(0) == 0] == np.float32(NOTHING_HIT)).all()
    whole = [render_frame(shot, ShotFrame(1, each.camera, each.heads), [head])[0][..., 3] for each in moments]
    parts = np.stack([each.hidden for each in one_by_one])
    expected = (np.stack(whole) * parts).sum(0) / np.maximum(np.sum(whole, 0), 1e-6)
    np.testing.assert_allclose(hidden, expected, atol=1e-4)
    assert hidden.max() > 0.3


@pytest.mark.parametrize("camera", [CAMERA, PARALLEL])
@pytest.mark.parametrize("place", [-0.5, 0.8])
def test_a_lens_spreads_what_is_out_of_focus_as_far_as_its_circle_of_confusion(head, camera, place):
    """A disk of diameter d adds d²/16 to the variance of where something is."""
    sharp, _ = rendered(head, ShotFrame(1, camera, (at(y=place, size=0.1),)))
    lens = ShotLens(radius=0.05, focus=AWAY, ratio=2.0)
    blurred, _ = rendered(head, ShotFrame(1, replace(camera, lens=lens), (at(y=place, size=0.1),)))
    depth = np.array([AWAY + place])
    view = Camera(
        K=np.reshape(camera.K, (3, 3)), world_to_camera=np.eye(4), width=8, height=8, orthographic=camera.orthographic
    )
    (expected,) = lenses.circles_of_confusion(lens, view, depth)
    pixels = FOCAL / AWAY * place if camera.orthographic else FOCAL * place / (AWAY + place)
    np.testing.assert_allclose(expected, 0.1 / AWAY * abs(pixels) * np.array([0.5, 1]))
    more = np.array(spread(blurred[..., 3])) - spread(sharp[..., 3])
    np.testing.assert_allclose(4 * np.sqrt(more), expected, rtol=0.05)
    np.testing.assert_allclose(blurred.sum((0, 1)), sharp.sum((0, 1)), rtol=0.1)


def test_what_is_in_focus_is_sharp(head):
    sharp = rendered(head, ShotFrame(1, CAMERA, (at(size=0.01),)))
    through = rendered(head, ShotFrame(1, replace(CAMERA, lens=ShotLens(radius=0.02, focus=AWAY)), (at(size=0.01),)))
    for ours, theirs in zip(through, sharp, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize(("blades", "corners"), [(0, None), (3, 3), (6, 6)])
def test_the_points_of_an_aperture_fill_its_polygon_evenly(blades, corners):
    rotation = 0.3
    lens = ShotLens(radius=2.0, focus=1.0, blades=blades, rotation=rotation)
    points = lenses.aperture_points(lens, 7, 4096) * [1, -1] / 2.0
    assert np.linalg.norm(points, axis=1).max() <= 1 + 1e-9
    assert np.abs(points.mean(0)).max() < 0.01
    if corners is None:
        assert abs((points**2).mean() - 0.25) < 0.01
        return
    # Every side is half of a corner's angle away, as far from the middle as cos(π / n).
    angles = rotation + 2 * np.pi / corners * np.arange(corners)
    sides = points @ np.stack([np.cos(angles), np.sin(angles)])
    assert sides.max() <= np.cos(np.pi / corners) + 1e-9
    np.testing.assert_allclose(sides.max(0), np.cos(np.pi / corners), atol=0.02)


def test_time_and_aperture_together_spread_by_both_and_cost_no_more_than_the_larger(head):
    x = np.linspace(-0.05, 0.05, 20)
    lens = ShotLens(radius=0.05, focus=AWAY)
    told = []
    for camera, xs in (
        (CAMERA, [0.0]),
        (replace(CAMERA, lens=lens), [0.0]),
        (CAMERA, x),
        (replace(CAMERA, lens=lens), x),
    ):
        moments = tuple(ShotSubframe(camera, (at(each, 0.6, size=0.1),)) for each in xs)
        frame = ShotFrame(1, camera, (at(y=0.6, size=0.1),), subframes=moments)
        parts = []
        rgba, *_ = render_seen(shot_of(frame), frame, [head], parts.append)
        told.append((spread(rgba[..., 3])[0], len(parts)))
        assert parts == sorted(parts)
        assert parts[-1] < 1
    (sharp, _), (open_, points), (moved, moments), (both, draws) = told
    assert both - sharp == pytest.approx((open_ - sharp) + (moved - sharp), rel=0.1)
    assert moments == 20
    assert draws <= 20 * -(-points // 20)


def test_a_region_of_a_blurred_picture_is_the_same_part_of_it(head):
    camera = replace(CAMERA, lens=ShotLens(radius=0.05, focus=AWAY))
    moments = tuple(ShotSubframe(camera, (at(x, 0.6),)) for x in (-0.05, 0.0, 0.05))
    frame = ShotFrame(1, camera, (at(),), subframes=moments)
    shot = shot_of(frame)
    whole, part = (render_seen(replace(shot, region=r), frame, [head]) for r in (None, (30, 20, 40, 50)))
    for large, small in zip(whole, part, strict=True):
        np.testing.assert_array_equal(small, large[20:70, 30:70])


def test_it_ends_at_once_where_somebody_has_enough(head):
    frame = ShotFrame(1, replace(CAMERA, lens=ShotLens(radius=0.05, focus=1.0)), (at(),))

    def enough(done):
        if done > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_seen(shot_of(frame), frame, [head], enough)


def test_a_sequence_holds_blurred_frames_as_they_are_alone(head, tmp_path):
    moments = tuple(ShotSubframe(CAMERA, (at(x),)) for x in (-0.05, 0.05))
    frames = (ShotFrame(1, CAMERA, (at(),), subframes=moments), ShotFrame(2, CAMERA, (at(),)))
    shot = replace(shot_of(frames[0]), frames=frames, background=(0.1, 0.2, 0.3))
    files = render_sequence(shot, [head], tmp_path, lambda done, text: None).files
    for file, frame in zip(files, frames, strict=True):
        kind = FORMATS["png"]
        avatars = [head.metadata.hash]
        digest = frame_digest(shot, frame, avatars, kind)
        alone = kind.encode(*render_frame(shot, frame, [head]), xmp(avatars), digest)
        assert file.read_bytes() == bytes(alone)
