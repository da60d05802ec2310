"""How each of the 52 ARKit blendshapes moves the head: smooth functions of place. Millimetres.

Each control is written once, for the left side or the middle; the right side is its mirror image. A function returns
the displacement (N, 3) of every point at full strength. Fields are evaluated at a point's anchor and applied at the
point itself, so that lashes, lid edges and the inside of the lips turn with the skin that carries them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...rig import ARKIT_NAMES, mirrored
from .form import (
    EYE,
    JAW_JOINT,
    LID_RADIUS,
    MOUTH_HALF_WIDTH,
    eye_point,
    eye_polar,
    lid_edges,
    mouth_side,
    slit_y,
    slit_z,
)
from .points import Part, smooth, soft

JAW_ANGLE = np.radians(14.5)
SKIN_PARTS = (Part.SKIN, Part.INNER_LIP)


@dataclass
class Tissue:
    """What the fields need to know of N points: as in `Points`."""

    position: np.ndarray
    anchor: np.ndarray
    part: np.ndarray
    given_side: np.ndarray

    def mirrored(self) -> Tissue:
        flip = np.array([-1.0, 1.0, 1.0])
        return Tissue(self.position * flip, self.anchor * flip, self.part, self.given_side)

    @cached_property
    def skin(self) -> np.ndarray:
        """1 where the face's soft tissue is, 0 elsewhere."""
        return np.isin(self.part, SKIN_PARTS).astype(float)

    @cached_property
    def x(self) -> np.ndarray:
        return self.anchor[:, 0]

    @cached_property
    def height(self) -> np.ndarray:
        """Height above the line between the lips."""
        return self.anchor[:, 2] - slit_z(self.x)

    @cached_property
    def t(self) -> np.ndarray:
        """0 in the middle of the mouth, 1 at its corners and beyond."""
        return np.minimum(np.abs(self.x) / MOUTH_HALF_WIDTH, 1)

    @cached_property
    def upper(self) -> np.ndarray:
        """1 on the upper lip, 0 on the lower, between them beside the mouth."""
        given = np.nan_to_num(self.given_side)
        inside = np.sqrt(np.maximum(1 - self.t**2, 0))
        return np.where(np.isnan(self.given_side), mouth_side(self.anchor), inside * given + (1 - inside) * 0.5)

    @cached_property
    def reach(self) -> np.ndarray:
        """Distance from the line between the lips, seen from the front."""
        return np.hypot(np.maximum(np.abs(self.x) - MOUTH_HALF_WIDTH, 0), self.height)

    @cached_property
    def front(self) -> np.ndarray:
        """1 on the face, 0 on ears, nape and throat."""
        return self.skin * smooth(-30, -58, self.anchor[:, 1])

    def lips(self, radius: float) -> np.ndarray:
        """1 on the line between the lips, falling off over `radius`."""
        return self.front * soft(self.reach, radius)

    def ball(self, centre: tuple[float, float, float], radius: float) -> np.ndarray:
        """1 at `centre`, falling off over `radius`; skin only."""
        return self.skin * soft(np.linalg.norm(self.anchor - centre, axis=1), radius)

    @cached_property
    def left(self) -> np.ndarray:
        """1 on the left half of the face, 0 on the right."""
        return smooth(-8, 8, self.x)


def displacement(name: str, tissue: Tissue) -> np.ndarray:
    """What the control `name` adds to every point at full strength, (N, 3)."""
    if name in MIDDLE:
        return MIDDLE[name](tissue)
    if name in LEFT:
        return LEFT[name](tissue)
    return LEFT[mirrored(name)](tissue.mirrored()) * [-1.0, 1.0, 1.0]


def vector(weight: np.ndarray, x: float | np.ndarray, y: float | np.ndarray, z: float | np.ndarray) -> np.ndarray:
    """`weight` (N,) times the vector (x, y, z), each a number or (N,)."""
    return np.stack(np.broadcast_arrays(weight * x, weight * y, weight * z), axis=1)


# ---- jaw ----


