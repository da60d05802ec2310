"""The controls of jaw, lips and tongue, for the left side or the middle. Millimetres; see `deform`."""

from __future__ import annotations

import numpy as np

from .anatomy import JAW_JOINT, MOUTH_HALF_WIDTH, MOUTH_Z, slit_y, slit_z
from .deformation_fields import FieldPoints, vector
from .eye_controls import LIDS, slide
from .surfels import Part, smooth, soft

JAW_ANGLE = np.radians(14.5)
CLOSE_UPPER = 0.2
"""The upper lip's share of the way that closes an open mouth."""
CLOSE_YIELDS = 0.8
"""How much of that way is lost where the mouth is not open."""


def jaw_weight(points: FieldPoints) -> np.ndarray:
    """How much every point goes with the jaw bone, 0 to 1."""
    height, y, z = points.height, points.anchor[:, 1], points.anchor[:, 2]
    beside = smooth(26, -22, height)
    inside = np.maximum(1 - points.t**2, 0) ** 0.5 * soft(np.maximum(height, 0), 30)
    weight = beside + inside * np.where(points.upper > 0.5, -beside, 1 - beside)
    # within the mouth a lip's side decides; towards its corners the tissue between them is shared
    weight = weight * smooth(14, -34, y)
    throat = smooth(-28, -66, y + 0.45 * np.minimum(z + 112, 0) * -1)
    weight = weight * np.where(z < -98, throat + (1 - throat) * smooth(-125, -98, z) * 0.8, 1)
    weight = weight * points.skin
    weight[np.isin(points.part, (Part.LOWER_TEETH, Part.TONGUE))] = 1
    cavity = points.part == Part.CAVITY
    weight[cavity] = smooth(-48, -76, points.position[cavity, 2]) * smooth(-15, -60, points.position[cavity, 1])
    return weight


def jaw_open(points: FieldPoints, strength: float = 1.0) -> np.ndarray:
    return jaw_turn(points, strength * JAW_ANGLE * jaw_weight(points)) + strength * jaw_soft(points)


def jaw_turn(points: FieldPoints, angle: np.ndarray) -> np.ndarray:
    """Turns points about the jaw's joint, (N,) radians."""
    y, z = points.position[:, 1] - JAW_JOINT[1], points.position[:, 2] - JAW_JOINT[2]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.zeros_like(y), cos * y - sin * z - y, sin * y + cos * z - z], axis=1)


def jaw_soft(points: FieldPoints) -> np.ndarray:
    """What an open jaw does to soft tissue: cheeks are drawn in a little as they stretch, the mouth narrows."""
    hollow = points.ball((42, -62, -62), 22) + points.mirrored().ball((42, -62, -62), 22)
    return vector(hollow, -2.2 * np.sign(points.x), 1.0, 0) - vector(points.lips(16), 0.10 * points.x, 0, 0)


def jaw_forward(points: FieldPoints) -> np.ndarray:
    return vector(jaw_weight(points), 0, -7.5, -1)


def jaw_left(points: FieldPoints) -> np.ndarray:
    weight = jaw_weight(points)
    lip = points.lips(14) * points.upper
    return vector(np.maximum(weight, 0.35 * lip), 8, 0, 0) + vector(weight, 0, 0.05 * points.x, 0)


def mouth_close(points: FieldPoints, strength: float = 1.0) -> np.ndarray:
    """Shuts exactly the gap that the jaw opens, the lower lip doing most of the way.

    Where there is no gap it soon gives way: the first bit of the way is whole, at full strength the lips only press.
    """
    shape = (len(points.x),)
    x = np.clip(points.x, -MOUTH_HALF_WIDTH, MOUTH_HALF_WIDTH)
    line = np.stack([x, slit_y(x), slit_z(x)], axis=1)
    part = np.full(shape, int(Part.SKIN))
    lower, upper = (FieldPoints(line, line, part, np.full(shape, side)) for side in (0.0, 1.0))

    def opened(jaw: float) -> np.ndarray:
        return jaw_open(lower, jaw) - jaw_open(upper, jaw)

    # at every strength the way that the jaw has opened at the same, but for the square that gives way
    way = opened(strength) - CLOSE_YIELDS * strength**2 * opened(1.0)
    # the gap itself vanishes towards the corners, so a hard step between the lips leaves no tear beyond them
    above = np.where(np.isnan(points.given_side), points.height > 0, points.given_side > 0.5)
    share = np.where(above, CLOSE_UPPER * soft(points.reach, 15), (CLOSE_UPPER - 1) * soft(points.reach, 26))
    return (points.front * share)[:, None] * way


