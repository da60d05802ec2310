"""The sculpture: measurements of the face, and the primitives of skin, hair and ears. Millimetres in head space."""

from __future__ import annotations

import numpy as np

from .points import smooth
from .sdf import capsule, ellipsoid, lip, rope

EYE = np.array([32.0, -69.0, 2.0])  # centre of the left eyeball
EYE_RADIUS = 16.5
LID_RADIUS = 18.3
EYE_CORNERS = np.radians([-47.0, 50.0])  # azimuths of the inner and the outer corner, seen from the eye's centre
LID_OPEN = np.radians([-19.0, 24.0])  # elevations of the lower and the upper edge at the middle

MOUTH_HALF_WIDTH = 23.0
MOUTH_Z = (-62.0, 1.6, 1.4)  # the slit, coefficients of t⁰, t², t⁴
MOUTH_Y = (-99.0, 8.0, 5.0)

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


EAR = np.concatenate(
    [
        [ellipsoid((82, 16, 3), (4.5, 15, 25), 6)],
        rope(
            [
                (77, -2, 4),
                (81, -1, 16),
                (86, 4, 26),
                (90, 14, 31),
                (93, 24, 27),
                (94, 30, 16),
                (92, 29, 2),
                (88, 22, -14),
            ]
            + [(84, 13, -25), (80, 5, -27)],
            (3, 3.3, 3.6, 3.8, 3.8, 3.6, 3.4, 3.6, 5.5, 4),
            3,
        ),
        rope([(86, 14, 19), (89, 21, 10), (89, 22, 0), (86, 16, -12)], (2.2, 2.6, 2.6, 2.4), 4),
        [ellipsoid((91, 11, 0), (8, 7, 10), 4, carve=True), capsule((79, 1, -1), (82, 3, -5), 3.5, 3.5, 4)],
    ]
)


def skin_form() -> np.ndarray:
    """Rows of `sdf` for head, ears, neck, nose and lips, with the lids closed around the eyeballs."""
    z0, z1, z2 = MOUTH_Z
    y0, y1, y2 = MOUTH_Y
    skull = np.stack(
        [
            ellipsoid((0, 8, 38), (77, 88, 82)),
            ellipsoid((0, -22, 46), (66, 68, 58), 30),
            ellipsoid((0, -24, -28), (67, 64, 72), 30),
            ellipsoid((0, -56, -82), (28, 31, 26), 30),
            ellipsoid((38, -30, -56), (24, 34, 26), 30),
            ellipsoid((38, -58, -34), (27, 25, 27), 24),
            ellipsoid((46, -50, 4), (20, 24, 28), 22),
            capsule((0, -82, 27), (46, -70, 29), 9, 7, 18),
            capsule((0, 12, -80), (0, 20, -240), 41, 43, 26),
            ellipsoid((0, 36, -30), (50, 42, 60), 34),
        ]
    )
    face = np.stack(
        [
            ellipsoid((33, -94, 2), (19, 15, 14), 16, carve=True),
            ellipsoid((0, -73, -63), (31, 23, 22), 18),
            capsule((0, -82, 12), (0, -100, -24), 6, 6.5, 16),
            ellipsoid((0, -104, -29), (10, 10.5, 9), 10),
            ellipsoid((10.5, -96.5, -32), (6, 7.5, 5.6), 6),
            ellipsoid((5.6, -101, -38.5), (2.6, 4.5, 3), 3, carve=True),
            capsule((0, -103, -44), (0, -104, -52), 2.0, 2.6, 5, carve=True),
            ellipsoid(EYE, (LID_RADIUS,) * 3, 5),
            lip(25, (y0 + 1.8, y1, y2), (z0 + 5.0, z1 + 1.2, z2 - 4.0), (5.4, -1.2, -2.6), 0.92, 4),
            lip(24, (y0 + 2.2, y1, y2), (z0 - 6.2, z1 + 1.5, z2 + 1.5), (6.6, -1.6, -3.4), 0.9, 5),
        ]
    )
    return np.concatenate([skull, EAR, face])


