"""How what is seen moves across the picture: from the frame before, and to the frame after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..avatar import Avatar
from ..errors import DGTalkerError
from ..gaussians.lighting import coloured
from ..kernels import srgb
from ..wire import Shot, ShotFrame
from .exposure import Moment
from .frame import draw, pose_moment

_FARTHEST = 1e5
"""Pixels: what goes behind the camera goes no farther."""
_LEAST = 1e-6


def vectors(shot: Shot, frame: ShotFrame, avatars: Sequence[Avatar], tick: Callable[[float], None]) -> np.ndarray:
    """Blender's pass Vector, float32 (H, W, 4), pixels to the right and up; 0 where no head is.

    From where the place that is seen is to where it was one frame before, and from where it will be one frame later to
    where it is.

    The frame itself is sharp: its shutter and its aperture are left out.

    Args:
        shot: the frame's.
        frame: has `neighbours`, or no heads.
        avatars: in the order of `shot.avatars`.
        tick: is told which part is done; what it raises ends the work.

    Raises:
        DGTalkerError: the frame has heads and no neighbours.
    """
    if not frame.heads:
        _x, _y, width, height = shot.region or (0, 0, shot.width, shot.height)
        return np.zeros((height, width, 4), np.float32)
    if not frame.neighbours:
        raise DGTalkerError(f"It is not told how frame {frame.number} was before it, and is after it.")
    bare = replace(shot, frames=(), passes=(), background=None)
    sharp = replace(frame, subframes=(), camera=replace(frame.camera, lens=None))
    now = pose_moment(bare, sharp, sharp, avatars)
    here = _places(now)
    found: list[np.ndarray] = []
    for i, (sign, neighbour) in enumerate(zip((1, -1), frame.neighbours, strict=True)):
        motion = sign * (_places(pose_moment(bare, sharp, neighbour, avatars)) - here)
        scale = max(float(np.abs(motion).max(initial=0.0)), _LEAST)
        colours = np.concatenate([1 + motion / scale, np.ones((len(motion), 1))], axis=1) / 2
        moment = replace(now, cloud=coloured(now.cloud, colours))
        (picture,) = draw(bare, [sharp], [[moment]])
        alpha = picture.rgba[..., 3:]
        shown = srgb.encode(picture.rgba[..., :2] / np.where(alpha > 0, alpha, 1))
        found.append(np.where(alpha > 0, scale * (2 * shown - 1), 0))
        tick((i + 1) / len(frame.neighbours))
    return np.concatenate(found, axis=-1).astype(np.float32)


def _places(moment: Moment) -> np.ndarray:
    """Where Gaussians (N, 2) are in the picture, pixels to the right and up."""
    camera, matrix = moment.camera, np.asarray(moment.camera.world_to_camera, np.float64)
    points = moment.cloud.means.detach().cpu().numpy().astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    scale = 1.0 if camera.orthographic else 1 / np.maximum(points[:, 2:], camera.near)
    K = np.asarray(camera.K, np.float64)
    return np.clip(points[:, :2] * scale * K[[0, 1], [0, 1]] * (1, -1), -_FARTHEST, _FARTHEST) + K[:2, 2] * (1, -1)
