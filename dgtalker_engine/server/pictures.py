"""One frame of a Shot to a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..avatar import Avatar
from ..gaussians import Camera, render
from ..gaussians.colour import to_scene_linear
from ..gaussians.transform import merged, placed
from ..wire import Shot, ShotFrame


def render_frame(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> tuple[np.ndarray, np.ndarray]:
    """Poses and places every head of a frame and renders them together.

    Args:
        shot: the frame's shot.
        frame: one of its frames.
        avatars: in the order of `shot.avatars`.

    Returns:
        Premultiplied scene-linear Rec.709 RGBA float32 (H, W, 4), top row first, of the shot's region, and planar depth
        float32 (H, W) in metres, 1e10 where no head is.
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
    clouds = []
    for head in frame.heads:
        avatar = avatars[head.avatar]
        gaussians = avatar.pose(avatar.rig.weights(head.weights))
        clouds.append(placed(gaussians, np.reshape(head.matrix, (4, 4)), camera))
    image = render(merged(clouds), camera, region=shot.region)
    rgba = to_scene_linear(image.rgb, image.alpha)
    if shot.background is not None:
        rgba[..., :3] += (1.0 - rgba[..., 3:]) * np.array(shot.background, np.float32)
        rgba[..., 3] = 1.0
    return rgba, image.depth
