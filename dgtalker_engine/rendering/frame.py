"""Frames of a Shot to pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..avatar import Avatar
from ..gaussians import Camera, Gaussians, render_scene_linear
from ..gaussians.placement import placement_of
from ..gaussians.transform import merged, placed
from ..wire import Shot, ShotFrame
from .carrying import carried_by_mesh

Picture = tuple[np.ndarray, np.ndarray]
"""Premultiplied scene-linear Rec.709 RGBA float32 (H, W, 4), top row first, and planar depth float32 (H, W) in metres,
1e10 where no head is."""


def render_frame(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> Picture:
    """Poses and places every head of a frame and renders them together.

    Args:
        shot: the frame's shot.
        frame: one of its frames.
        avatars: in the order of `shot.avatars`.

    Returns:
        The picture of the shot's region.
    """
    (picture,) = draw(shot, [pose(shot, frame, avatars)])
    return picture


@torch.no_grad()
def pose(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> tuple[Gaussians, Camera]:
    """The first half of `render_frame`: the heads of a frame in the world, and what sees them.

    The cloud lies where the avatars pose: on a GPU where one of them does.
    """
    camera = Camera(
        K=np.reshape(frame.camera.K, (3, 3)),
        world_to_camera=np.reshape(frame.camera.world_to_camera, (4, 4)),
        width=shot.width,
        height=shot.height,
        orthographic=frame.camera.orthographic,
        near=frame.camera.near,
        far=frame.camera.far,
    )
    clouds: list[Gaussians] = []
    for head in frame.heads:
        avatar = avatars[head.avatar]
        weights, matrix = avatar.rig.weights(head.weights), np.reshape(head.matrix, (4, 4))
        gaussians = avatar.pose(weights)
        if head.vertices:
            gaussians = carried_by_mesh(gaussians, avatar, weights, head.vertices, placement_of(matrix, camera))
        clouds.append(placed(gaussians, matrix, camera))
    return merged(_on_one_device(clouds)), camera


def _on_one_device(clouds: Sequence[Gaussians]) -> Sequence[Gaussians]:
    """The clouds on the first device that is not the processor, where there is one."""
    device = next((cloud.means.device for cloud in clouds if cloud.means.device.type != "cpu"), None)
    if device is None:
        return clouds
    return [cloud.map(lambda tensor: tensor.to(device)) for cloud in clouds]


@torch.no_grad()
def draw(shot: Shot, posed: Sequence[tuple[Gaussians, Camera]]) -> list[Picture]:
    """The second half of `render_frame`, for several frames: a GPU draws them at once."""
    clouds, cameras = [cloud for cloud, _ in posed], [camera for _, camera in posed]
    pictures = render_scene_linear(clouds, cameras, region=shot.region)
    if shot.background is not None:
        behind = np.array(shot.background, np.float32)
        for rgba, _depth in pictures:
            rgba[..., :3] += (1.0 - rgba[..., 3:]) * behind
            rgba[..., 3] = 1.0
    return pictures
