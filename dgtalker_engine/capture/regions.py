"""What each pixel of a frame shows: regions of the face model's posed mesh, and the head within the person's matte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    head = person & (np.arange(camera.height)[:, None] < _cut(labels)[None])
    labels[~person] = NOTHING
    return FrameRegions(labels, _largest(head), raster)


def project(camera: Camera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in the world (…, 3) → pixels (…, 2) and planar depths, metres (…)."""
    turn, move = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
    there = points @ turn.T + move
    focal, middle = np.diagonal(camera.K)[:2], camera.K[:2, 2]
    return there[..., :2] / there[..., 2:] * focal + middle, there[..., 2]


def _cut(labels: np.ndarray) -> np.ndarray:
    """For each column the row under which there is no head (W,): below the jaw, and beside it at the jaw's corners."""
    height, width = labels.shape
    face = (labels != NOTHING) & (labels != Region.NECK) & (labels != Region.SCALP)
    columns = np.flatnonzero(face.any(axis=0))
    if len(columns) == 0:
        return np.full(width, height)
    lowest = height - 1 - face[::-1, columns].argmax(axis=0)
    chin, middle = lowest.max(), len(columns) // 2
    cut = np.empty(width)
    # Towards the ears the face's edge rises; hair that falls beside it is kept as far as the jaw's corner.
    for side in (slice(None, middle), slice(middle, None)):
        edge = lowest[side][0] if side.start is None else lowest[side][-1]
        lowest[side] = np.maximum(lowest[side], edge + 0.45 * (chin - edge))
    cut[columns] = lowest
    cut[: columns[0]], cut[columns[-1] + 1 :] = lowest[0], lowest[-1]
    gaps = np.setdiff1d(np.arange(columns[0], columns[-1] + 1), columns)
    cut[gaps] = np.interp(gaps, columns, lowest)
    return cut + 1 + _BELOW * height / 2


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest part of a mask that hangs together, without specks and spikes."""
    cv2 = packages.load("cv2")
    side = max(3, round(_SPECK * mask.shape[0]))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return np.zeros(mask.shape, bool)
    return parts == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())
