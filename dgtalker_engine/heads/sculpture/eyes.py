"""Eyeballs, catch lights, the lids' shadow, lashes and brows."""

from __future__ import annotations

import numpy as np

from . import sdf
from .anatomy import EYE, EYE_CORNERS, EYE_RADIUS, LID_RADIUS, eye_point, lid_edges
from .character import Brows, Eyes, Skin
from .light import KEY
from .paint import BROW_Y, brow_course, brow_outward, moustache_line
from .surfels import Part, Surfels, make, smooth, soft, unit

IRIS = 9.4  # mm from the middle of the pupil, along the ball
PUPIL = 4.1


def eyeballs(eyes: Eyes) -> Surfels:
    """Both eyeballs, finest at the iris."""
    rings = []
    arc = 0.0
    fine = IRIS * eyes.iris + 1.2
    while arc < EYE_RADIUS * 2.05:
        step = 0.55 if arc < fine else 0.55 + 1.0 * min((arc - fine) / 7, 1)
        theta = arc / EYE_RADIUS
        count = max(1, round(2 * np.pi * EYE_RADIUS * np.sin(theta) / step))
        turn = (np.arange(count) + 0.5 * (len(rings) % 2)) * 2 * np.pi / count
        rings.append(np.stack([np.full(count, theta), turn, np.full(count, step)], axis=1))
        arc += step * 0.92
    return _eyeball(eyes, *np.concatenate(rings).T).both_sides()


def eyeball_grid(eyes: Eyes, rows: int, columns: int) -> Surfels:
    """The left eyeball as a grid (rows, columns), closed along the columns; rows crowd at the edges of the iris."""
    arc = np.interp(
        np.linspace(0, 1, rows),
        [0, 0.15, 0.3, 0.5, 0.65, 1],
        [
            0.05,
            PUPIL * eyes.pupil,
            PUPIL * eyes.pupil + 1.0,
            IRIS * eyes.iris - 0.6,
            IRIS * eyes.iris + 1.0,
            EYE_RADIUS * 2.2,
        ],
    )
    theta, turn = np.meshgrid(arc / EYE_RADIUS, np.arange(columns) * 2 * np.pi / columns, indexing="ij")
    return _eyeball(eyes, theta.ravel(), turn.ravel(), np.ones(theta.size))


def _eyeball(eyes: Eyes, theta: np.ndarray, turn: np.ndarray, step: np.ndarray) -> Surfels:
    """Surfels of the left eyeball at an angle from the gaze and a turn about it: white, iris, pupil."""
    ball = np.stack([np.sin(theta) * np.cos(turn), -np.cos(theta), np.sin(theta) * np.sin(turn)], axis=1)
    arc = theta * EYE_RADIUS
    # the iris lies a little deeper than the white
    dish = 0.55 * smooth(IRIS * eyes.iris, IRIS * eyes.iris - 3, arc)
    position = EYE + ball * (EYE_RADIUS - dish)[:, None]
    streak = 0.5 + 0.28 * np.sin(turn * 23 + 1.3 * np.sin(turn * 7)) + 0.22 * np.sin(turn * 41 + 0.7)
    outer, inner = np.array(eyes.outer), np.array(eyes.inner)
    size, hole = IRIS * eyes.iris, PUPIL * eyes.pupil
    ring = smooth(hole, size, arc)[:, None]
    iris = inner * (1 - ring) + outer * ring
    iris = iris * (0.86 + 0.26 * streak[:, None])
    # light that enters above leaves below: the lower half glows
    glow = smooth(0.35, -0.9, np.sin(turn) * np.minimum(arc / size, 1))
    iris = iris * (0.62 + 0.62 * glow[:, None])
    iris = iris + np.array([0.30, 0.20, 0.02]) * (soft(arc - hole - 0.8, 1.0) * 0.5)[:, None]
    rim = smooth(size - 1.9, size - 0.1, arc)[:, None]
    iris = iris * (1 - rim) + np.array(eyes.ring) * rim
    pupil = smooth(hole + 0.3, hole - 0.4, arc)[:, None]
    iris = iris * (1 - pupil) + np.array([0.015, 0.015, 0.02]) * pupil
    height = ball[:, 2]
    shade = 1 - 0.30 * smooth(0.05, 0.45, height) - 0.16 * smooth(0.45, 0.85, np.abs(ball[:, 0]))
    white = (
        np.array(eyes.white) * shade[:, None]
        + np.array([0.03, -0.02, -0.02]) * smooth(0.35, 0.8, np.abs(ball[:, 0]))[:, None]
    )
    edge = smooth(size - 0.25, size + 0.55, arc)[:, None]
    colour = np.clip(iris * (1 - edge) + white * edge, 0, 1)
    return make(position, ball, 0.66 * step, Part.EYE, colour=colour)


