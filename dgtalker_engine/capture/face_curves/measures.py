"""Distances on a face that say what it does, without the head's motion; its eyes' outer corners are 1 apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import lip_tracks
from ..eyes import opening

_UPPER_LIP, _LOWER_LIP = 13, 14
_CORNERS = (61, 291)
_BRIDGE, _CHIN = 6, 152
_BROWS = {"inner": (336, 107), "outer": (334, 105)}
"""The left one and the right one, each at its inner end and at the height of its bow."""
_EYES = {"outer": (263, 33), "inner": (362, 133), "iris": (473, 468)}


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What the landmarks say in T pictures; sides are the face's own, left first.

    Attributes:
        lips: between the inner lips' middles (T,).
        corners: between the corners of the mouth (T,).
        chin: how far it lies below the bridge of the nose (T,).
        lids: between the lids, in widths of the eye (T, 2).
        inner_brows, outer_brows: how high each brow lies above the corners of its eye (T, 2).
        iris: of the left and the right eye, from the middle of its corners: to the face's left, and up (T, 2, 2).
    """

    lips: np.ndarray
    corners: np.ndarray
    chin: np.ndarray
    lids: np.ndarray
    inner_brows: np.ndarray
    outer_brows: np.ndarray
    iris: np.ndarray


def measure(landmarks: np.ndarray) -> Measures:
    """Measures of one person's landmarks, float (T, 478, 3) px as `faces.Face` has them, without gaps."""
    points = lip_tracks.without_head_motion(landmarks.astype(np.float64))
    points = points @ _upright(points).T
    lips = points[:, [_UPPER_LIP, _LOWER_LIP]]
    corners = points[:, list(_CORNERS)]
    eyes = {name: points[:, list(pair)] for name, pair in _EYES.items()}
    between = (eyes["outer"] + eyes["inner"]) / 2
    brows = {name: points[:, list(pair), 1] - between[:, :, 1] for name, pair in _BROWS.items()}
    return Measures(
        lips=np.linalg.norm(lips[:, 1] - lips[:, 0], axis=1),
        corners=np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1),
        chin=points[:, _BRIDGE, 1] - points[:, _CHIN, 1],
        lids=opening(points),
        inner_brows=brows["inner"],
        outer_brows=brows["outer"],
        iris=(eyes["iris"] - between)[:, :, :2],
    )


def _upright(points: np.ndarray) -> np.ndarray:
    """The turn (3, 3) that brings the mean face's eyes level, with x to its left and y up: z follows, to the camera."""
    mean = points.mean(axis=0)
    across = mean[_EYES["outer"][0]] - mean[_EYES["outer"][1]]
    across /= np.linalg.norm(across)
    up = mean[10] - mean[_CHIN]  # the forehead's top
    up -= (up @ across) * across
    up /= np.linalg.norm(up)
    return np.stack([across, up, np.cross(across, up)])
