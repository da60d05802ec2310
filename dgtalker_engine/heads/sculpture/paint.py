"""The skin's own colours, without light: blush, lids, lips, freckles, moles, wrinkles, stubble and moustache. sRGB."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from .anatomy import LID_RADIUS, MOUSTACHE, MOUTH_HALF_WIDTH, eye_polar, lid_edges, slit_z
from .character import Brows, Character
from .sdf import spline
from .surfels import smooth, soft

# Paths of wrinkles, of the left half: heights of the brow's lines, then lines beside the eyes and from nose to mouth.
FOREHEAD = (49.0, 60.0, 71.0)
CROWS_FEET = (
    ((57, -52, 8), (67, -44, 13)),
    ((58, -51, 1), (69, -42, 0)),
    ((57, -52, -7), (66, -44, -13)),
)
FOLD = ((15, -96, -27), (24, -92, -38), (32, -86, -50), (35, -81, -62))
FROWN = ((6, 0, 24), (7.5, 0, 38))
FRECKLES = 3  # seed of their places
FRECKLE = (0.80, 0.62, 0.52)  # their colour over the skin's
BROW_Y = -60.0  # mm, behind the skin: where the course of a brow is drawn
BAG = ((16, -84, -20), (30, -82, -27), (45, -74, -23))


def lip_colour(points: np.ndarray) -> np.ndarray:
    """(N,) 1 on the red of the lips, 0 on the skin, with a soft border."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    t = np.minimum(x / (MOUTH_HALF_WIDTH + 1), 1)
    height = z - slit_z(x)
    bow = 5.9 * (1 - t**2.2) ** 0.8 + 1.3 * soft(x - 5.5, 4.0) - 0.5 * soft(x, 2.5)
    floor = 8.2 * (1 - t**2.4) ** 0.75
    inside = np.where(height > 0, bow - height, floor + height)
    return smooth(-1.0, 1.2, inside) * (x < MOUTH_HALF_WIDTH + 1) * (y < -70)


def skin_albedo(p: np.ndarray, character: Character) -> np.ndarray:
    """sRGB (N, 3) of the skin at places (N, 3)."""
    skin = character.skin
    x = np.abs(p[:, 0])
    mirror = np.stack([x, p[:, 1], p[:, 2]], axis=1)
    albedo = np.broadcast_to(np.array(skin.colour), p.shape).copy()

    def tint(colour: np.ndarray | tuple[float, float, float], weight: np.ndarray) -> None:
        nonlocal albedo
        albedo = albedo + weight[:, None] * (np.asarray(colour) - albedo)

    def shade(strength: np.ndarray) -> None:
        """Darker and redder, as in a crease."""
        nonlocal albedo
        albedo = albedo * (1 - strength[:, None] * [0.55, 0.72, 0.78])

    def near(centre: tuple[float, float, float], radius: float) -> np.ndarray:
        return soft(np.linalg.norm(mirror - centre, axis=1), radius)

    tint(skin.blush, 0.55 * near((46, -72, -28), 22))
    tint(skin.blush, 0.42 * near((0, -112, -29), 13) + 0.3 * near((11, -98, -33), 7))
    tint(skin.blush, 0.22 * near((0, -88, -98), 18))
    tint(skin.blush, 0.5 * smooth(78, 90, x) * smooth(40, 20, np.abs(p[:, 2])))
    azimuth, elevation, radius = eye_polar(mirror)
    lower, upper = lid_edges(azimuth)
    on_lid = soft(radius - LID_RADIUS, 2.5)
    tint(skin.lid, 0.50 * on_lid * smooth(0.55, 0.1, elevation - upper) * (elevation > 0))
    shade(0.42 * on_lid * soft(elevation - upper, 0.06) * (elevation > 0))
    shade(0.48 * on_lid * soft(elevation - upper - 0.34, 0.065) * (elevation > 0))
    tint(skin.lid, 0.32 * on_lid * smooth(0.5, 0.0, lower - elevation) * (elevation < 0))
    shade(0.85 * smooth(5.0, 2.4, np.linalg.norm((mirror - [5.6, -100, -38.0]) / [1, 1.5, 1], axis=1)))
    tint(np.array(skin.colour) * FRECKLE, skin.freckles * _freckles(p))
    for mole in skin.moles:
        shade(0.9 * smooth(1.5, 0.7, np.linalg.norm(p - mole, axis=1)))
    shade(skin.wrinkles * _wrinkles(mirror))
    jaw = smooth(-40, -62, p[:, 2]) * smooth(-128, -112, p[:, 2]) * smooth(-8, -34, p[:, 1]) * (1 - lip_colour(p))
    tint(np.array(skin.colour) * [0.62, 0.68, 0.76], 0.45 * skin.stubble * jaw)
    tint(character.brows.colour, 0.65 * under_brows(mirror, character.brows))
    lips = lip_colour(p)
    tint(skin.lips, lips)
    seam = soft(p[:, 2] - slit_z(x), 0.9) * smooth(MOUTH_HALF_WIDTH + 2, MOUTH_HALF_WIDTH - 3, x) * (p[:, 1] < -70)
    shade(0.35 * seam)
    if character.hair.moustache:
        tint(np.array(character.hair.root), under_moustache(mirror))
    return albedo