def catch_lights() -> Surfels:
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
    return Surfels.join(sets)


def caruncles(skin: Skin) -> Surfels:
    """The pink flesh in the inner corners."""
    azimuth, elevation = (
        grid.ravel()
        for grid in np.meshgrid(
            np.linspace(EYE_CORNERS[0] - 0.20, EYE_CORNERS[0] + 0.15, 13), np.linspace(-0.16, 0.04, 8)
        )
    )
    # it rises towards the corner and fills it
    rise = 0.4 + 1.2 * smooth(EYE_CORNERS[0] + 0.15, EYE_CORNERS[0] - 0.10, azimuth)
    position = eye_point(azimuth, elevation, EYE_RADIUS + rise)
    return make(
        position,
        position - EYE,
        0.55,
        Part.STATIC,
        colour=0.55 * np.array([0.80, 0.47, 0.44]) + 0.45 * np.array(skin.lid),
    ).both_sides()


def moisture() -> Surfels:
    """The line of tears along the lower lids; it goes with them."""
    azimuth = np.linspace(EYE_CORNERS[0] * 0.9, EYE_CORNERS[1] * 0.92, 40)
    lower, _ = lid_edges(azimuth)
    position = eye_point(azimuth, lower + 0.016, EYE_RADIUS + 0.55)
    normal = unit(position - EYE) + np.array([0.0, 0.0, 0.8])
    along = np.gradient(position, axis=0)
    size = np.tile([0.52, 0.17], (len(azimuth), 1))
    shine = 0.30 + 0.45 * soft(azimuth - 0.35, 0.22) + 0.25 * soft(azimuth + 0.3, 0.2)
    anchor = eye_point(azimuth, lower - 1e-3, LID_RADIUS)
    return make(
        position, normal, size, Part.SKIN, along=along, colour=(1.0, 0.97, 0.95), opacity=shine, anchor=anchor
    ).both_sides()


def lid_shadow() -> Surfels:
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