def jaw_weight(tissue: Tissue) -> np.ndarray:
    """How much every point goes with the jaw bone, 0 to 1."""
    height, y, z = tissue.height, tissue.anchor[:, 1], tissue.anchor[:, 2]
    beside = smooth(26, -22, height)
    inside = np.maximum(1 - tissue.t**2, 0) ** 0.4 * soft(np.maximum(height, 0), 30)
    weight = beside + inside * np.where(tissue.upper > 0.5, -beside, 1 - beside)
    # within the mouth a lip's side decides; towards its corners the tissue between them is shared
    weight = weight * smooth(14, -34, y)
    throat = smooth(-28, -66, y + 0.45 * np.minimum(z + 112, 0) * -1)
    weight = weight * np.where(z < -98, throat + (1 - throat) * smooth(-125, -98, z) * 0.8, 1)
    weight = weight * tissue.skin
    weight[np.isin(tissue.part, (Part.LOWER_TEETH, Part.TONGUE))] = 1
    cavity = tissue.part == Part.CAVITY
    weight[cavity] = smooth(-48, -76, tissue.position[cavity, 2]) * smooth(-15, -60, tissue.position[cavity, 1])
    return weight


def jaw_open(tissue: Tissue) -> np.ndarray:
    angle = JAW_ANGLE * jaw_weight(tissue)
    y, z = tissue.position[:, 1] - JAW_JOINT[1], tissue.position[:, 2] - JAW_JOINT[2]
    cos, sin = np.cos(angle), np.sin(angle)
    moved = np.stack([np.zeros_like(y), cos * y - sin * z - y, sin * y + cos * z - z], axis=1)
    # cheeks are drawn in a little as they stretch
    hollow = tissue.ball((42, -62, -62), 22) + tissue.mirrored().ball((42, -62, -62), 22)
    round_ = tissue.lips(16)
    return moved + vector(hollow, -2.2 * np.sign(tissue.x), 1.0, 0) - vector(round_, 0.10 * tissue.x, 0, 0)


def jaw_forward(tissue: Tissue) -> np.ndarray:
    return vector(jaw_weight(tissue), 0, -5.5, -1)


def jaw_left(tissue: Tissue) -> np.ndarray:
    weight = jaw_weight(tissue)
    lip = tissue.lips(14) * tissue.upper
    return vector(np.maximum(weight, 0.35 * lip), 8, 0, 0) + vector(weight, 0, 0.05 * tissue.x, 0)


def mouth_close(tissue: Tissue) -> np.ndarray:
    """Shuts exactly the gap that the jaw opens, the lower lip doing most of the way."""
    shape = (len(tissue.x),)
    x = np.clip(tissue.x, -MOUTH_HALF_WIDTH, MOUTH_HALF_WIDTH)
    line = np.stack([x, slit_y(x), slit_z(x)], axis=1)
    part = np.full(shape, int(Part.SKIN))
    lower = jaw_open(Tissue(line, line, part, np.zeros(shape)))
    upper = jaw_open(Tissue(line, line, part, np.ones(shape)))
    gap = lower - upper
    # the gap itself vanishes towards the corners, so a hard step between the lips leaves no tear beyond them
    above = np.where(np.isnan(tissue.given_side), tissue.height > 0, tissue.given_side > 0.5)
    share = np.where(above, 0.3 * soft(tissue.reach, 15), -0.7 * soft(tissue.reach, 26))
    return (tissue.front * share)[:, None] * gap


# ---- mouth ----


def mouth_funnel(tissue: Tissue) -> np.ndarray:
    lips = tissue.lips(17)
    round_ = np.sqrt(np.maximum(1 - tissue.t**2, 0))
    part = tissue.lips(13) * round_
    roll = 1 + 0.35 * soft(tissue.reach, 7)
    return (
        vector(lips, -0.34 * np.clip(tissue.x, -34, 34), (-7.5 - 3.5 * tissue.t) * roll, 0)
        + vector(part * tissue.upper, 0, 0, 5.5)
        + vector(part * (1 - tissue.upper), 0, 0, -7.0)
    )


def mouth_pucker(tissue: Tissue) -> np.ndarray:
    lips = tissue.lips(17)
    return vector(
        lips,
        -0.43 * np.clip(tissue.x, -34, 34),
        -8.5 - 4.5 * tissue.t + 0.35 * np.minimum(tissue.reach, 14),
        0.18 * np.clip(tissue.height, -12, 12),
    )


def mouth_left(tissue: Tissue) -> np.ndarray:
    lips = tissue.lips(20)
    return vector(lips, 9.0, 0.28 * tissue.x * 0.6, 1.2 * tissue.x / 23)


