"""Heads in the world as a cloud for other programs: seen from anywhere, it looks as they do."""

from __future__ import annotations

import numpy as np
import pytest
from made_avatars import linear_head

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Camera, render_scene_linear
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.world_cloud import world_cloud
from dgtalker_engine.wire import Shot, ShotCamera, ShotFrame, ShotHead

FRONT = (1.0, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 1.2, 0, 0, 0, 1)
SIDE = (0.0, -1, 0, 0, 0, 0, -1, 0, 1, 0, 0, 1.2, 0, 0, 0, 1)
TURNED = (0.0, -1.3, 0, 0.05, 1.3, 0, 0, 0, 0, 0, 1.3, -0.02, 0, 0, 0, 1)
STRETCHED = (1.0, 0, 0, -0.05, 0, 1.2, 0, 0, 0, 0, 0.7, 0, 0, 0, 0, 1)


def shot_of(heads, view):
    camera = ShotCamera(K=(60.0, 0, 24, 0, 60, 24, 0, 0, 1), world_to_camera=view)
    return Shot(width=48, height=48, avatars=("x",), frames=(ShotFrame(1, camera, tuple(heads)),))


@pytest.mark.parametrize("view", [FRONT, SIDE])
def test_it_looks_like_the_heads_from_every_side(view):
    head = linear_head()
    posed = ShotHead(0, TURNED, {"jawOpen": 0.6, "headTurn": 0.4})
    shot = shot_of([posed, ShotHead(0, (*TURNED[:3], 0.2, *TURNED[4:]), {})], view)
    wanted, _ = render_frame(shot, shot.frames[0], [head])
    camera = Camera(
        K=np.reshape(shot.frames[0].camera.K, (3, 3)), world_to_camera=np.reshape(view, (4, 4)), width=48, height=48
    )
    ((rgba, _depth),) = render_scene_linear([world_cloud(shot.frames[0], [head])], [camera])
    assert wanted[..., 3].max() > 0.5
    assert np.abs(rgba - wanted).max() < 2e-3


def test_a_stretched_head_keeps_its_ellipsoids():
    head = linear_head()
    shot = shot_of([ShotHead(0, STRETCHED, {})], FRONT)
    cloud = world_cloud(shot.frames[0], [head])
    still = head.pose(head.rig.defaults)
    volumes = cloud.scales.prod(dim=1) / still.scales.prod(dim=1)
    assert np.allclose(volumes, 1.2 * 0.7, rtol=1e-3)


def test_no_head_is_a_message():
    with pytest.raises(DGTalkerError, match="no Gaussian head"):
        world_cloud(shot_of([], FRONT).frames[0], [])
