"""The controls of eyes and lids, for the left side. Millimetres; see `deform`. The eyeballs turn about joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import EYE, LID_RADIUS, eye_point, eye_polar, lid_edges
from .deformation_fields import FieldPoints, vector
from .surfels import smooth, soft


@dataclass(frozen=True)
class Lids:
    """How far the lids of an eye slide.

    Attributes:
        upper, lower: part of the opening that each crosses, towards the other; negative opens.
        close: elevation (radians) by which both edges overlap once they meet.
        sink: how far the lower lid draws back; where a blink comes on top, it slides beneath the upper lid.
    """

    upper: float = 0.0
    lower: float = 0.0
    close: float = 0.0
    sink: float = 0.0


BLINK = Lids(upper=0.8, lower=0.2, close=0.02)
LIDS: dict[str, Lids] = {
    "eyeBlinkLeft": BLINK,
    "eyeSquintLeft": Lids(upper=0.10, lower=0.26, sink=0.7),
    "eyeWideLeft": Lids(upper=-0.26, lower=-0.1),
    "eyeLookDownLeft": Lids(upper=0.38, lower=-0.1),
    "eyeLookUpLeft": Lids(upper=-0.2, lower=0.08),
    "cheekSquintLeft": Lids(lower=0.16, sink=0.6),
    "mouthSmileLeft": Lids(lower=0.10, sink=0.4),
    "gazeUp": Lids(upper=-0.29, lower=0.09),
}
"""What each control does to the left lids."""

LID_SWING = 0.075
"""How far (radians) the middle of the lids goes sideways with a gaze to the side."""


def slide(points: FieldPoints, lids: Lids, strength: float = 1.0) -> np.ndarray:
    """Slides the left lids over the eyeball, part of the way where `strength` is less than 1."""
    azimuth, elevation, radius = eye_polar(points.anchor)
    low, high = lid_edges(azimuth)
    opening = high - low
    middle = 0.5 * (low + high)
    weight = soft(np.maximum(np.abs(radius - LID_RADIUS) - 1.0, 0), 4.0) * points.skin * (np.abs(azimuth) < 1.5)
    above = elevation > middle
    fold = 1 - smooth(0, 1, np.where(above, (elevation - high) / 0.62, (low - elevation) / 0.5))
    overlap = lids.close * (opening > 0.02)
    turn = np.where(above, -lids.upper * opening - overlap, lids.lower * opening) * fold * weight
    own_azimuth, own_elevation, own_radius = eye_polar(points.position)
    drawn = np.where(above, 0, lids.sink) * fold * weight
    return eye_point(own_azimuth, own_elevation + strength * turn, own_radius - strength * drawn) - points.position


def blink(points: FieldPoints, strength: float = 1.0) -> np.ndarray:
    bulge = points.ball((EYE[0], EYE[1] - 18, EYE[2] - 14), 8)
    return slide(points, BLINK, strength) + vector(bulge, 0, 0, 0.6 * strength)


def squint(points: FieldPoints) -> np.ndarray:
    cheek = points.ball((36, -80, -20), 13)
    outer = points.ball((60, -52, 1), 11)
    return slide(points, LIDS["eyeSquintLeft"]) + vector(cheek, -0.6, -1.2, 2.2) + vector(outer, -1.4, -0.8, 0)


def wide(points: FieldPoints) -> np.ndarray:
    return slide(points, LIDS["eyeWideLeft"])


def look_down(points: FieldPoints) -> np.ndarray:
    return slide(points, LIDS["eyeLookDownLeft"])


def look_up(points: FieldPoints) -> np.ndarray:
    return slide(points, LIDS["eyeLookUpLeft"])


def gaze_up(points: FieldPoints) -> np.ndarray:
    """The lids of both eyes."""
    other = slide(points.mirrored(), LIDS["gazeUp"]) * [-1.0, 1.0, 1.0]
    return np.where(points.position[:, :1] > 0, slide(points, LIDS["gazeUp"]), other)


def look_out(points: FieldPoints) -> np.ndarray:
    return _swing(points, LID_SWING)


def look_in(points: FieldPoints) -> np.ndarray:
    return _swing(points, -LID_SWING)


def gaze_side(points: FieldPoints) -> np.ndarray:
    """The lids of both eyes."""
    other = _swing(points.mirrored(), -LID_SWING) * [-1.0, 1.0, 1.0]
    return np.where(points.position[:, :1] > 0, _swing(points, LID_SWING), other)


def _swing(points: FieldPoints, angle: float) -> np.ndarray:
    """Takes the middle of the left lids sideways, as the cornea beneath them does."""
    azimuth, elevation, radius = eye_polar(points.anchor)
    low, high = lid_edges(azimuth)
    weight = (
        soft(np.maximum(np.abs(radius - LID_RADIUS) - 1.0, 0), 4.0) * points.skin * smooth(0.95, 0.35, abs(azimuth))
    )
    beyond = np.maximum(np.maximum(elevation - high, low - elevation), 0)
    reach = angle * weight * soft(beyond, 0.3)
    # straight on, not along the arc: to the other side it is the same the other way
    x, y, _ = (points.position - EYE).T
    return vector(reach, -y, x, 0)


def nothing(points: FieldPoints) -> np.ndarray:
    """What joints do alone."""
    return np.zeros_like(points.position)


def shut(points: FieldPoints, name: str) -> np.ndarray:
    """What `name` and a blink do to the lids together: they meet, wherever that has moved the lower one."""
    lids = LIDS[name]
    lower = float(np.clip(BLINK.lower + lids.lower, 0.0, 0.6))
    return slide(points, Lids(1 - lower, lower, BLINK.close, lids.sink))
