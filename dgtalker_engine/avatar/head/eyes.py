"""Eyeballs, catch lights, the lids' shadow, lashes and brows."""

from __future__ import annotations

import numpy as np

from . import sdf
from .form import EYE, EYE_CORNERS, EYE_RADIUS, LID_RADIUS, eye_point, lid_edges
from .light import KEY
from .points import Part, Points, make, smooth, soft, unit

IRIS = 9.4  # mm from the middle of the pupil, along the ball
PUPIL = 4.1
LASH = (0.16, 0.09, 0.07)
BROW = np.array([0.30, 0.165, 0.11])


def eyeballs() -> Points:
    """Both eyeballs, finest at the iris."""
    rings = []
    arc = 0.0
    while arc < EYE_RADIUS * 2.05:
        step = 0.55 if arc < IRIS + 1.2 else 0.55 + 1.0 * min((arc - IRIS - 1.2) / 7, 1)
        theta = arc / EYE_RADIUS
        count = max(1, round(2 * np.pi * EYE_RADIUS * np.sin(theta) / step))
        turn = (np.arange(count) + 0.5 * (len(rings) % 2)) * 2 * np.pi / count
        rings.append(np.stack([np.full(count, theta), turn, np.full(count, step)], axis=1))
        arc += step * 0.92
    return _eyeball(*np.concatenate(rings).T).both_sides()


def eyeball_grid(rows: int, columns: int) -> Points:
    """The left eyeball as a grid (rows, columns), closed along the columns; rows crowd at the edges of the iris."""
    arc = np.interp(
        np.linspace(0, 1, rows),
        [0, 0.15, 0.3, 0.5, 0.65, 1],
        [0.05, PUPIL, PUPIL + 1.0, IRIS - 0.6, IRIS + 1.0, EYE_RADIUS * 2.2],
    )
    theta, turn = np.meshgrid(arc / EYE_RADIUS, np.arange(columns) * 2 * np.pi / columns, indexing="ij")
    return _eyeball(theta.ravel(), turn.ravel(), np.ones(theta.size))


def _eyeball(theta: np.ndarray, turn: np.ndarray, step: np.ndarray) -> Points:
    """Points of the left eyeball at an angle from the gaze and a turn about it: white, iris, pupil."""
    ball = np.stack([np.sin(theta) * np.cos(turn), -np.cos(theta), np.sin(theta) * np.sin(turn)], axis=1)
    arc = theta * EYE_RADIUS
    # the iris lies a little deeper than the white
    dish = 0.55 * smooth(IRIS, IRIS - 3, arc)
    position = EYE + ball * (EYE_RADIUS - dish)[:, None]
    streak = 0.5 + 0.28 * np.sin(turn * 23 + 1.3 * np.sin(turn * 7)) + 0.22 * np.sin(turn * 41 + 0.7)
    outer, inner = np.array([0.10, 0.36, 0.40]), np.array([0.42, 0.72, 0.62])
    ring = smooth(PUPIL, IRIS, arc)[:, None]
    iris = inner * (1 - ring) + outer * ring
    iris = iris * (0.86 + 0.26 * streak[:, None])
    # light that enters above leaves below: the lower half glows
    glow = smooth(0.35, -0.9, np.sin(turn) * np.minimum(arc / IRIS, 1))
    iris = iris * (0.62 + 0.62 * glow[:, None])
    iris = iris + np.array([0.30, 0.20, 0.02]) * (soft(arc - PUPIL - 0.8, 1.0) * 0.5)[:, None]
    rim = smooth(IRIS - 1.7, IRIS - 0.1, arc)[:, None]
    iris = iris * (1 - rim) + np.array([0.04, 0.10, 0.12]) * rim
    pupil = smooth(PUPIL + 0.3, PUPIL - 0.4, arc)[:, None]
    iris = iris * (1 - pupil) + np.array([0.015, 0.015, 0.02]) * pupil
    height = ball[:, 2]
    shade = 1 - 0.30 * smooth(0.05, 0.45, height) - 0.16 * smooth(0.45, 0.85, np.abs(ball[:, 0]))
    white = (
        np.array([0.965, 0.955, 0.95]) * shade[:, None]
        + np.array([0.03, -0.02, -0.02]) * smooth(0.35, 0.8, np.abs(ball[:, 0]))[:, None]
    )
    edge = smooth(IRIS - 0.25, IRIS + 0.45, arc)[:, None]
    colour = np.clip(iris * (1 - edge) + white * edge, 0, 1)
    return make(position, ball, 0.66 * step, Part.EYE, colour=colour)


