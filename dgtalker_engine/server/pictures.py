"""One frame of a Shot to a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..avatar import Avatar
from ..gaussians import render
from ..gaussians.camera import Camera
from ..gaussians.colour import to_scene_linear
from ..gaussians.transform import merged, placed
from ..wire import Shot, ShotFrame

NOTHING_HIT = 1e10
"""Depth where no head is, metres."""


def render_frame(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> tuple[np.ndarray, np.ndarray]:
    """Poses and places every head of a frame and renders them together.

    Args:
        shot: the frame's shot.
        frame: one of its frames.
        avatars: in the order of `shot.avatars`.

    Returns:
        Premultiplied scene-linear Rec.709 RGBA float32 (H, W, 4), top row first, of the shot's region, and planar depth
        float32 (H, W) in metres, `NOTHING_HIT` where no head is.
    """
    camera = Camera(
        np.reshape(frame.camera.K, (3, 3)),
        np.reshape(frame.camera.world_to_camera, (4, 4)),
        shot.width,
        shot.height,
        frame.camera.orthographic,
        frame.camera.near,
        frame.camera.far,
    )
    clouds = [
        placed(
            avatars[head.avatar].pose(avatars[head.avatar].rig.weights(head.weights)),
            np.reshape(head.matrix, (4, 4)),
            camera,
        )
        for head in frame.heads
    ]
    if clouds:
        image = render(merged(clouds), camera, region=shot.region)
        rgba, depth = to_scene_linear(image.rgb, image.alpha), image.depth
    else:
        width, height = shot.region[2:] if shot.region else (shot.width, shot.height)
        rgba, depth = np.zeros((height, width, 4), np.float32), np.full((height, width), NOTHING_HIT, np.float32)
    if shot.background is not None:
        rgba[..., :3] += (1.0 - rgba[..., 3:]) * np.array(shot.background, np.float32)
        rgba[..., 3] = 1.0
    return rgba, depth