def moustache_line() -> tuple[np.ndarray, np.ndarray]:
    """The middle of the moustache's left half (40, 3), and its radii (40,)."""
    path, radii = MOUSTACHE
    return spline(np.array(path), np.array(radii), 40)


def brow_course(brows: Brows, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, height and half thickness (N,) of the left brow, `share` 0 at the nose to 1 at the temple."""
    height = 32.0 + brows.arch * 7.5 * np.sin(np.pi * share**1.15 * 0.80) - 3.5 * share**3
    thick = brows.thickness * (4.5 * (1 - share**2.2) + 0.7) * np.clip(0.55 + share * 6, 0, 1)
    return 11.5 + 41.5 * share, height, thick


def under_brows(p: np.ndarray, brows: Brows) -> np.ndarray:
    """(N,) 1 in the middle of a brow, p with x not negative; nothing under its tail, thinner than the skin's discs."""
    share, above, thick = _on_brow(p, brows)
    ends = smooth(-0.05, 0.1, share) * smooth(0.9, 0.55, share)
    return ends * smooth(1.15, 0.35, np.abs(above) / thick) * smooth(-45, -55, p[:, 1])


def near_brows(p: np.ndarray, brows: Brows) -> np.ndarray:
    """(N,) 1 wherever hairs of a brow lie, and beside them, p with x not negative."""
    share, above, thick = _on_brow(p, brows)
    ends = smooth(-0.2, -0.05, share) * smooth(1.25, 1.12, share)
    return ends * smooth(5.0, 2.0, np.abs(above) - thick) * smooth(-40, -50, p[:, 1])


def brow_outward(share: np.ndarray) -> np.ndarray:
    """(N, 3), not unit, a millimetre forwards: along it the course of a brow, from `BROW_Y`, is laid onto the skin."""
    return np.stack([0.75 * share, -np.ones_like(share), np.full_like(share, 0.12)], axis=1)


def _on_brow(p: np.ndarray, brows: Brows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far along a brow, 0 to 1 on it, how far above its middle, and half its thickness there, (N,) each."""
    forwards = np.maximum(BROW_Y - p[:, 1], 0)
    share = (p[:, 0] - 11.5) / (41.5 + 0.75 * forwards)
    _, height, thick = brow_course(brows, np.clip(share, 0, 1))
    return share, p[:, 2] - 0.12 * forwards - height, thick


def under_moustache(p: np.ndarray) -> np.ndarray:
    """(N,) 1 on the moustache's volume, p with x not negative."""
    line, thick = moustache_line()
    away, index = (np.asarray(found) for found in KDTree(line).query(p))
    return smooth(1.8, 0.4, away - thick[index])


def _freckles(p: np.ndarray) -> np.ndarray:
    """(N,) 0 to 1: spots over nose and cheeks, the same wherever the skin is looked at."""
    rng = np.random.default_rng(FRECKLES)
    spots = rng.uniform((-50, -44), (50, -9), (260, 2))
    wanted = soft(np.abs(spots[:, 1] + 25), 11) * soft(np.maximum(np.abs(spots[:, 0]) - 30, 0), 14)
    spots = spots[rng.random(len(spots)) < 0.75 * wanted]
    size, strength = rng.uniform(0.8, 1.5, len(spots)), rng.uniform(0.25, 0.75, len(spots))
    away, nearest = (np.asarray(found) for found in KDTree(spots).query(p[:, [0, 2]]))
    return strength[nearest] * soft(away / size[nearest], 1.0) * smooth(-66, -76, p[:, 1])


def _wrinkles(p: np.ndarray) -> np.ndarray:
    """(N,) 0 to 1, p with x not negative."""
    front = smooth(-40, -60, p[:, 1])
    flat = p * [1.0, 0.0, 1.0]
    lines = np.zeros(len(p))
    for height in FOREHEAD:
        course = height + 1.8 * np.sin(p[:, 0] / 11 + height) - p[:, 0] ** 2 / 260
        lines = np.maximum(lines, 0.20 * soft(p[:, 2] - course, 1.9) * smooth(44, 24, p[:, 0]) * front)
    for start, end in CROWS_FEET:
        lines = np.maximum(lines, 0.26 * soft(to_path(p, (start, end)), 1.3))
    for strength, path, width in ((0.26, FOLD, 2.4), (0.20, BAG, 2.0), (0.22, FROWN, 1.6)):
        course = tuple((x, 0.0, z) for x, _, z in path)
        lines = np.maximum(lines, strength * soft(to_path(flat, course), width) * front)
    return lines


def to_path(p: np.ndarray, path: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Distance (N,) to a path."""
    nearest = np.full(len(p), np.inf)
    for start, end in zip(np.array(path, float)[:-1], np.array(path, float)[1:], strict=True):
        run = end - start
        share = np.clip((p - start) @ run / (run @ run), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(p - start - share[:, None] * run, axis=1))
    return nearest