def mouth_funnel(points: FieldPoints) -> np.ndarray:
    """An O: corners drawn in, forwards and level, lips far before the teeth, which part a little."""
    lips = points.lips(17)
    part = points.lips(13) * np.maximum(1 - points.t**2, 0) ** 0.4
    roll = 1 + 0.35 * soft(points.reach, 7)
    level = MOUTH_Z[0] - slit_z(points.x)
    chin = points.ball((0, -90, -90), 16)
    # as much of the lower teeth and of the tongue as an O shows
    below = np.isin(points.part, (Part.LOWER_TEETH, Part.TONGUE)) * smooth(-62, -84, points.position[:, 1])
    return (
        vector(lips, -0.40 * np.clip(points.x, -34, 34), (-7.0 - 3.5 * points.t) * roll, 0.8 * level)
        + vector(part * points.upper, 0, 0, 3.6)
        + vector(part * (1 - points.upper), 0, 0, -10.4)
        + vector(chin * (1 - points.upper), 0, 0.8, -3.2)
        + vector(below, 0, 2.0, -6.2)
    )


def mouth_pucker(points: FieldPoints) -> np.ndarray:
    lips = points.lips(17)
    return vector(
        lips,
        -0.41 * np.clip(points.x, -34, 34),
        -8.5 - 3.6 * points.t + 0.35 * np.minimum(points.reach, 14),
        0.18 * np.clip(points.height, -12, 12) + 0.8,
    )


def mouth_left(points: FieldPoints) -> np.ndarray:
    lips = points.lips(21)
    around = points.front * soft(np.maximum(points.reach - 14, 0), 16) * smooth(-30, -42, points.anchor[:, 2])
    behind = smooth(20, -26, points.x)
    return vector(lips, 8.5 + 2.5 * behind, 0.2 * points.x, 1.6 * points.x / 23) + vector(around, 2.2, 0, 0)


def smile(points: FieldPoints) -> np.ndarray:
    along = smooth(-2, 24, points.x) ** 1.2 * soft(np.maximum(points.x - 23, 0), 17)
    corner = points.front * along * soft(points.height, 17)
    cheek = points.ball((44, -70, -30), 19)
    fold = points.ball((33, -84, -44), 9)
    return (
        vector(corner, 8.5, 5.5, 8.5)
        + vector(cheek, 1.5, -4.5, 5.0)
        + vector(fold, 0, 1.0, 0)
        + vector(points.lips(9) * points.left * (1 - along), 0, 1.2, -0.4)
        + slide(points, LIDS["mouthSmileLeft"])
    )


def frown(points: FieldPoints) -> np.ndarray:
    along = smooth(2, 24, points.x) * soft(np.maximum(points.x - 23, 0), 13)
    corner = points.front * along * soft(points.height, 15)
    chin = points.ball((9, -92, -84), 13)
    return vector(corner, 1.2, 1.5, -7.5) + vector(chin, 0, -1.5, 2.0)


def dimple(points: FieldPoints) -> np.ndarray:
    corner = points.front * smooth(2, 25, points.x) * soft(np.maximum(points.x - 24, 0), 9) * soft(points.height, 12)
    pit = points.ball((31, -80, -59), 7)
    cheek = points.ball((42, -70, -46), 14)
    return vector(corner, 3.4, 5.2, 1.8) + vector(pit, -1.0, 2.5, 0.6) + vector(cheek, 0.8, -2.6, 0.8)


def stretch(points: FieldPoints) -> np.ndarray:
    along = smooth(-4, 24, points.x) * soft(np.maximum(points.x - 23, 0), 18)
    corner = points.front * along * soft(points.height, 19)
    return vector(corner, 9.0, 5.0, -2.8)


