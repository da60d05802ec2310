"""The sculpture: measurements of the face, and the primitives of skin and ears. Millimetres in head space."""

from __future__ import annotations

import math

import numpy as np

from .sdf import capsule, ellipsoid, lip, rope, spline
from .surfels import smooth

EYE = np.array([33.0, -67.5, 1.0])  # centre of the left eyeball
EYE_RADIUS = 18.0
LID_RADIUS = 19.9
EYE_CORNERS = (
    math.radians(-48.0),
    math.radians(57.0),
)  # azimuths of the inner and the outer corner, seen from the eye's centre
LID_OPEN = np.radians([-22.0, 32.0])  # elevations of the lower and the upper edge at the middle

MOUTH_HALF_WIDTH = 24.0
MOUTH_Z = (-63.0, 2.0, 1.4)  # the slit, coefficients of t⁰, t², t⁴
MOUTH_Y = (-97.5, 8.0, 6.0)

JAW_JOINT = np.array([0.0, 2.0, -10.0])

NECK_END = -172.0


def slit_z(x: np.ndarray) -> np.ndarray:
    """Height of the line between the lips at `x`, held level beyond the corners."""
    t = np.minimum(np.abs(x) / MOUTH_HALF_WIDTH, 1) ** 2
    return MOUTH_Z[0] + MOUTH_Z[1] * t + MOUTH_Z[2] * t * t


def slit_y(x: np.ndarray) -> np.ndarray:
    """Depth of the line between the lips, where they touch."""
    t = np.minimum(np.abs(x) / MOUTH_HALF_WIDTH, 1) ** 2
    return MOUTH_Y[0] + 0.5 + MOUTH_Y[1] * t + MOUTH_Y[2] * t * t


def eye_polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Azimuth (outwards), elevation and distance (N,) from the centre of the left eye."""
    x, y, z = (points - EYE).T
    return np.arctan2(x, -y), np.arctan2(z, np.hypot(x, y)), np.sqrt(x * x + y * y + z * z)


def eye_point(azimuth: np.ndarray, elevation: np.ndarray, radius: np.ndarray | float) -> np.ndarray:
    """The inverse of `eye_polar`."""
    level = radius * np.cos(elevation)
    return EYE + np.stack(
        np.broadcast_arrays(level * np.sin(azimuth), -level * np.cos(azimuth), radius * np.sin(elevation)), axis=-1
    )


def lid_edges(azimuth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Elevations (N,) of the lower and the upper lid's edge at rest; they meet at the corners and beyond."""
    inner, outer = EYE_CORNERS
    tau = np.clip((azimuth - inner) / (outer - inner), 0, 1)
    corner = np.radians(-3.5 + 6.5 * tau)
    arch = np.sin(np.pi * tau**0.9) ** 0.75
    trough = np.sin(np.pi * tau**1.15) ** 0.85
    return corner + LID_OPEN[0] * trough, corner + LID_OPEN[1] * arch


def in_eye_opening(points: np.ndarray) -> np.ndarray:
    """Whether points (N, 3), of either side, lie between the lids."""
    azimuth, elevation, radius = eye_polar(np.stack([np.abs(points[:, 0]), points[:, 1], points[:, 2]], axis=1))
    lower, upper = lid_edges(azimuth)
    return (radius < LID_RADIUS + 4) & (elevation > lower) & (elevation < upper) & (np.abs(azimuth) < 1.2)


HELIX = (
    (
        (77.0, -2.0, 4.0), (81.0, -1.0, 16.0), (86.0, 4.0, 26.0), (90.0, 14.0, 31.0), (93.0, 24.0, 27.0),
        (94.0, 30.0, 16.0), (92.0, 29.0, 2.0), (88.0, 22.0, -13.0), (84.0, 14.0, -24.0), (80.0, 7.0, -22.0),
    ),
    (3.0, 3.3, 3.6, 3.8, 3.8, 3.6, 3.4, 4.0, 5.6, 4.2),
)  # fmt: skip
ANTIHELIX = (
    ((86.0, 14.0, 19.0), (89.0, 21.0, 10.0), (89.0, 22.0, 0.0), (86.0, 16.0, -12.0)),
    (2.2, 2.6, 2.6, 2.4),
)