def catch_lights() -> Points:
    """A window's light on both eyes, and a small one opposite; they stay while the eyes turn beneath."""
    sets = []
    window = unit(KEY + np.array([0.0, -1.0, 0.0]))
    for centre in (EYE, EYE * [-1, 1, 1]):
        for direction, radius, opacity in ((window, 1.55, 1.0), (unit(np.array([-0.20, -1.0, -0.26])), 0.7, 0.6)):
            right = unit(np.cross(direction, [0.0, 0.0, 1.0]))
            up = np.cross(right, direction)
            turn = np.arange(6) * np.pi / 3
            offsets = np.concatenate([[[0.0, 0.0]], radius * 0.55 * np.stack([np.cos(turn), np.sin(turn)], axis=1)])
            ball = unit(direction * EYE_RADIUS + offsets[:, :1] * right + offsets[:, 1:] * up)
            place = centre + ball * (EYE_RADIUS + 0.35)
            sets.append(make(place, ball, radius * 0.4, Part.STATIC, colour=(1.0, 1.0, 1.0), opacity=opacity))
    return Points.join(sets)


def caruncles() -> Points:
    """The pink flesh in the inner corners."""
    azimuth, elevation = (
        grid.ravel()
        for grid in np.meshgrid(
            np.linspace(EYE_CORNERS[0] - 0.06, EYE_CORNERS[0] + 0.15, 8), np.linspace(-0.14, 0.02, 7)
        )
    )
    position = eye_point(azimuth, elevation, EYE_RADIUS + 0.5)
    return make(position, position - EYE, 0.55, Part.STATIC, colour=(0.80, 0.47, 0.44)).both_sides()


def lid_shadow() -> Points:
    """The soft shadow that the upper lid and its lashes cast on the eyeball; it comes down with the lid."""
    azimuth, drop = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(EYE_CORNERS[0] * 0.9, EYE_CORNERS[1] * 0.9, 34), [0.02, 0.07, 0.12])
    )
    _, upper = lid_edges(azimuth)
    lower, _ = lid_edges(azimuth)
    position = eye_point(azimuth, upper - drop, EYE_RADIUS + 0.25)
    anchor = eye_point(azimuth, upper + 1e-3, LID_RADIUS)
    strength = np.interp(drop, [0.02, 0.12], [0.55, 0.16]) * smooth(0, 0.3, upper - lower)
    return make(
        position, position - EYE, 0.85, Part.SKIN, colour=(0.20, 0.10, 0.10), opacity=strength, anchor=anchor
    ).both_sides()


