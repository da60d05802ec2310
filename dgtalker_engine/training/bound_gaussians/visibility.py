"""How much frames show of each Gaussian, and of the surface around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import KDTree
from torch import Tensor

from ...capture.face_model import Region
from ..clip_frames import ClipFrames
from ..coverage import coverage
from .model import BoundHead

FRAMES = 8
"""How many training frames are looked at, spread over the clip."""
_NEIGHBOURS = 12


@torch.no_grad()
def shown(model: BoundHead, frames: ClipFrames, index: int) -> tuple[Tensor, Tensor]:
    """What is seen of each Gaussian in a frame: its area across the view, m² (N,), and the depth, metres (h, w).

    Half the frame's size.
    """
    cloud = model.pose_on(frames.vertices(index), frames.expression(index), frames.joint_pose(index))
    camera = frames.camera(index, 2)
    pixels, image = coverage(cloud, camera)
    pose = torch.as_tensor(camera.world_to_camera, dtype=torch.float32)
    depth = cloud.means @ pose[2, :3] + pose[2, 3]
    return pixels * (depth / float(camera.K[0, 0])).square(), image.depth.detach()


@torch.no_grad()
def turned_to(model: BoundHead, frames: ClipFrames, index: int) -> Tensor:
    """The cosine between each Gaussian's triangle and a frame's view (N,); 1: straight before the camera."""
    triangles = model.triangle_frames(frames.vertices(index))
    pose = torch.as_tensor(frames.camera(index).world_to_camera, dtype=torch.float32)
    towards = F.normalize(-pose[:3, :3].T @ pose[:3, 3] - triangles.corners.mean(dim=1), dim=1)
    return (triangles.rotations[:, :, 1] * towards).sum(dim=1)[model.triangles]


def neighbours(points: np.ndarray, regions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest 12 of each of N points (N, 12), hair's among hair and skin's among skin, and how far they are."""
    count = min(_NEIGHBOURS, len(points) - 1)
    near, distance = np.zeros((len(points), count), np.int64), np.ones((len(points), count), np.float32)
    hair = regions == Region.SCALP
    for rows in (np.flatnonzero(hair), np.flatnonzero(~hair)):
        if len(rows) > count:
            found, which = KDTree(points[rows]).query(points[rows], k=count + 1)
            near[rows], distance[rows] = rows[np.asarray(which)[:, 1:]], found[:, 1:]
    return near, distance


def surface_shown(areas: Sequence[Tensor], near: np.ndarray, distance: np.ndarray) -> Tensor:
    """Which share of the surface around each Gaussian the best frame shows (N,); 1: straight before the camera.

    Args:
        areas: of all Gaussians that frames show, m² (N,).
        near, distance: of `neighbours`.
    """
    patch = np.pi * torch.from_numpy(distance)[:, -1].square()
    return torch.stack([(area + area[torch.from_numpy(near)].sum(dim=1)) / patch for area in areas]).amax(dim=0)
