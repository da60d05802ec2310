"""Lips as they were tracked in a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .similarity import fit_similarity

# Landmarks of mediapipe's face mesh that speech hardly moves: forehead, bridge of the nose, corners of the eyes.
_RIGID = [10, 67, 109, 297, 338, 54, 284, 33, 133, 362, 263, 168, 6, 197, 195, 127, 356]
_EYES = (33, 263)
_LIPS = (13, 14)
_CORNERS = (61, 291)


@dataclass(frozen=True, kw_only=True)
class TrackedClip:
    """Lips and sound of a clip.

    Attributes:
        name: of the file.
        times: of the pictures, seconds from the sound's first sample (n,).
        opening: between the inner lips' middles, in distances between the eyes' outer corners (n,).
        width: between the corners of the mouth (n,), likewise.
        landmarks: the whole face, likewise, turned and moved as one (n, 478, 3).
        samples: mono float32 (m,).
        sample_rate: Hz.
    """

    name: str
    times: np.ndarray
    opening: np.ndarray
    width: np.ndarray
    landmarks: np.ndarray
    samples: np.ndarray
    sample_rate: int


def read(path: Path) -> TrackedClip:
    """A file of `landmarks.track`; pictures without a face are left out."""
    data = np.load(path)
    seen = np.isfinite(data["landmarks"]).all(axis=(1, 2))
    points = without_head_motion(data["landmarks"][seen].astype(np.float64))
    lips = points[:, _LIPS[1]] - points[:, _LIPS[0]]
    corners = points[:, _CORNERS[1]] - points[:, _CORNERS[0]]
    return TrackedClip(
        name=path.stem,
        times=data["times"][seen],
        opening=np.linalg.norm(lips, axis=1),
        width=np.linalg.norm(corners, axis=1),
        landmarks=points,
        samples=data["samples"],
        sample_rate=int(data["sample_rate"]),
    )


def without_head_motion(points: np.ndarray) -> np.ndarray:
    """Landmarks (n, 478, 3) turned, moved and scaled so that the still parts of the face lie over each other.

    The similarity of least squares (Umeyama 1991), onto the mean face, whose eyes are 1 apart.
    """
    if len(points) == 0:
        return points
    middle = points[len(points) // 2]
    target = middle / np.linalg.norm(middle[_EYES[0]] - middle[_EYES[1]])
    for _ in range(3):
        aligned = np.stack([_onto(face, target) for face in points])
        target = aligned.mean(axis=0)
        target /= np.linalg.norm(target[_EYES[0]] - target[_EYES[1]])
    return np.stack([_onto(face, target) for face in points])


def _onto(face: np.ndarray, target: np.ndarray) -> np.ndarray:
    return fit_similarity(face[_RIGID], target[_RIGID]).apply(face)