def _hairs(
    root: np.ndarray, direction: np.ndarray, bend: np.ndarray, length: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, directions and thinning (hairs · steps) along curved hairs."""
    t = (np.arange(steps) + 0.5) / steps
    place = root[:, None] + length[:, None, None] * (
        direction[:, None] * t[None, :, None] + bend[:, None] * (t**2)[None, :, None]
    )
    along = direction[:, None] + 2 * bend[:, None] * t[None, :, None]
    return place.reshape(-1, 3), unit(along.reshape(-1, 3)), np.tile(t, len(root))


def lashes(rng: np.random.Generator) -> Points:
    """Lashes that fan out and curl, and the dark line at their roots."""
    sets = []
    for above in (True, False):
        count = 46 if above else 26
        share = (np.arange(count) + 0.5) / count
        azimuth = EYE_CORNERS[0] * 0.82 + share * (EYE_CORNERS[1] * 0.985 - EYE_CORNERS[0] * 0.82)
        lower, upper = lid_edges(azimuth)
        edge = upper if above else lower
        sign = 1.0 if above else -1.0
        root = eye_point(azimuth, edge - sign * 0.01, LID_RADIUS - 0.2)
        anchor = eye_point(azimuth, edge + sign * 1e-3, LID_RADIUS)
        out = unit(root - EYE)
        fan = np.stack([0.25 + 0.75 * share, 0 * share, 0 * share], axis=1)
        long = (2.4 + 3.2 * share**1.4) if above else (1.2 + 0.8 * share)
        long = long * (0.9 + 0.2 * rng.random(count))
        direction = unit(out * 1.0 + fan * 0.55 + np.array([0, 0, -0.12 * sign if above else -0.35]))
        bend = np.tile([0.0, 0.0, 0.55 * sign if above else -0.25], (count, 1))
        steps = 6 if above else 3
        place, along, t = _hairs(root, direction, bend, long, steps)
        size = np.stack([np.repeat(long, steps) / steps * 0.55, (0.27 if above else 0.16) * (1 - 0.7 * t)], axis=1)
        sets.append(
            make(
                place,
                np.repeat(out, steps, axis=0),
                size,
                Part.SKIN,
                along=along,
                colour=LASH,
                opacity=0.92 if above else 0.6,
                anchor=np.repeat(anchor, steps, axis=0),
            )
        )
    azimuth = np.linspace(EYE_CORNERS[0] * 0.96, EYE_CORNERS[1], 70)
    _, upper = lid_edges(azimuth)
    place = eye_point(azimuth, upper + 0.004, LID_RADIUS + 0.12)
    thick = 0.22 + 0.24 * smooth(EYE_CORNERS[0], EYE_CORNERS[1], azimuth)
    along = np.gradient(place, axis=0)
    line = make(
        place,
        place - EYE,
        np.stack([0 * thick + 0.5, thick], axis=1),
        Part.SKIN,
        along=along,
        colour=LASH,
        opacity=0.9,
        anchor=eye_point(azimuth, upper + 1e-3, LID_RADIUS),
    )
    return Points.join([*sets, line]).both_sides()


def brows(form: np.ndarray, rng: np.random.Generator) -> Points:
    """Brow hairs, growing up at the nose and outwards along the arch."""
    count = 330
    share = rng.random(count) ** 0.9
    across = rng.random(count) * 2 - 1
    thick = (4.5 * (1 - share**2.2) + 0.7) * np.clip(0.55 + share * 6, 0, 1)
    x = 11.5 + 41.5 * share
    z = 32.0 + 7.5 * np.sin(np.pi * np.clip(share, 0, 1) ** 1.15 * 0.80) - 3.5 * share**3 + across * thick
    origins = np.stack([x, -60 - 0 * x, z], axis=1)
    outward = unit(np.stack([share * 0.75, -np.ones(count), 0.12 + 0 * x], axis=1))
    root = sdf.cast(form, origins - outward * 20, outward, 80.0)
    normal = sdf.normals(form, root)
    rise = np.interp(share, [0, 0.25, 1], [1.1, 0.42, -0.28])
    direction = np.stack([np.ones(count), 0 * x, rise - 0.35 * across], axis=1)
    direction = unit(direction - (direction * normal).sum(axis=1, keepdims=True) * normal + 0.22 * normal)
    long = 5.2 * (1 - 0.35 * share) * (0.8 + 0.4 * rng.random(count))
    steps = 3
    place, along, t = _hairs(root + 0.1 * normal, direction, -0.14 * normal, long, steps)
    colour = BROW * (0.8 + 0.45 * rng.random((count, 1)))
    size = np.stack([np.repeat(long, steps) / steps * 0.55, 0.48 * (1 - 0.55 * t)], axis=1)
    points = make(
        place,
        np.repeat(normal, steps, axis=0),
        size,
        Part.SKIN,
        along=along,
        colour=np.repeat(colour, steps, axis=0),
        opacity=0.85 - 0.3 * t,
        anchor=np.repeat(root, steps, axis=0),
    )
    return points.both_sides()
