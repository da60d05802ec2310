"""Pictures that show what was tracked: landmarks, the fitted mesh and the mattes over a clip's frames."""

from __future__ import annotations

import numpy as np
import torch

from . import packages, pictures
from .clip import Clip
from .face_model import FaceModel
from .progress import Progress
from .regions import frame_regions, project

_AT_ONCE = 32
_GREEN, _BLUE = (40, 220, 40), (90, 160, 255)


def mesh(clip: Clip, model: FaceModel, frames: np.ndarray) -> torch.Tensor:
    """The fitted meshes of frames in head space, metres, float32 (n, V, 3)."""
    tracks = clip.tracks
    with torch.no_grad():
        return model.vertices(
            torch.as_tensor(tracks.identity),
            torch.as_tensor(tracks.expression[frames]),
            torch.as_tensor(tracks.pose[frames]),
        )


def reprojection_errors(clip: Clip, model: FaceModel, frames: np.ndarray, progress: Progress) -> np.ndarray:
    """How far landmarks lie beside those of the fitted face: the mean of each of the frames (n,), pixels (n,)."""
    tracks = clip.tracks
    errors = np.empty(len(frames))
    for first in range(0, len(frames), _AT_ONCE):
        progress(first / len(frames), "Measuring the fit")
        some = frames[first : first + _AT_ONCE]
        points = model.landmarks(mesh(clip, model, some)).numpy() + tracks.landmark_offsets
        for row, (frame, on_face) in enumerate(zip(some, points, strict=True), first):
            pixels, _ = project(clip.camera(int(frame)), on_face)
            errors[row] = np.nanmean(np.linalg.norm(pixels - tracks.landmarks[frame, :, :2], axis=1))
    return errors


def draw(clip: Clip, model: FaceModel, index: int, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A frame three times: its landmarks, the fitted face, the person and the head cut out; uint8 (side, side, 3)."""
    cv2 = packages.load("cv2")
    frame = pictures.resize(clip.frame(index), side)
    matte = pictures.resize(clip.mask(index), side)
    scale = side / clip.info.size
    landmarks = frame.copy()
    for x, y in clip.tracks.landmarks[index, :, :2] * scale:
        cv2.circle(landmarks, (round(8 * float(x)), round(8 * float(y))), 8, _GREEN, -1, cv2.LINE_AA, 3)
    camera = clip.camera(index, scale)
    vertices = mesh(clip, model, np.array([index]))[0].numpy()
    regions = frame_regions(model, vertices, camera, matte)
    shaded = _shaded(vertices, model.faces.numpy(), regions.raster.triangles, camera.world_to_camera)
    seen = (regions.raster.triangles >= 0)[..., None]
    face = np.where(seen, 0.35 * frame + 0.65 * shaded, frame).astype(np.uint8)
    light = 0.15 + 0.35 * (matte[..., None] / 255) + 0.5 * regions.head[..., None]
    return landmarks, face, (frame * light).astype(np.uint8)


def _shaded(vertices: np.ndarray, faces: np.ndarray, triangles: np.ndarray, head_to_camera: np.ndarray) -> np.ndarray:
    """The triangles at each pixel (H, W), lit from the camera: (H, W, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    towards = np.abs(normals @ head_to_camera[2, :3])
    return (0.25 + 0.75 * towards[triangles])[..., None] * np.array(_BLUE)