EAR = np.concatenate(
    [
        [ellipsoid((82, 16, 3), (4.5, 15, 25), 6), ellipsoid((87.5, 20, 8), (3.0, 10, 20), 4)],
        rope(*spline(np.array(HELIX[0]), np.array(HELIX[1]), 28), 3),
        rope(*spline(np.array(ANTIHELIX[0]), np.array(ANTIHELIX[1]), 10), 4),
        [ellipsoid((91, 11, 0), (8, 7, 10), 4, carve=True), capsule((79, 1, -1), (82, 3, -5), 3.5, 3.5, 4)],
    ]
)


MOUSTACHE = (
    ((0.0, -104.0, -48.5), (12.0, -102.0, -51.5), (23.0, -95.0, -56.0), (33.0, -83.0, -64.5)),
    (3.6, 5.2, 4.4, 1.3),
)


def skin_form(moustache: bool = False) -> np.ndarray:
    """Rows of `sdf` for head, ears, neck, nose and lips, with the lids closed around the eyeballs.

    Args:
        moustache: whether the upper lip carries the volume of one.
    """
    z0, z1, z2 = MOUTH_Z
    y0, y1, y2 = MOUTH_Y
    skull = np.stack(
        [
            ellipsoid((0, 8, 38), (77, 88, 82)),
            ellipsoid((0, -22, 46), (66, 68, 58), 30),
            ellipsoid((0, -24, -24), (64, 64, 68), 30),
            ellipsoid((0, -61, -85), (25, 31, 25), 32),
            ellipsoid((35, -30, -54), (24, 36, 29), 30),
            ellipsoid((39, -56, -30), (27, 26, 26), 24),
            ellipsoid((46, -50, 4), (20, 24, 28), 22),
            capsule((0, -82, 31), (46, -70, 32), 9, 7, 18),
            capsule((0, 12, -80), (0, 20, -240), 38, 40, 28),
            ellipsoid((0, 36, -30), (48, 42, 60), 34),
        ]
    )
    face = np.stack(
        [
            ellipsoid((34, -94, 2), (20, 15, 16), 16, carve=True),
            ellipsoid((0, -72, -64), (31, 23, 22), 18),
            capsule((0, -82, 10), (0, -98, -22), 6, 6.5, 16),
            ellipsoid((0, -104, -27), (9.6, 10.5, 8.6), 10),
            ellipsoid((10, -96, -30.5), (5.8, 7.2, 5.4), 6),
            ellipsoid((5.4, -101, -36.8), (2.5, 4.5, 3), 3, carve=True),
            capsule((0, -101.5, -43), (0, -102.5, -53), 2.0, 2.6, 5, carve=True),
            ellipsoid(EYE, (LID_RADIUS,) * 3, 5),
            lip(26, (y0 + 1.6, y1, y2), (z0 + 3.9, z1 + 1.4, z2 - 3.6), (4.4, -0.9, -2.2), 0.95, 4),
            lip(25, (y0 + 1.8, y1, y2), (z0 - 5.0, z1 + 1.8, z2 + 1.0), (5.3, -1.2, -2.9), 0.92, 5),
        ]
    )
    grown = [rope(*MOUSTACHE, 3.0)] if moustache else []
    return np.concatenate([skull, EAR, face, *grown])


def mouth_side(points: np.ndarray) -> np.ndarray:
    """(N,) 1 where skin belongs to the upper lip, 0 where to the lower: a step within the mouth, gradual beside it."""
    x, z = points[:, 0], points[:, 2]
    height = z - slit_z(x)
    inside = np.sqrt(np.maximum(1 - (x / MOUTH_HALF_WIDTH) ** 2, 0))
    return inside * (height > 0) + (1 - inside) * smooth(-9, 9, height)