def smile(tissue: Tissue) -> np.ndarray:
    along = smooth(-2, 24, tissue.x) ** 1.2 * soft(np.maximum(tissue.x - 23, 0), 17)
    corner = tissue.front * along * soft(tissue.height, 17)
    cheek = tissue.ball((44, -70, -30), 19)
    fold = tissue.ball((33, -84, -44), 9)
    return (
        vector(corner, 8.5, 5.5, 8.5)
        + vector(cheek, 1.5, -4.5, 5.0)
        + vector(fold, 0, 1.0, 0)
        + vector(tissue.lips(9) * tissue.left * (1 - along), 0, 1.2, -0.4)
        + lids(tissue, upper=0.0, lower=0.10, sink=0.4)
    )


def frown(tissue: Tissue) -> np.ndarray:
    along = smooth(2, 24, tissue.x) * soft(np.maximum(tissue.x - 23, 0), 13)
    corner = tissue.front * along * soft(tissue.height, 15)
    chin = tissue.ball((9, -92, -84), 13)
    return vector(corner, 1.5, 1.5, -8.5) + vector(chin, 0, -1.5, 2.0)


def dimple(tissue: Tissue) -> np.ndarray:
    corner = tissue.front * smooth(4, 25, tissue.x) * soft(np.maximum(tissue.x - 24, 0), 9) * soft(tissue.height, 11)
    pit = tissue.ball((31, -80, -59), 7)
    return vector(corner, 5.5, 4.5, 0.8) + vector(pit, 0, 3.0, 0)


def stretch(tissue: Tissue) -> np.ndarray:
    along = smooth(-4, 24, tissue.x) * soft(np.maximum(tissue.x - 23, 0), 18)
    corner = tissue.front * along * soft(tissue.height, 19)
    return vector(corner, 9.0, 5.0, -2.8)


def roll_lower(tissue: Tissue) -> np.ndarray:
    lip = tissue.front * (1 - tissue.upper) * soft(np.minimum(tissue.height + 2, 0), 9) * (1 - 0.6 * tissue.t**2)
    return vector(lip, 0, 5.0 * soft(tissue.height + 2, 7), -0.62 * np.clip(tissue.height, -11, 0) + 1.0)


def roll_upper(tissue: Tissue) -> np.ndarray:
    lip = tissue.front * tissue.upper * soft(np.maximum(tissue.height - 2, 0), 8) * (1 - 0.6 * tissue.t**2)
    return vector(lip, 0, 4.5 * soft(tissue.height - 2, 6), -0.62 * np.clip(tissue.height, 0, 9) - 1.0)


def shrug_lower(tissue: Tissue) -> np.ndarray:
    middle = soft(tissue.x, 24)
    lower = tissue.front * (1 - tissue.upper) * soft(tissue.reach, 15) * middle
    upper = tissue.front * tissue.upper * soft(tissue.reach, 7) * middle
    chin = tissue.ball((0, -92, -88), 19)
    return vector(lower, 0, -3.0, 4.2) + vector(upper, 0, -1.5, 4.2) + vector(chin, 0, -1.0, 3.5)


def shrug_upper(tissue: Tissue) -> np.ndarray:
    upper = tissue.front * tissue.upper * soft(tissue.reach, 11) * soft(tissue.x, 21)
    return vector(upper, 0, -3.2, 3.2)


def press(tissue: Tissue) -> np.ndarray:
    lip = tissue.lips(9) * tissue.left
    squeeze = -0.38 * np.clip(tissue.height, -10, 9) + np.where(tissue.upper > 0.5, -0.5, 0.5)
    corner = tissue.ball((26, -86, -59), 11)
    return vector(lip, 0, 1.8, squeeze * (1 - tissue.t**2)) + vector(corner, 2.0, 2.5, 0.5)


def lower_down(tissue: Tissue) -> np.ndarray:
    round_ = np.sqrt(np.maximum(1 - tissue.t**2, 0))
    lower = tissue.front * (1 - tissue.upper) * soft(tissue.reach, 15) * tissue.left * (0.35 + 0.65 * round_)
    return vector(lower, 1.5, -1.2, -8.0) * smooth(0, 1, 1.2 - tissue.t)[:, None]