def hairs(
    root: np.ndarray, direction: np.ndarray, bend: np.ndarray, length: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places, directions, half lengths and shares of the length so far (hairs · steps) of the pieces of hairs."""
    t = (np.arange(steps) + 0.5) / steps
    place = root[:, None] + length[:, None, None] * (
        direction[:, None] * t[None, :, None] + bend[:, None] * (t**2)[None, :, None]
    )
    along = direction[:, None] + 2 * bend[:, None] * t[None, :, None]
    half = 0.55 * (length[:, None] * np.linalg.norm(along, axis=2)).ravel() / steps
    return place.reshape(-1, 3), unit(along.reshape(-1, 3)), half, np.tile(t, len(root))


def lashes(eyes: Eyes, rng: np.random.Generator) -> Surfels:
    """Lashes that fan out and curl, and the dark line at their roots."""
    sets = []
    for above in (True, False):
        count = 38 if above else 20
        share = np.clip((np.arange(count) + 0.5 + rng.normal(0, 0.22, count)) / count, 0, 1)
        azimuth = EYE_CORNERS[0] * 0.82 + share * (EYE_CORNERS[1] * 0.985 - EYE_CORNERS[0] * 0.82)
        lower, upper = lid_edges(azimuth)
        edge = upper if above else lower
        sign = 1.0 if above else -1.0
        root = eye_point(azimuth, edge - sign * 0.01, LID_RADIUS - 0.2)
        anchor = eye_point(azimuth, edge + sign * 1e-3, LID_RADIUS)
        out = unit(root - EYE)
        fan = np.stack([0.25 + 0.75 * share, 0 * share, 0 * share], axis=1)
        long = (2.8 + 3.9 * share**1.3) if above else (1.3 + 0.9 * share)
        long = long * (0.78 + 0.34 * rng.random(count)) * eyes.lashes
        direction = unit(out * 1.0 + fan * 0.55 + np.array([0, 0, -0.12 * sign if above else -0.35]))
        bend = np.tile([0.0, 0.12 if above else 0.0, 0.75 * sign if above else -0.25], (count, 1))
        steps = 7 if above else 3
        place, along, half, t = hairs(root, direction, bend, long, steps)
        size = np.stack([1.2 * half, (0.22 if above else 0.10) * (1 - 0.75 * t)], axis=1)
        sets.append(
            make(
                place,
                np.repeat(out, steps, axis=0),
                size,
                Part.SKIN,
                along=along,
                colour=eyes.lash,
                opacity=0.92 if above else 0.45,
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
        colour=eyes.lash,
        opacity=0.9,
        anchor=eye_point(azimuth, upper + 1e-3, LID_RADIUS),
    )
    return Surfels.join([*sets, line]).both_sides()


def brows(brow: Brows, form: np.ndarray, rng: np.random.Generator) -> Surfels:
    """Brow hairs, growing up at the nose and outwards along the arch."""
    count = brow.count
    share = rng.random(count) ** 0.9
    across = rng.random(count) * 2 - 1
    x, height, thick = brow_course(brow, share)
    origins = np.stack([x, BROW_Y + 0 * x, height + across * thick], axis=1)
    outward = unit(brow_outward(share))
    root = sdf.cast(form, origins - outward * 20, outward, 80.0)
    normal = sdf.normals(form, root)
    rise = np.interp(share, [0, 0.25, 1], [1.1, 0.42, -0.28])
    direction = np.stack([np.ones(count), 0 * x, rise - 0.35 * across], axis=1)
    direction = unit(direction - (direction * normal).sum(axis=1, keepdims=True) * normal + 0.22 * normal)
    long = brow.length * 5.2 * (1 - 0.35 * share) * (0.8 + 0.4 * rng.random(count))
    steps = 3
    place, along, half, t = hairs(root + 0.1 * normal, direction, -0.14 * normal, long, steps)
    colour = np.array(brow.colour) * (0.8 + 0.45 * rng.random((count, 1)))
    size = np.stack([half, 0.30 * (1 - 0.6 * t)], axis=1)
    surfels = make(
        place,
        np.repeat(normal, steps, axis=0),
        size,
        Part.SKIN,
        along=along,
        colour=np.repeat(colour, steps, axis=0),
        opacity=0.85 - 0.3 * t,
        anchor=np.repeat(root, steps, axis=0),
    )
    return surfels.both_sides()


def moustache(colour: np.ndarray, form: np.ndarray, rng: np.random.Generator) -> Surfels:
    """Hairs that lie on the moustache's volume, combed outwards and down."""
    line, thick = moustache_line()
    count = 330
    share = rng.random(count)
    row = (share * (len(line) - 1)).astype(int)
    tilt = rng.random(count) * 2.4 - 0.9
    along = unit(np.gradient(line, axis=0))[row]
    front = unit(np.cross(along, [0.0, 0.0, 1.0]) * -1.0)
    front *= -np.sign(front[:, 1:2])
    up = np.cross(along, front)
    up *= np.sign(up[:, 2:3])
    outward = np.cos(tilt)[:, None] * front + np.sin(tilt)[:, None] * up
    root = sdf.cast(form, line[row], outward, 14.0)
    # where the face bulges, the ray meets the cheek first
    near = np.linalg.norm(root - line[row], axis=1) < thick[row] + 2.0
    root, row, share, along = root[near], row[near], share[near], along[near]
    count = len(root)
    normal = sdf.normals(form, root)
    direction = unit(along + (0.15 + 0.3 * rng.random((count, 1))) * [0.1, -0.2, -1.0] + 0.12 * normal)
    long = (5.0 + 4.0 * rng.random(count)) * (0.6 + 0.4 * share)
    place, turned, half, t = hairs(root + 0.2 * normal, direction, np.tile([0.0, 0.12, -0.22], (count, 1)), long, 3)
    size = np.stack([half, 0.58 * (1 - 0.55 * t)], axis=1)
    brightened = np.repeat(colour * (0.82 + 0.36 * rng.random((count, 1))), 3, axis=0)
    anchor = np.repeat(root, 3, axis=0)
    surfels = make(
        place,
        np.repeat(normal, 3, axis=0),
        size,
        Part.SKIN,
        along=turned,
        colour=np.clip(brightened, 0, 1),
        opacity=0.85,
        anchor=anchor,
    )
    return surfels.both_sides()
