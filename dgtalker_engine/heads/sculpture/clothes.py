"""What ends the neck: a roll-neck, a hood or a shirt's collar with a bow tie. Millimetres."""

from __future__ import annotations

import numpy as np

from .character import Clothes
from .light import lit
from .surfels import Part, Surfels, make, smooth, tangent, unit

NECK_Y = 15.0
FLOOR = -186.0
# (height, radius) of the middle of each ring, by style, from the top down
RINGS: dict[str, tuple[tuple[float, float], ...]] = {
    "roll": ((-163.0, 47.0), (-178.0, 53.0)),
    "hood": ((-166.0, 55.0), (-180.0, 50.0)),
    "shirt": ((-160.0, 45.0), (-182.0, 50.0)),
}
BOW_WING = ((17.0, -47.0, -171.0), (13.0, 5.5, 9.5))  # centre and radii of the left wing; the knot stands between
BOW_KNOT = ((0.0, -49.0, -171.0), (6.0, 6.0, 6.5))


def ring(count: int) -> np.ndarray:
    """Angles (count,) once around."""
    return np.arange(count) * 2 * np.pi / count


def cloth(clothes: Clothes, rng: np.random.Generator) -> Surfels:
    """Discs of the whole garment, closed from below."""
    sets = _surfaces(clothes, 100, 20, closed=False)
    r, a = (grid.ravel() for grid in np.meshgrid(np.arange(2.5, 54, 5.0), ring(50)))
    chosen = rng.random(len(r)) < r / 54
    r, a = r[chosen], a[chosen]
    floor = np.stack([r * np.sin(a), NECK_Y - r * np.cos(a), np.full(len(r), FLOOR)], axis=1)
    dark = np.array(clothes.colour) * 0.42
    sets.append(make(floor, np.tile([0.0, 0.0, -1.0], (len(r), 1)), 4.8, Part.CLOTH, colour=dark))
    return Surfels.join(sets)


