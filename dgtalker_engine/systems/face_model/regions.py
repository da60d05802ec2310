"""What each triangle of the face model shows."""

from __future__ import annotations

import numpy as np

from ...capture.face_model import Region
from .landmark_loops import LIDS, OUTER_LIPS
from .source import BACK, EYE_SOCKETS, MOUTH_SOCKET, Source

_HAIRLINE, _CHIN = 10, 152
"""Landmarks."""
_UPPER_FACE_BELOW_EYES = 0.012
"""Metres."""
_ABOVE_EARS = np.array([0.005, 0.04])
"""Where the hair ends at the side, (y, z), metres."""
_NAPE = -0.045
_UNDER_CHIN = 0.012
_JAW_ANGLE = np.array([0.005, -0.062])
_LOBES = -0.056
_EARS = 0.072
"""Away from the middle."""


def skin_regions(source: Source, triangles: np.ndarray) -> np.ndarray:
    """`Region` of triangles of the source's skin (F, 3), uint8 (F,)."""
    landmarks = source.vertices[source.landmarks]
    centres = source.vertices[triangles].mean(axis=1)
    x, y, z = centres.T
    regions = np.full(len(triangles), Region.SKIN, np.uint8)
    back = ((triangles >= BACK.start) & (triangles < BACK.stop)).any(axis=1)
    eyes = landmarks[list(LIDS), 2].mean()
    regions[~back & (z > eyes - _UPPER_FACE_BELOW_EYES) & (y < _ABOVE_EARS[0])] = Region.UPPER_FACE
    ears = (np.abs(x) > _EARS) & ~back & (y > -0.02)
    scalp = _above(y, z, landmarks[_HAIRLINE, 1:], _ABOVE_EARS) | (back & (y > _ABOVE_EARS[0]) & (z > _NAPE))
    regions[scalp & ~ears] = Region.SCALP
    chin = landmarks[_CHIN, 1:] - [0, _UNDER_CHIN]
    regions[(back & (z <= _NAPE)) | (~_above(y, z, chin, _JAW_ANGLE) & (z < _LOBES))] = Region.NECK
    lips = _inside(centres[:, [0, 2]], landmarks[list(OUTER_LIPS)][:, [0, 2]])
    regions[lips & (y < landmarks[list(OUTER_LIPS), 1].max() + 0.01)] = Region.LIPS
    for part, region in ((MOUTH_SOCKET, Region.MOUTH_INSIDE), (EYE_SOCKETS, Region.EYES)):
        regions[((triangles >= part.start) & (triangles < part.stop)).any(axis=1)] = region
    return regions


def _above(y: np.ndarray, z: np.ndarray, front: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """Whether points lie above the line through two places (y, z) seen from the side."""
    slope = (behind[1] - front[1]) / (behind[0] - front[0])
    return z > front[1] + slope * (y - front[0])


def _inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Whether points (n, 2) lie inside a polygon (m, 2): a ray from them crosses it an odd number of times."""
    crossings = np.zeros(len(points), int)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        spans = (points[:, 1] < start[1]) != (points[:, 1] < end[1])
        at = start[0] + (points[:, 1] - start[1]) * (end[0] - start[0]) / (end[1] - start[1] or 1.0)
        crossings += spans & (points[:, 0] < at)
    return crossings % 2 == 1
