"""A performance to a shot: one avatar that speaks, seen from the front."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ..avatar import Avatar
from ..performance import Performance
from ..performance.neck import NECK_NAMES, over_neck
from ..rig import HEAD_NAMES
from ..wire import Shot, ShotCamera, ShotFrame, ShotHead

_FOCAL_LENGTHS = 2.4
"""Focal length of the camera in picture heights: a portrait lens (85 mm on a film of 36 mm)."""
_MARGIN = 1.2


def talking_shot(avatar: Avatar, name: str, performance: Performance, size: int) -> Shot:
    """A square picture of one avatar from the front for every frame of a performance.

    A head that can turn over its neck does, as far as its controls go, and its shoulders stay.
    """
    if set(NECK_NAMES) <= set(avatar.rig.names):
        performance = over_neck(performance)
    camera = front_camera(avatar, size)
    matrices = head_matrices(performance)
    frames = tuple(
        ShotFrame(i + 1, camera, (ShotHead(0, tuple(matrix.ravel().tolist()), _weights(performance, i)),))
        for i, matrix in enumerate(matrices)
    )
    return Shot(width=size, height=size, avatars=(name,), frames=frames)


def front_camera(avatar: Avatar, size: int) -> ShotCamera:
    """Looks along +Y at the middle of the avatar's proxy mesh, so that all of it is in the picture."""
    vertices = avatar.proxy.vertices
    low, high = vertices.min(axis=0).astype(float), vertices.max(axis=0).astype(float)
    middle, extent = (low + high) / 2, high - low
    distance = max(extent[0], extent[2]) * _MARGIN * _FOCAL_LENGTHS
    focal, centre = size * _FOCAL_LENGTHS, size / 2
    K = (focal, 0.0, centre, 0.0, focal, centre, 0.0, 0.0, 1.0)
    to_camera = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    position = np.array([middle[0], low[1] - distance, middle[2]])
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = to_camera
    world_to_camera[:3, 3] = -to_camera @ position
    return ShotCamera(K=K, world_to_camera=tuple(world_to_camera.ravel().tolist()))


def head_matrices(performance: Performance) -> np.ndarray:
    """Head space to world of every frame, (frames, 4, 4): `rig.HEAD_NAMES` says how a performance turns the head."""
    yaw, pitch, roll = (performance.curve(name) for name in HEAD_NAMES)
    matrices = np.tile(np.eye(4), (performance.frames, 1, 1))
    matrices[:, :3, :3] = Rotation.from_euler("xyz", np.stack([pitch, roll, yaw], axis=1)).as_matrix()
    return matrices


def _weights(performance: Performance, frame: int) -> dict[str, float]:
    values = zip(performance.names, performance.weights[frame].tolist(), strict=True)
    return {name: value for name, value in values if name not in HEAD_NAMES}