def roll_lower(points: FieldPoints) -> np.ndarray:
    lip = points.front * (1 - points.upper) * soft(np.minimum(points.height + 2, 0), 9) * (1 - 0.6 * points.t**2)
    chin = points.ball((0, -91, -84), 13) * (1 - points.upper)
    rolled = vector(lip, 0, 5.4 * soft(points.height + 2, 7), -0.68 * np.clip(points.height, -11, 0) + 1.0)
    return rolled + vector(chin, 0, -1.2, 2.2)


def roll_upper(points: FieldPoints) -> np.ndarray:
    lip = points.front * points.upper * soft(np.maximum(points.height - 2, 0), 8) * (1 - 0.6 * points.t**2)
    return vector(lip, 0, 5.0 * soft(points.height - 2, 6), -0.68 * np.clip(points.height, 0, 9) - 1.0)


def shrug_lower(points: FieldPoints) -> np.ndarray:
    middle = soft(points.x, 26)
    lower = points.front * (1 - points.upper) * soft(points.reach, 15) * middle
    upper = points.front * points.upper * soft(points.reach, 7) * middle
    chin = points.ball((0, -92, -92), 21)
    return vector(lower, 0, -3.6, 4.4) + vector(upper, 0, -1.2, 3.4) + vector(chin, 0, -1.6, 6.0)


def shrug_upper(points: FieldPoints) -> np.ndarray:
    upper = points.front * points.upper * soft(points.reach, 12) * soft(points.x, 22)
    return vector(upper, 0, -1.6, 4.6)


def press(points: FieldPoints) -> np.ndarray:
    lip = points.lips(9) * points.left
    squeeze = -0.38 * np.clip(points.height, -10, 9) + np.where(points.upper > 0.5, -0.5, 0.5)
    corner = points.ball((26, -86, -59), 10)
    chin = points.ball((9, -91, -86), 15) * points.left
    below = points.front * (1 - points.upper) * soft(points.height + 9, 6) * soft(points.x, 24) * points.left
    return (
        vector(lip, 0, 1.0, squeeze * (1 - points.t**2))
        + vector(corner, 0.3, 0.8, 1.4)
        + vector(chin, 0, -0.9, 2.2)
        + vector(below, 0, -0.8, 1.0)
    )


def lower_down(points: FieldPoints) -> np.ndarray:
    round_ = np.sqrt(np.maximum(1 - points.t**2, 0))
    lower = points.front * (1 - points.upper) * soft(points.reach, 15) * points.left * (0.35 + 0.65 * round_)
    chin = points.ball((8, -91, -86), 14) * (1 - points.upper)
    return vector(lower, 1.5, 0.2, -7.5) * smooth(0, 1, 1.2 - points.t)[:, None] + vector(chin, 0, 1.0, -1.8)


def upper_up(points: FieldPoints) -> np.ndarray:
    round_ = np.sqrt(np.maximum(1 - points.t**2, 0))
    side = smooth(-12, 9, points.x)
    upper = points.front * points.upper * soft(points.reach, 13) * side * (0.3 + 0.7 * round_)
    cheek = points.ball((27, -88, -43), 16)
    wing = points.ball((12, -97, -32), 9)
    return (
        vector(upper, 0.8, 0.2, 7.0) * smooth(0, 1, 1.2 - points.t)[:, None]
        + vector(cheek, 0.8, -1.8, 3.2)
        + vector(wing, 1.2, 0.6, 2.2)
    )


def tongue_out(points: FieldPoints) -> np.ndarray:
    y = points.position[:, 1]
    tongue = (points.part == Part.TONGUE).astype(float)
    forward = smooth(-46, -88, y) * tongue
    droop = smooth(-70, -92, y) * tongue
    out = vector(forward, -0.25 * points.position[:, 0], -28.0, -0.5) + vector(droop, 0, 2.0, -8.0)
    lip = points.lips(12) * np.sqrt(np.maximum(1 - (points.x / 19) ** 2, 0))
    return out + vector(lip * (1 - points.upper), 0, -2.0, -6.0) + vector(lip * points.upper, 0, -1.0, 3.5)
