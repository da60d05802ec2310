"""What each pixel of a frame shows: regions of the face model's posed mesh, and the head within the person's matte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..gaussians import Camera
from . import packages
from .face_model import FaceModel, Region
from .mesh_raster import Raster, rasterize

MOUTH_LANDMARKS = (61, 291, 0, 17, 13, 14)
MOUTH_MARGIN = 0.043
"""Of the picture's side, around those landmarks: where a mouth is."""

NOTHING = 255
"""The label of pixels that show nothing of the mesh."""

PERSON = 110
"""Of 255, from which on the matte counts as the person."""

_BELOW = 0.012  # of the picture's side: the head reaches so far below the mesh's jaw
_NOSE = (168, 2)  # landmarks of its bridge and its base, which speech does not move
_SIDE_LEVEL = 0.65  # of the nose's length below its base
_HALF_HEAD = 0.08  # metres
_SPECK = 0.014  # of the side: bits of the matte thinner than this are no part of the head


@dataclass(frozen=True)
class FrameRegions:
    """A frame, labelled.

    Attributes:
        labels: `Region` of the mesh, uint8 (H, W); `NOTHING` beside it, and where the matte says that it is no person.
        head: hair included, without the neck, bool (H, W).
        raster: of the whole mesh.
    """

    labels: np.ndarray
    head: np.ndarray
    raster: Raster


def frame_regions(face_model: FaceModel, vertices: np.ndarray, camera: Camera, matte: np.ndarray) -> FrameRegions:
    """Labels a frame.

    Args:
        vertices: the posed mesh in head space, metres (V, 3).
        camera: `Clip.camera` of the frame.
        matte: the person's, uint8 (H, W) of the camera's size, 255 where the person is.
    """
    pixels, depths = project(camera, vertices)
    raster = rasterize(pixels, depths, face_model.faces.cpu().numpy(), camera.height, camera.width)
    labels = np.full(raster.triangles.shape, NOTHING, np.uint8)
    seen = raster.triangles >= 0
    labels[seen] = face_model.regions.cpu().numpy()[raster.triangles[seen]]
    person = matte >= PERSON
    cut = _cut(labels, _side_level(face_model, vertices, camera))
    head = person & (np.arange(camera.height)[:, None] < cut[None])
    labels[~person] = NOTHING
    return FrameRegions(labels, _largest(head), raster)


def project(camera: Camera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in the world (…, 3) → pixels (…, 2) and planar depths, metres (…)."""
    turn, move = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
    there = points @ turn.T + move
    focal, middle = np.diagonal(camera.K)[:2], camera.K[:2, 2]
    return there[..., :2] / there[..., 2:] * focal + middle, there[..., 2]


def _cut(labels: np.ndarray, level: np.ndarray) -> np.ndarray:
    """For each column the row under which there is no head (W,): below the jaw, and beside it at a level (W,)."""
    height = len(labels)
    face = (labels != NOTHING) & (labels != Region.NECK) & (labels != Region.SCALP)
    lowest = np.where(face.any(axis=0), height - 1 - face[::-1].argmax(axis=0), -np.inf)
    return np.maximum(lowest, level) + 1 + _BELOW * height / 2


def _side_level(face_model: FaceModel, vertices: np.ndarray, camera: Camera) -> np.ndarray:
    """For each column the row to which hair that falls beside the face is kept (W,).

    It is a line across the head, between the mouth and the chin, that turns and moves with the head and stays where it
    is when the mouth opens: hair ends at the same place in all frames.
    """
    points = face_model.landmarks(torch.from_numpy(vertices))[list(_NOSE)].numpy().astype(np.float64)
    bridge, base = points[:, 2]
    sides = np.array([[-1.0, 0, 0], [1.0, 0, 0]]) * _HALF_HEAD
    sides[:, 2] = base - _SIDE_LEVEL * (bridge - base)
    (left, right), _ = project(camera, sides)
    columns = np.arange(camera.width) + 0.5
    return left[1] + (columns - left[0]) * (right[1] - left[1]) / (right[0] - left[0])


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest part of a mask that hangs together, without specks and spikes."""
    cv2 = packages.load("cv2")
    side = max(3, round(_SPECK * mask.shape[0]))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return np.zeros(mask.shape, bool)
    return parts == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())
