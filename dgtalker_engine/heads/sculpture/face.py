"""Skin, the edges of the lids, and the inside of the lips."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from . import sdf
from .anatomy import (
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
from .character import Character, Skin
from .light import exposure, lit
from .paint import lip_colour, skin_albedo
from .sample import on_surface, thin
from .surfels import Part, Surfels, make, smooth, soft

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
    reach += 2 * np.maximum(slit_y(x) - 6.5 - y, 0) * (z > slit_z(x))  # on a moustache, not on the lips
    mouth = 0.70 + 1.1 * smooth(7, 19, reach)
    nose = 1.15 + 0.7 * smooth(12, 24, np.linalg.norm(np.stack([x, y + 100, z + 30], axis=1), axis=1))
    ear = 1.3 + 1.2 * smooth(18, 34, np.hypot(y - 14, z - 2))
    ear = np.where(x > 70, ear, 9)
    face = (
        2.2
        + 1.1 * smooth(-62, -10, y)
        + 1.3 * smooth(10, 45, y)
        + 1.5 * smooth(-112, -135, z)
        + 2.6 * smooth(66, 92, z)
    )
    spacing = np.minimum.reduce([lid, mouth, nose, ear, face])
    hidden = sdf.distances(hair, points) < -2.0
    return np.where(in_eye_opening(points) | hidden | (z < NECK_END), 0, spacing)


def skin(form: np.ndarray, hair: np.ndarray, rng: np.random.Generator) -> Surfels:
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


def lining(skin: Surfels) -> Surfels:
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
    wide = left & (np.minimum.reduce([lid, reach, nose]) > 6) & (p[:, 0] < 74) & ((p[:, 1] < 20) | (p[:, 0] < 7))
    # beneath the jaw, which bends most when it opens, they would show
    wide &= (skin.normal[:, 2] > -0.35) | (p[:, 2] > -60) | (p[:, 1] < -48)
    cheek = wide & (reach < 60) & (p[:, 1] < -12)
    corner = left & (reach > 1.0) & (reach <= 7) & (p[:, 0] > MOUTH_HALF_WIDTH - 2) & (p[:, 1] < -52)
    within = np.array([0.46, 0.19, 0.18])
    return Surfels.join(
        [
            _beneath(skin, wide, spacing=3.4, depth=1.3, size=2.4),
            _beneath(skin, left & (nose <= 6) & (nostril > 5), spacing=1.7, depth=0.8, size=1.2),
            _beneath(skin, cheek, spacing=4.2, depth=4.5, size=2.9, colour=within),
            _beneath(skin, corner & (reach > 2), spacing=1.1, depth=0.9, size=0.9),
            _beneath(skin, corner, spacing=1.5, depth=2.4, size=1.2, colour=within),
            # before what has the skin's colour, which an open mouth would show from within
            _beneath(skin, corner, spacing=0.9, depth=1.5, size=0.9, colour=within),
        ]
    )


def _beneath(
    skin: Surfels, where: np.ndarray, *, spacing: float, depth: float, size: float, colour: np.ndarray | None = None
) -> Surfels:
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


def lid_rims(skin: Skin) -> Surfels:
    """The thickness of all four lids."""
    azimuth = np.linspace(*EYE_CORNERS, 61)
    return Surfels.join([lid_rim(above, azimuth, 5, skin) for above in (True, False)]).both_sides()


def lid_rim(above: bool, azimuth: np.ndarray, rows: int, skin: Skin) -> Surfels:
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
    colour = np.array(skin.lid) * np.where(inward[:, None] > 0.45, [1.10, 1.13, 1.17], 1.02)
    if above:
        colour = colour * (0.62 - 0.25 * inward[:, None])
    return make(position, normal, 0.36, Part.SKIN, colour=colour, anchor=anchor)


def inner_lips(skin: Skin) -> Surfels:
    """The wet side of both lips."""
    x = np.arange(0.3, MOUTH_HALF_WIDTH + 0.6, 0.9)
    depth = np.arange(0, 14, 0.95)
    return Surfels.join([inner_lip(above, x, depth, skin) for above in (True, False)]).both_sides()


def inner_lip(above: bool, x: np.ndarray, depth: np.ndarray, skin: Skin) -> Surfels:
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
    colour = (np.array(skin.lips) * 0.97) * (1 - wet) + np.array([0.62, 0.27, 0.27]) * wet
    if above:
        colour = colour * 0.86
    return make(position, normal, 0.85 + 0.035 * depth, Part.INNER_LIP, colour=colour, anchor=anchor, side=float(above))


def paint_skin(surfels: Surfels, character: Character, form: np.ndarray, hair: np.ndarray) -> None:
    """Gives the skin its own colours, and the light on them."""
    mirror = surfels.position * np.where(surfels.position[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    # a disc stands for its surroundings: what only its own middle sees would look like specks
    _, near = KDTree(surfels.position).query(surfels.position, k=9)
    ambient, key = (light[near].mean(axis=1) for light in exposure([form, hair], surfels.position, surfels.normal))
    tip = soft(np.linalg.norm(mirror - (0, -113, -27), axis=1), 6)
    gloss = character.skin.gloss + 0.22 * lip_colour(surfels.position) + 0.10 * tip
    surfels.albedo = skin_albedo(surfels.position, character)
    surfels.colour = lit(surfels.albedo, surfels.normal, ambient, key, scatter=SCATTER, gloss=gloss, sharpness=22.0)