def upper_up(tissue: Tissue) -> np.ndarray:
    round_ = np.sqrt(np.maximum(1 - tissue.t**2, 0))
    upper = tissue.front * tissue.upper * soft(tissue.reach, 12) * tissue.left * (0.3 + 0.7 * round_)
    cheek = tissue.ball((24, -90, -42), 13)
    return vector(upper, 0.8, -0.8, 7.0) * smooth(0, 1, 1.2 - tissue.t)[:, None] + vector(cheek, 0.5, -1.5, 2.5)


def tongue_out(tissue: Tissue) -> np.ndarray:
    y = tissue.position[:, 1]
    tongue = (tissue.part == Part.TONGUE).astype(float)
    forward = smooth(-46, -88, y) * tongue
    droop = smooth(-70, -92, y) * tongue
    out = vector(forward, -0.25 * tissue.position[:, 0], -28.0, 5.5) + vector(droop, 0, 2.0, -13.0)
    lip = tissue.lips(12) * np.sqrt(np.maximum(1 - (tissue.x / 19) ** 2, 0))
    return out + vector(lip * (1 - tissue.upper), 0, -2.0, -6.0) + vector(lip * tissue.upper, 0, -1.0, 3.5)


# ---- cheeks, nose, brows ----


def cheek_puff(tissue: Tissue) -> np.ndarray:
    out = np.zeros_like(tissue.position)
    for side in (1, -1):
        weight = tissue.ball((45 * side, -66, -47), 23) * smooth(4, 26, tissue.x * side)
        out += vector(weight, 8.0 * side, -7.0, 0.5)
    return out + vector(tissue.lips(13), -0.12 * np.clip(tissue.x, -30, 30), -3.0, 0)


def cheek_squint(tissue: Tissue) -> np.ndarray:
    return vector(tissue.ball((42, -74, -24), 16), 1.0, -2.5, 5.0) + lids(tissue, upper=0.0, lower=0.25, sink=0.7)


def sneer(tissue: Tissue) -> np.ndarray:
    wing = tissue.ball((11, -98, -31), 11)
    ridge = tissue.ball((12, -88, -10), 11)
    brow = tissue.ball((14, -88, 27), 15)
    lip = tissue.front * tissue.upper * soft(tissue.reach, 14) * soft(tissue.x - 13, 11)
    return (
        vector(wing * smooth(-2, 8, tissue.x), 1.6, 0.8, 4.5)
        + vector(ridge, 0, -1.6, 1.8)
        + vector(brow, -0.8, -0.8, -3.0)
        + vector(lip, 0, -0.6, 3.2)
    )


def _brow(tissue: Tissue) -> np.ndarray:
    """The band of the forehead that the brows ride on; thins towards hairline and lids."""
    z = tissue.anchor[:, 2]
    band = np.where(z > 30, soft(z - 30, 24), soft(z - 30, 13))
    return tissue.skin * band * smooth(-36, -60, tissue.anchor[:, 1])


def brow_down(tissue: Tissue) -> np.ndarray:
    inner, outer = soft(tissue.x - 15, 18), soft(tissue.x - 44, 20)
    band = _brow(tissue) * tissue.left
    return vector(band * inner, -2.8, -1.8, -7.0) + vector(band * outer, -0.5, 0, -3.0)


def brow_inner_up(tissue: Tissue) -> np.ndarray:
    return vector(_brow(tissue) * soft(np.abs(tissue.x) - 10, 21), 0, 0.5, 9.0)


def brow_outer_up(tissue: Tissue) -> np.ndarray:
    return vector(_brow(tissue) * smooth(14, 34, tissue.x) * soft(np.maximum(tissue.x - 48, 0), 16), 0, 1.0, 8.5)


# ---- eyes and lids ----


