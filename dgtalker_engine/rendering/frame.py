"""Frames of a Shot to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..avatar import Avatar
from ..gaussians import Camera, Gaussians, render_scene_linear
from ..gaussians.constants import NOTHING_HIT
from ..gaussians.placement import placement_of
from ..gaussians.transform import merged, placed
from ..wire import Shot, ShotFrame
from .carrying import carried_by_mesh
from .occlusion import hidden_part

Picture = tuple[np.ndarray, np.ndarray]
"""Premultiplied scene-linear Rec.709 RGBA float32 (H, W, 4), top row first, and planar depth float32 (H, W) in metres,
1e10 where no head is."""


class SeenPicture(NamedTuple):
    """A `Picture` of heads, and what hides them.

    Attributes:
        rgba, depth: of what is left to be seen.
        hidden: float32 (H, W), the part of each pixel that a mesh hides of the heads; 0 where no head is.
    """

    rgba: np.ndarray
    depth: np.ndarray
    hidden: np.ndarray


def render_frame(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> Picture:
    """Poses and places every head of a frame and renders them together.

    Args:
        shot: the frame's shot.
        frame: one of its frames.
        avatars: in the order of `shot.avatars`.

    Returns:
        The picture of the shot's region.
    """
    rgba, depth, _hidden = render_seen(shot, frame, avatars)
    return rgba, depth


def render_seen(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar]) -> SeenPicture:
    """`render_frame`, with what meshes hide."""
    (picture,) = draw(shot, [frame], [pose(shot, frame, avatars)])
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
def draw(shot: Shot, frames: Sequence[ShotFrame], posed: Sequence[tuple[Gaussians, Camera]]) -> list[SeenPicture]:
    """The second half of `render_frame`, for several frames: a GPU draws them at once."""
    clouds, cameras = [cloud for cloud, _ in posed], [camera for _, camera in posed]
    pictures: list[SeenPicture] = []
    drawn = render_scene_linear(clouds, cameras, region=shot.region)
    for frame, camera, (rgba, depth) in zip(frames, cameras, drawn, strict=True):
        hidden = np.zeros(depth.shape, np.float32)
        if frame.occluders:
            occluders = np.frombuffer(frame.occluders, "<f4").reshape(-1, 3, 3)
            solids = np.frombuffer(frame.solids, "<f4").reshape(-1, 3, 3)
            region = shot.region or (0, 0, shot.width, shot.height)
            hidden = hidden_part(occluders, solids, camera, depth, region, shot.filter_width)
            rgba *= (1 - hidden)[..., None]
            depth[hidden == 1] = NOTHING_HIT
        if shot.background is not None:
            rgba[..., :3] += (1.0 - rgba[..., 3:]) * np.array(shot.background, np.float32)
            rgba[..., 3] = 1.0
        pictures.append(SeenPicture(rgba, depth, hidden))
    return pictures
