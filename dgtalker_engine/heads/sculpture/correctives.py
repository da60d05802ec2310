"""Controls that break one another when they are summed, and how the face looks when both are at full strength.

Each is written for the left side or the middle; a function is given the points and `displacement`, which says what one
control does alone, and returns the displacement (N, 3) of both together. Millimetres; see `deform`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from . import eye_controls as eyes
from . import mouth_controls as mouth
from .deformation_fields import FieldPoints, vector
from .surfels import smooth, soft

Alone = Callable[[str, FieldPoints], np.ndarray]
Together = Callable[[FieldPoints, Alone], np.ndarray]


def _shut(name: str, points: FieldPoints, alone: Alone) -> np.ndarray:
    """A blink and another control of the lids: whatever else that does stays."""
    beside = alone(name, points) - eyes.slide(points, eyes.LIDS[name])
    return eyes.shut(points, name) + beside + alone("eyeBlinkLeft", points) - eyes.slide(points, eyes.BLINK)


def _shut_gaze(points: FieldPoints, alone: Alone) -> np.ndarray:
    """A blink of the left eye while both look up; the right eye's lids are not its business."""
    other = alone("gazeUp", points) * (points.position[:, :1] <= 0)
    return eyes.shut(points, "gazeUp") + other + alone("eyeBlinkLeft", points) - eyes.slide(points, eyes.BLINK)


def _jaw_takes_along(points: FieldPoints, moved: np.ndarray) -> np.ndarray:
    """What the jaw, fully open, does to points that something else has moved."""
    there = FieldPoints(points.position + moved, points.anchor, points.part, points.given_side)
    return moved + mouth.jaw_turn(there, mouth.JAW_ANGLE * mouth.jaw_weight(points))


def _close(points: FieldPoints, alone: Alone) -> np.ndarray:
    return alone("jawOpen", points) + _whole_close(points, alone)


def _whole_close(points: FieldPoints, alone: Alone) -> np.ndarray:
    """All the way that the jaw has opened."""
    return alone("mouthClose", points) / (1 - mouth.CLOSE_YIELDS)


def _smile(points: FieldPoints, alone: Alone) -> np.ndarray:
    """The corner stays where the smile draws it: wide, and not halfway down with the jaw."""
    smile = alone("mouthSmileLeft", points)
    corner = points.front * points.left * soft(np.hypot(points.x - 24, points.height), 16)
    return _jaw_takes_along(points, smile) + mouth.jaw_soft(points) + vector(corner, 2.6, 0.0, 3.0)


def _pucker(points: FieldPoints, alone: Alone) -> np.ndarray:
    """A small round opening: the lips close over much of what the jaw opens."""
    moved = _jaw_takes_along(points, alone("mouthPucker", points)) + mouth.jaw_soft(points)
    return moved + 0.44 * _whole_close(points, alone)


def _funnel(points: FieldPoints, alone: Alone) -> np.ndarray:
    """A large O: the lips go along with the jaw, and the corners, which it stretches, come in less."""
    funnel = alone("mouthFunnel", points)
    lips = _jaw_takes_along(points, funnel + vector(points.lips(17), 0.14 * np.clip(points.x, -34, 34), 0, 0))
    inside = funnel + alone("jawOpen", points)
    return np.where(points.skin[:, None] > 0, lips + mouth.jaw_soft(points), inside)


def _funnel_pucker(points: FieldPoints, alone: Alone) -> np.ndarray:
    """A small O, not a slit: the corners come in, and the lips forwards, by little more than with one of them."""
    lips = points.lips(17)
    both = alone("mouthFunnel", points) + alone("mouthPucker", points)
    return both + vector(lips, 0.27 * np.clip(points.x, -34, 34), 6.0, -0.18 * np.clip(points.height, -12, 12))


def _funnel_smile(points: FieldPoints, alone: Alone) -> np.ndarray:
    """Neither wins: less of both at the corner, and the lips keep their thickness."""
    funnel, smile = alone("mouthFunnel", points), alone("mouthSmileLeft", points)
    share = (points.lips(22) * smooth(-6, 8, points.x))[:, None]
    return funnel * (1 - 0.35 * share) + smile * (1 - 0.3 * share)


TOGETHER: dict[tuple[str, ...], Together] = {
    ("jawOpen", "mouthClose"): _close,
    ("jawOpen", "mouthSmileLeft"): _smile,
    ("jawOpen", "mouthPucker"): _pucker,
    ("jawOpen", "mouthFunnel"): _funnel,
    ("mouthFunnel", "mouthPucker"): _funnel_pucker,
    ("mouthFunnel", "mouthSmileLeft"): _funnel_smile,
    **{
        ("eyeBlinkLeft", name): partial(_shut, name)
        for name in (
            "eyeLookDownLeft",
            "eyeLookUpLeft",
            "eyeSquintLeft",
            "eyeWideLeft",
            "cheekSquintLeft",
            "mouthSmileLeft",
        )
    },
    ("eyeBlinkLeft", "gazeUp"): _shut_gaze,
}
