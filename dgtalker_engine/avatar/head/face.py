"""Skin, the edges of the lids, and the inside of the lips."""

from __future__ import annotations

import numpy as np

from . import sdf
from .form import (
    EYE,
    EYE_CORNERS,
    EYE_RADIUS,
    LID_RADIUS,
    MOUTH_HALF_WIDTH,
    NECK_END,
    eye_point,
    eye_polar,
    in_eye_opening,
    lid_edges,
    slit_y,
    slit_z,
)
from .light import exposure, lit
from .points import Part, Points, make, smooth, soft
from .sample import on_surface, thin

SKIN = np.array([0.945, 0.76, 0.655])
LIP = np.array([0.80, 0.44, 0.43])
BLUSH = np.array([0.93, 0.52, 0.46])
SCATTER = (0.52, 0.30, 0.24)
DISC = 0.86  # standard deviation of a disc over the spacing


def skin_spacing(points: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """Spacing of the skin's discs, 0 where there are none: between the lids, under the hair, below the neck."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    azimuth, elevation, radius = eye_polar(np.stack([x, y, z], axis=1))
    lower, upper = lid_edges(azimuth)
    rim = np.hypot(
        np.maximum(np.maximum(elevation - upper, lower - elevation), 0) * LID_RADIUS,
        np.maximum(np.abs(azimuth) - EYE_CORNERS[1], 0) * LID_RADIUS,
    )
    lid = 0.78 + 0.7 * smooth(2, 14, rim) + 2 * smooth(LID_RADIUS + 3, LID_RADIUS + 9, radius)
    reach = np.hypot(np.maximum(x - MOUTH_HALF_WIDTH, 0), z - slit_z(x)) + np.maximum(y + 75, 0)
    mouth = 0.70 + 1.1 * smooth(7, 19, reach)
    nose = 1.15 + 0.7 * smooth(12, 24, np.linalg.norm(np.stack([x, y + 100, z + 30], axis=1), axis=1))
    ear = 1.3 + 1.2 * smooth(18, 34, np.hypot(y - 14, z - 2))
    ear = np.where(x > 70, ear, 9)
    face = 2.2 + 1.1 * smooth(-62, -10, y) + 0.8 * smooth(-112, -135, z)
    spacing = np.minimum.reduce([lid, mouth, nose, ear, face])
    hidden = sdf.distances(hair, points) < -2.0
    return np.where(in_eye_opening(points) | hidden | (z < NECK_END), 0, spacing)


def skin(form: np.ndarray, hair: np.ndarray, rng: np.random.Generator) -> Points:
    """The skin of both sides."""

    def fine(points: np.ndarray) -> np.ndarray:
        spacing = skin_spacing(points, hair)
        return np.where(spacing < 1.4, spacing, 0)

    def coarse(points: np.ndarray) -> np.ndarray:
        spacing = skin_spacing(points, hair)
        return np.where(spacing >= 1.4, spacing, 0)

    sets = [on_surface(form, ((0, -120, -90), (60, -40, 40)), fine, 0.7, rng)]
    sets.append(on_surface(form, ((68, -15, -40), (105, 45, 45)), fine, 1.3, rng))
    sets.append(on_surface(form, ((0, -120, NECK_END), (110, 110, 130)), coarse, 1.4, rng))
    position, normal, spacing = (np.concatenate(columns) for columns in zip(*sets, strict=True))
    azimuth, elevation, radius = eye_polar(position)
    lower, upper = lid_edges(azimuth)
    rim = np.maximum(elevation - upper, lower - elevation) * LID_RADIUS
    # lids stretch to twice their height when they close
    stretched = soft(radius - LID_RADIUS, 2.0) * smooth(0.4, 1.6, rim) * smooth(18, 12, rim)
    size = DISC * spacing * (1 + 0.4 * stretched)
    return make(position, normal, size, Part.SKIN, opacity=0.99).both_sides()


def lining(skin: Points) -> Points:
    """Discs beneath the painted skin: its own colour, so that nothing shines through between its discs, and beneath
    that the red that an open mouth shows of lips and cheeks from within.

    They keep away from the edges at lids and lips, where they would show.
    """
    left = skin.position[:, 0] > 0
    p = np.stack([np.abs(skin.position[:, 0]), skin.position[:, 1], skin.position[:, 2]], axis=1)
    azimuth, elevation, radius = eye_polar(p)
    lower, upper = lid_edges(azimuth)
    lid = np.maximum(np.maximum(elevation - upper, lower - elevation), 0) * LID_RADIUS
    lid = np.hypot(lid, np.maximum(np.abs(azimuth) - EYE_CORNERS[1], 0) * LID_RADIUS)
    lid = np.where(radius < LID_RADIUS + 4, lid, 99)
    reach = np.hypot(np.maximum(p[:, 0] - MOUTH_HALF_WIDTH, 0), p[:, 2] - slit_z(p[:, 0]))
    nose = np.linalg.norm(p - [0, -102, -30], axis=1) - 11
    nostril = np.linalg.norm(p - [5.4, -101, -36.8], axis=1)
    wide = left & (np.minimum.reduce([lid, reach, nose]) > 6) & (p[:, 0] < 74)
    cheek = wide & (reach < 34) & (p[:, 1] < -52)
    within = np.array([0.46, 0.19, 0.18])
    return Points.join(
        [
            _beneath(skin, wide, spacing=3.4, depth=1.3, size=2.4),
            _beneath(skin, left & (nose <= 6) & (nostril > 5), spacing=1.7, depth=0.8, size=1.2),
            _beneath(skin, cheek, spacing=3.4, depth=4.5, size=2.4, colour=within),
        ]
    )


def _beneath(
    skin: Points, where: np.ndarray, *, spacing: float, depth: float, size: float, colour: np.ndarray | None = None
) -> Points:
    """Some of the skin's points on the left, and their mirror images, moved inwards."""
    chosen = np.flatnonzero(where)
    chosen = chosen[thin(skin.position[chosen], np.full(len(chosen), spacing))]
    under = skin.select(np.concatenate([chosen, chosen + len(skin) // 2]))
    under.position = under.position - depth * under.normal
    under.anchor = under.position.copy()
    under.size = np.full_like(under.size, size)
    if colour is not None:
        under.colour = np.tile(colour, (len(under), 1))
    return under


def lid_rims() -> Points:
    """The thickness of all four lids."""
    azimuth = np.linspace(*EYE_CORNERS, 61)
    return Points.join([lid_rim(above, azimuth, 5) for above in (True, False)]).both_sides()


def lid_rim(above: bool, azimuth: np.ndarray, rows: int) -> Points:
    """The thickness of a left lid: a strip (rows, azimuths) from the skin's edge back to the eyeball."""
    radius = np.linspace(LID_RADIUS + 0.1, EYE_RADIUS + 0.15, rows)
    a, r = (grid.ravel() for grid in np.meshgrid(azimuth, radius))
    lower, upper = lid_edges(a)
    edge = upper if above else lower
    sign = 1.0 if above else -1.0
    inward = (LID_RADIUS - r) / (LID_RADIUS - EYE_RADIUS)
    position = eye_point(a, edge - sign * 0.035 * np.sin(inward * np.pi / 2), r)
    anchor = eye_point(a, edge + sign * 1e-3, LID_RADIUS)
    normal = eye_point(a, edge - sign * np.pi / 2, 1.0) - EYE
    colour = np.where(inward[:, None] > 0.45, [0.88, 0.60, 0.54], [0.80, 0.55, 0.48])
    if above:
        colour = colour * (0.62 - 0.25 * inward[:, None])
    return make(position, normal, 0.36, Part.SKIN, colour=colour, anchor=anchor)


def inner_lips() -> Points:
    """The wet side of both lips."""
    x = np.arange(0.3, MOUTH_HALF_WIDTH - 0.4, 0.9)
    depth = np.arange(0, 14, 0.95)
    return Points.join([inner_lip(above, x, depth) for above in (True, False)]).both_sides()


def inner_lip(above: bool, x: np.ndarray, depth: np.ndarray) -> Points:
    """The left half of a lip's wet side, (depths, xs): from where the lips touch inwards and round to the gum."""
    x, depth = (grid.ravel() for grid in np.meshgrid(x, depth))
    sign = 1.0 if above else -1.0
    turn = np.minimum(depth / 8.0, 1)
    y = slit_y(x) - 0.3 + 4.6 * np.sin(turn * np.pi / 2)
    z = slit_z(x) + sign * (0.1 + 4.4 * (1 - np.cos(turn * np.pi / 2)) + np.maximum(depth - 8, 0) * 0.9)
    position = np.stack([x * (1 - 0.05 * turn), y, z], axis=1)
    normal = np.stack([0 * x, np.sin(turn * np.pi / 2), -sign * np.cos(turn * np.pi / 2)], axis=1)
    # what lies deeper moves with the skin in front of it, not with the edge of the lip
    anchor = np.stack([x, slit_y(x), z], axis=1)
    wet = smooth(0, 6, depth)[:, None]
    colour = (LIP * 0.97) * (1 - wet) + np.array([0.62, 0.27, 0.27]) * wet
    if above:
        colour = colour * 0.86
    return make(position, normal, 0.85 + 0.035 * depth, Part.INNER_LIP, colour=colour, anchor=anchor, side=float(above))


def lip_colour(points: np.ndarray) -> np.ndarray:
    """(N,) 1 on the red of the lips, 0 on the skin, with a soft border."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    t = np.minimum(x / (MOUTH_HALF_WIDTH + 1), 1)
    height = z - slit_z(x)
    bow = 5.9 * (1 - t**2.2) ** 0.8 + 1.3 * soft(x - 5.5, 4.0) - 0.5 * soft(x, 2.5)
    floor = 8.2 * (1 - t**2.4) ** 0.75
    inside = np.where(height > 0, bow - height, floor + height)
    return smooth(-0.7, 0.9, inside) * (x < MOUTH_HALF_WIDTH + 1) * (y < -70)


def paint_skin(points: Points, form: np.ndarray, hair: np.ndarray, rng: np.random.Generator) -> None:
    """Gives the skin its own colours, and the light on them."""
    mirror = points.position * np.where(points.position[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    ambient, key = exposure([form, hair], points.position, points.normal)
    tip = soft(np.linalg.norm(mirror - (0, -113, -27), axis=1), 6)
    gloss = 0.03 + 0.16 * lip_colour(points.position) + 0.10 * tip
    points.albedo = skin_albedo(points.position, rng)
    points.colour = lit(points.albedo, points.normal, ambient, key, scatter=SCATTER, gloss=gloss, sharpness=22.0)


def skin_albedo(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """sRGB (N, 3) of the skin at places (N, 3), without light."""
    x = np.abs(p[:, 0])
    mirror = np.stack([x, p[:, 1], p[:, 2]], axis=1)
    albedo = np.broadcast_to(SKIN, p.shape).copy()

    def tint(colour: np.ndarray | list[float], weight: np.ndarray) -> None:
        nonlocal albedo
        albedo = albedo + weight[:, None] * (np.asarray(colour) - albedo)

    def near(centre: tuple[float, float, float], radius: float) -> np.ndarray:
        return soft(np.linalg.norm(mirror - centre, axis=1), radius)

    tint(BLUSH, 0.55 * near((46, -72, -28), 22))
    tint(BLUSH, 0.42 * near((0, -112, -29), 13) + 0.3 * near((11, -98, -33), 7))
    tint(BLUSH, 0.22 * near((0, -88, -98), 18))
    tint(BLUSH, 0.5 * smooth(78, 90, x) * smooth(40, 20, np.abs(p[:, 2])))
    azimuth, elevation, radius = eye_polar(mirror)
    lower, upper = lid_edges(azimuth)
    on_lid = soft(radius - LID_RADIUS, 2.5)
    tint([0.80, 0.53, 0.46], 0.50 * on_lid * smooth(0.55, 0.1, elevation - upper) * (elevation > 0))
    tint([0.55, 0.32, 0.28], 0.55 * on_lid * soft(elevation - upper, 0.06) * (elevation > 0))
    tint([0.86, 0.58, 0.52], 0.40 * on_lid * smooth(0.5, 0.0, lower - elevation) * (elevation < 0))
    nostril = smooth(5.0, 2.4, np.linalg.norm((mirror - [5.6, -100, -38.0]) / [1, 1.5, 1], axis=1))
    tint([0.36, 0.17, 0.15], 0.85 * nostril)
    freckles = np.zeros(len(p))
    spots = np.flatnonzero((p[:, 1] < -78) & (p[:, 2] > -44) & (p[:, 2] < -8) & (x < 52) & (radius > LID_RADIUS + 1.5))
    weight = soft(np.abs(p[spots, 2] + 24), 13) * soft(np.maximum(x[spots] - 34, 0), 16)
    freckles[spots] = (rng.random(len(spots)) < 0.055 * weight) * (0.35 + 0.5 * rng.random(len(spots)))
    tint([0.70, 0.45, 0.34], 0.36 * freckles)
    lips = lip_colour(p)
    tint(LIP, lips)
    seam = soft(p[:, 2] - slit_z(x), 0.9) * smooth(MOUTH_HALF_WIDTH + 2, MOUTH_HALF_WIDTH - 3, x) * (p[:, 1] < -70)
    tint([0.42, 0.17, 0.17], 0.75 * seam)
    return albedo


def ring(count: int) -> np.ndarray:
    """Angles (count,) once around."""
    return np.arange(count) * 2 * np.pi / count


ROLLS = ((-163.0, 47.0), (-178.0, 53.0))  # height and radius of the collar's two rolls
WOOL = np.array([0.16, 0.46, 0.50])
NECK_Y = 15.0


def collar(rng: np.random.Generator) -> Points:
    """A rolled knitted collar that ends the neck, closed from below."""
    sets = [roll(height, radius, 96, 15) for height, radius in ROLLS]
    r, a = (grid.ravel() for grid in np.meshgrid(np.arange(1.5, 52, 3.2), ring(70)))
    chosen = rng.random(len(r)) < r / 52
    r, a = r[chosen], a[chosen]
    floor = np.stack([r * np.sin(a), NECK_Y - r * np.cos(a), np.full(len(r), -186.0)], axis=1)
    sets.append(make(floor, np.tile([0.0, 0.0, -1.0], (len(r), 1)), 3.4, Part.CLOTH, colour=WOOL * 0.42))
    return Points.join(sets)


def roll(height: float, radius: float, turns: int, tube: int) -> Points:
    """One roll of the collar, (turns, tube)."""
    b, a = (grid.ravel() for grid in np.meshgrid(ring(tube), ring(turns)))
    rib = np.sin(a * 60)
    out, rise = 9.0 * np.cos(b) * (1 + 0.05 * rib), 10.5 * np.sin(b)
    position = np.stack([(radius + out) * np.sin(a), NECK_Y - (radius + out) * np.cos(a), height + rise], axis=1)
    normal = np.stack([np.cos(b) * np.sin(a), -np.cos(b) * np.cos(a), np.sin(b)], axis=1)
    colour = WOOL * (0.90 + 0.12 * rib)[:, None]
    ambient = 0.5 + 0.5 * smooth(-1, 0.4, np.cos(b + (0.5 if height < -170 else -0.2)))
    key = smooth(0.2, -0.5, normal[:, 1]) * 0.6 + 0.4
    size = np.tile([2.2, 1.9], (len(a), 1))
    return make(position, normal, size, Part.CLOTH, colour=lit(colour, normal, ambient, key), albedo=colour)


def collar_grids(turns: int, tube: int) -> list[tuple[Points, tuple[int, int]]]:
    """The collar's rolls as grids of points, with a closing row."""
    grids = []
    for height, radius in ROLLS:
        points = roll(height, radius, turns, tube)
        order = np.concatenate([np.arange(len(points)), np.arange(tube)])
        grids.append((points.select(order), (turns + 1, tube)))
    return grids