# Locks of hair: paths from root to tip and the radii there. Not mirrored; the parting is on her right.
LOCKS: tuple[tuple[tuple[tuple[float, float, float], ...], tuple[float, ...]], ...] = (
    (((-34, -52, 108), (-8, -84, 112), (26, -94, 92), (50, -82, 66)), (12, 16, 15, 5)),
    (((-30, -44, 116), (2, -74, 122), (40, -82, 100), (66, -62, 62)), (12, 17, 16, 6)),
    (((-26, -28, 124), (16, -54, 128), (54, -56, 104), (77, -36, 58)), (12, 18, 16, 6)),
    (((-22, -4, 128), (24, -22, 132), (62, -26, 104), (82, -16, 56)), (12, 18, 16, 7)),
    (((-18, 24, 128), (28, 12, 130), (66, 8, 100), (82, 14, 48)), (12, 18, 16, 8)),
    (((-36, -50, 106), (-56, -58, 88), (-70, -48, 62), (-76, -30, 34)), (9, 12, 11, 5)),
    (((-36, -36, 114), (-62, -36, 94), (-78, -24, 62), (-81, -16, 30)), (10, 14, 12, 6)),
    (((-32, -10, 122), (-62, -8, 104), (-80, 0, 70), (-83, 8, 36)), (10, 15, 13, 8)),
    (((-24, 20, 126), (-58, 28, 106), (-78, 32, 70), (-79, 40, 26)), (12, 16, 14, 8)),
    (((0, 40, 126), (34, 52, 112), (64, 50, 76), (72, 50, 20)), (14, 17, 15, 9)),
    (((-6, 44, 124), (-34, 66, 104), (-52, 76, 60), (-54, 70, 0)), (14, 17, 16, 10)),
    (((0, 46, 124), (14, 78, 98), (28, 92, 54), (34, 80, -14)), (14, 17, 16, 9)),
    (((-2, 46, 124), (-6, 80, 98), (-14, 98, 52), (-16, 84, -20)), (14, 17, 16, 9)),
    (((72, 46, 30), (70, 48, 8), (58, 52, -22), (46, 56, -44)), (10, 11, 10, 4)),
    (((-72, 46, 30), (-70, 48, 8), (-58, 52, -22), (-46, 56, -44)), (10, 11, 10, 4)),
    (((-40, 72, 20), (-36, 76, -6), (-26, 74, -34), (-20, 68, -54)), (12, 12, 11, 4)),
    (((36, 74, 20), (30, 78, -6), (18, 76, -36), (8, 68, -56)), (12, 12, 11, 4)),
    (((-6, 84, 20), (-4, 84, -10), (-6, 76, -38), (-8, 68, -58)), (12, 12, 11, 4)),
    (((78, -18, 50), (77, -19, 26), (76, -17, 10), (75, -15, -6)), (6, 6, 5, 2)),
    (((-78, -18, 50), (-77, -19, 26), (-76, -17, 10), (-75, -15, -6)), (6, 6, 5, 2)),
)


def lock_curves(steps: int = 16) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each lock its centre line (steps, 3), a Catmull-Rom spline, and its radii (steps,)."""
    curves = []
    for path, radii in LOCKS:
        knots = np.array(path, float)
        knots = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
        t = np.linspace(0, len(path) - 1, steps)
        i = np.minimum(t.astype(int), len(path) - 2)
        u = (t - i)[:, None]
        a, b, c, d = knots[i], knots[i + 1], knots[i + 2], knots[i + 3]
        line = 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)
        curves.append((line, np.interp(t, np.arange(len(radii)), radii)))
    return curves


def hair_form() -> np.ndarray:
    """Rows of `sdf` for the hair, not mirrored."""
    rows = [
        ellipsoid((0, 18, 48), (80, 82, 82), asymmetric=True),
        ellipsoid((0, 44, 6), (66, 46, 44), 20, asymmetric=True),
    ]
    locks = [rope(line, radius, 5.0, asymmetric=True) for line, radius in lock_curves(8)]
    return np.concatenate([np.stack(rows), *locks])


def mouth_side(points: np.ndarray) -> np.ndarray:
    """(N,) 1 where skin belongs to the upper lip, 0 where to the lower: a step within the mouth, gradual beside it."""
    x, z = points[:, 0], points[:, 2]
    height = z - slit_z(x)
    inside = np.sqrt(np.maximum(1 - (x / MOUTH_HALF_WIDTH) ** 2, 0))
    return inside * (height > 0) + (1 - inside) * smooth(-9, 9, height)