def cloth_grids(clothes: Clothes, turns: int, tube: int) -> list[tuple[Surfels, tuple[int, int]]]:
    """The garment's surfaces as grids (rows, tube) closed along the columns; a ring's last row lies on its first."""
    return [(surfels, (len(surfels) // tube, tube)) for surfels in _surfaces(clothes, turns, tube, closed=True)]


def _surfaces(clothes: Clothes, turns: int, tube: int, closed: bool) -> list[Surfels]:
    surfaces = []
    for index, (height, radius) in enumerate(RINGS[clothes.style]):
        surfaces.append(_ring(clothes, index, height, radius, turns, tube, closed))
    if clothes.style == "shirt":
        turns = turns // 5
        wing = _ball(clothes, *BOW_WING, turns, tube, closed)
        surfaces += [wing, wing.mirrored(), _ball(clothes, *BOW_KNOT, turns, tube, closed)]
    return surfaces


def _ring(clothes: Clothes, index: int, height: float, radius: float, turns: int, tube: int, closed: bool) -> Surfels:
    """One ring of cloth, (turns, tube); (turns + 1, tube) where `closed`."""
    around = np.concatenate([ring(turns), [0.0]]) if closed else ring(turns)
    # discs only where the ring can be seen: not at the neck and beneath
    across = ring(tube) if closed else np.linspace(-0.65, 0.95, tube) * np.pi
    b, a = (grid.ravel() for grid in np.meshgrid(across, around))
    e = 1e-3
    place = _place(clothes.style, index, height, radius, a, b)
    first = _place(clothes.style, index, height, radius, a + e, b) - place
    second = _place(clothes.style, index, height, radius, a, b + e) - place
    normal = unit(np.cross(second, first))
    albedo = np.broadcast_to(np.array(clothes.colour), place.shape).copy()
    if clothes.style == "roll":
        albedo = albedo * (0.90 + 0.12 * np.sin(a * 25))[:, None]
    elif clothes.style == "hood" and index == 0:
        hem = smooth(0.80, 0.95, np.sin(b - 0.5))[:, None]
        albedo = albedo * (1 - hem) + np.array(clothes.accent) * hem
    elif clothes.style == "shirt" and index == 1:
        albedo = np.array(clothes.accent) * (0.85 + 0.15 * np.sin(a * 25))[:, None]
    ambient = 0.5 + 0.5 * smooth(-1, 0.4, np.cos(b + (0.5 if index else -0.2)))
    key = smooth(0.2, -0.5, normal[:, 1]) * 0.6 + 0.4
    apart = [2 * np.linalg.norm(first, axis=1) / turns, 1.6 * np.linalg.norm(second, axis=1) / tube]
    size = 0.70 * np.pi / e * np.stack(apart, axis=1)
    shaded = lit(albedo, normal, ambient, key)
    return make(place, normal, size, Part.CLOTH, along=tangent(normal, first), colour=shaded, albedo=albedo)


def _place(style: str, index: int, height: float, radius: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Places (N, 3) at angles about the neck, from the front, and about the ring's own middle, from outside."""
    back = 0.5 - 0.5 * np.cos(a)
    side = np.abs(np.arctan2(np.sin(a), np.cos(a)))  # 0 in front, pi behind
    if style == "roll":
        wide, tall = 9.0 * (1 + 0.05 * np.sin(a * 25)), 10.5 + 0 * a
        rise = tall * np.sin(b)
    elif style == "hood":
        # cloth that lies in folds, which run round and down towards the front
        fold = np.sin(2.0 * b + 2.4 * np.cos(a)) + 0.35 * np.sin(4.0 * b - 3.0 * np.cos(a) + 1.0)
        wide = (13.0 + 5.0 * back + 1.5 * fold) if index == 0 else 12.0 + 0.7 * fold
        tall = 11.0 + 6.0 * back + 0.6 * fold if index == 0 else 10.5 + 0 * a
        rise = tall * np.sin(b) + (16.0 * back - 7.0 * np.exp(-((side / 0.5) ** 2)) if index == 0 else 0.0)
    elif index == 0:
        # a folded collar: a thin standing band whose outer leaf hangs down into two points beside the middle
        wide, tall = 4.2 + 0 * a, 14.0 + 3.0 * back
        point = np.exp(-(((side - 0.52) / 0.30) ** 2))
        leaf = smooth(-0.2, 0.9, np.cos(b)) * smooth(0.3, -0.8, np.sin(b))
        gap = np.exp(-((side / 0.20) ** 2))
        rise = tall * (1 - 0.45 * gap) * np.sin(b) - 15.0 * point * leaf + 5.0 * back
        wide = wide + 6.0 * leaf * (0.4 + point)
    else:
        wide, tall = 10.0 * (1 + 0.05 * np.sin(a * 25)), 8.5 + 0 * a
        rise = tall * np.sin(b)
    middle = radius + 6.0 * back if style == "hood" and index == 0 else radius
    far = middle + wide * np.cos(b)
    return np.stack([far * np.sin(a), NECK_Y - far * np.cos(a), height + rise], axis=1)


def _ball(
    clothes: Clothes,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    turns: int,
    tube: int,
    closed: bool,
) -> Surfels:
    """A part of the bow tie: a soft ellipsoid, pinched where the wings meet the knot."""
    around = np.linspace(0.03, np.pi - 0.03, turns + closed)
    b, a = (grid.ravel() for grid in np.meshgrid(ring(tube), around))
    ball = np.stack([-np.cos(a), np.sin(a) * np.cos(b), np.sin(a) * np.sin(b)], axis=1)
    pinch = 1.0 if centre[0] == 0 else (0.45 + 0.55 * smooth(-1.0, 0.35, ball[:, 0]))
    place = np.array(centre) + ball * np.array(radii)
    place[:, 2] = centre[2] + (place[:, 2] - centre[2]) * pinch
    normal = unit(ball / np.array(radii))
    albedo = np.broadcast_to(np.array(clothes.accent), place.shape).copy()
    albedo = albedo * (1 - 0.25 * smooth(0.6, 0.9, np.sin(ball[:, 2] * 5) * np.cos(ball[:, 0] * 3)))[:, None]
    ambient = 0.55 + 0.45 * smooth(-0.8, 0.5, normal[:, 2])
    key = 0 * a + 0.8
    step = max(radii) * np.pi / turns
    size = np.stack([0 * a + 1.2 * step, 0.62 * np.sin(a) * max(radii[1:]) * 2 * np.pi / tube + 0.3], axis=1)
    return make(place, normal, size, Part.CLOTH, colour=lit(albedo, normal, ambient, key), albedo=albedo)