def lids(tissue: Tissue, upper: float, lower: float, close: float = 0.0, sink: float = 0.0) -> np.ndarray:
    """Slides the left lids over the eyeball.

    Args:
        tissue: the points.
        upper, lower: part of the opening that each lid crosses, towards the other; negative opens.
        close: elevation (radians) by which both edges overlap once they meet.
        sink: how far the lower lid draws back; where a blink comes on top, it slides beneath the upper lid.
    """
    azimuth, elevation, radius = eye_polar(tissue.anchor)
    low, high = lid_edges(azimuth)
    opening = high - low
    middle = 0.5 * (low + high)
    weight = soft(np.maximum(np.abs(radius - LID_RADIUS) - 1.0, 0), 4.0) * tissue.skin * (np.abs(azimuth) < 1.5)
    above = elevation > middle
    fold = 1 - smooth(0, 1, np.where(above, (elevation - high) / 0.62, (low - elevation) / 0.5))
    turn = np.where(above, -upper * opening - close * (opening > 0.02), lower * opening) * fold * weight
    own_azimuth, own_elevation, own_radius = eye_polar(tissue.position)
    drawn = np.where(above, 0, sink) * fold * weight
    return eye_point(own_azimuth, own_elevation + turn, own_radius - drawn) - tissue.position


def blink(tissue: Tissue) -> np.ndarray:
    bulge = tissue.ball((EYE[0], EYE[1] - 18, EYE[2] - 14), 8)
    return lids(tissue, upper=0.8, lower=0.2, close=0.02) + vector(bulge, 0, 0, 0.6)


def squint(tissue: Tissue) -> np.ndarray:
    cheek = tissue.ball((36, -80, -20), 13)
    return lids(tissue, upper=0.18, lower=0.30, sink=0.7) + vector(cheek, 0, -1.2, 2.2)


def wide(tissue: Tissue) -> np.ndarray:
    return lids(tissue, upper=-0.26, lower=-0.1)


def _look(tissue: Tissue, yaw: float, pitch: float) -> np.ndarray:
    """Turns the left eyeball; degrees, outwards and upwards."""
    chosen = (tissue.part == Part.EYE) & (tissue.position[:, 0] > 0)
    out = np.zeros_like(tissue.position)
    x, y, z = (tissue.position[chosen] - EYE).T
    a, b = np.radians(yaw), np.radians(pitch)
    x, y = np.cos(a) * x - np.sin(a) * y, np.sin(a) * x + np.cos(a) * y
    y, z = np.cos(b) * y + np.sin(b) * z, -np.sin(b) * y + np.cos(b) * z
    out[chosen] = np.stack([x, y, z], axis=1) + EYE - tissue.position[chosen]
    return out


def look_down(tissue: Tissue) -> np.ndarray:
    return _look(tissue, 0, -24) + lids(tissue, upper=0.38, lower=-0.1)


def look_up(tissue: Tissue) -> np.ndarray:
    return _look(tissue, 0, 22) + lids(tissue, upper=-0.2, lower=0.08)


def look_in(tissue: Tissue) -> np.ndarray:
    return _look(tissue, -30, 0)


def look_out(tissue: Tissue) -> np.ndarray:
    return _look(tissue, 30, 0)


MIDDLE: dict[str, Callable[[Tissue], np.ndarray]] = {
    "jawForward": jaw_forward,
    "jawOpen": jaw_open,
    "mouthClose": mouth_close,
    "mouthFunnel": mouth_funnel,
    "mouthPucker": mouth_pucker,
    "mouthRollLower": roll_lower,
    "mouthRollUpper": roll_upper,
    "mouthShrugLower": shrug_lower,
    "mouthShrugUpper": shrug_upper,
    "browInnerUp": brow_inner_up,
    "cheekPuff": cheek_puff,
    "tongueOut": tongue_out,
}

LEFT: dict[str, Callable[[Tissue], np.ndarray]] = {
    "eyeBlinkLeft": blink,
    "eyeLookDownLeft": look_down,
    "eyeLookInLeft": look_in,
    "eyeLookOutLeft": look_out,
    "eyeLookUpLeft": look_up,
    "eyeSquintLeft": squint,
    "eyeWideLeft": wide,
    "jawLeft": jaw_left,
    "mouthLeft": mouth_left,
    "mouthSmileLeft": smile,
    "mouthFrownLeft": frown,
    "mouthDimpleLeft": dimple,
    "mouthStretchLeft": stretch,
    "mouthPressLeft": press,
    "mouthLowerDownLeft": lower_down,
    "mouthUpperUpLeft": upper_up,
    "browDownLeft": brow_down,
    "browOuterUpLeft": brow_outer_up,
    "cheekSquintLeft": cheek_squint,
    "noseSneerLeft": sneer,
}

assert {*MIDDLE, *LEFT, *map(mirrored, LEFT)} == set(ARKIT_NAMES)
