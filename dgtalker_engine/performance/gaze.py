"""A performance whose eyes meet a target: the eyes shift at once, the head follows with its share, and lids blink.

How eyes and head divide a shift of gaze, and that large ones come with a blink: Ruhland et al., "A review of eye gaze
in virtual agents, social robotics and HCI: behaviour modelling, user interaction and perception" (2015).
"""

from __future__ import annotations

import numpy as np

from ..rig import HEAD_NAMES
from .direction import ease
from .record import Performance

EYE_RANGE = np.radians(35.0)
"""The turn of the eyes at a look of 1 in ARKit."""

_HEAD_RANGE = np.radians([22.0, 14.0])
"""How far the head follows at most: yaw and pitch."""
_HEAD_SECONDS = 0.12
"""Time constant of each of the two lags by which the head follows the eyes."""
_BEHIND = np.radians([75.0, 110.0])
"""From which angle on a target is let go, and from which on nobody looks at it."""
_SHIFT, _SHIFT_SECONDS = np.radians(12.0), 0.12
"""A shift that comes with a blink: so far within that time."""
_CLOSE, _SHUT, _OPEN = 0.07, 0.042, 0.17
_APART = 0.5
"""Seconds between blinks of shifts."""

SIDE = {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0, "eyeLookInLeft": -1.0, "eyeLookOutRight": -1.0}
DOWN = {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0, "eyeLookUpLeft": -1.0, "eyeLookUpRight": -1.0}
_BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")


def looking_at(
    performance: Performance, target: np.ndarray, amount: np.ndarray, head_share: float | None
) -> Performance:
    """A performance that looks at a point.

    Args:
        performance: its head turns by `rig.HEAD_NAMES`, where it does.
        target: from between the eyes to the point, in the space of the head as its performance has not turned it,
            metres or any other unit, (frames, 3).
        amount: 0 as it looked before, 1 at the target, (frames,).
        head_share: how much of the way the head turns, 0–1; the eyes do the rest. None: the turns of this performance's
            head are not played.
    """
    angles = _angles(target)
    amount = amount * (1.0 - ease((np.abs(angles[:, 0]) - _BEHIND[0]) / (_BEHIND[1] - _BEHIND[0])))
    curves = {name: performance.curve(name).astype(np.float64) for name in performance.names}
    if head_share is not None:
        follow = np.clip(head_share * angles, -_HEAD_RANGE, _HEAD_RANGE) * amount[:, None]
        for name, turn in zip(HEAD_NAMES, _lagged(follow, performance.fps).T, strict=False):
            curves[name] = curves[name] + turn
        angles = angles - np.stack([curves[name] for name in HEAD_NAMES[:2]], axis=1)
    side, down = np.clip(angles / EYE_RANGE, -1.0, 1.0).T
    lowered = _look_of(curves, DOWN)
    for looks, value in ((SIDE, side), (DOWN, down)):
        for name, sign in looks.items():
            if name in curves:
                curves[name] = (1.0 - amount) * curves[name] + amount * np.maximum(sign * value, 0.0)
    # Lids go with the eyes, as in `perform`; a lid that is shut stays so.
    lid = 0.5 * (np.maximum(_look_of(curves, DOWN), 0.0) - np.maximum(lowered, 0.0))
    blink = _shift_blinks(_angles(target), amount, performance.fps)
    for name in _BLINKS:
        if name in curves:
            curves[name] = np.maximum(np.clip(curves[name] + lid * (1.0 - curves[name]), 0.0, 1.0), blink)
    weights = np.stack([curves[name] for name in performance.names], axis=1).astype(np.float32)
    return Performance(performance.fps, performance.names, weights)


def looking_beside(
    performance: Performance, target: np.ndarray, aside: np.ndarray, amount: np.ndarray, head_share: float | None
) -> Performance:
    """`looking_at` with eyes that go beside the point.

    Args:
        aside: yaw to the own left and pitch down, radians (frames, 2).
    """
    yaw, pitch = (_angles(target) + aside).T
    beside = np.stack([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), -np.sin(pitch)], axis=1)
    return looking_at(performance, beside, amount, head_share)


def _angles(target: np.ndarray) -> np.ndarray:
    """Yaw to the face's own left and pitch down of directions, radians (frames, 2)."""
    x, y, z = target.astype(np.float64).T
    return np.stack([np.arctan2(x, -y), np.arctan2(-z, np.hypot(x, y))], axis=1)


def _look_of(curves: dict[str, np.ndarray], looks: dict[str, float]) -> np.ndarray | float:
    """What the left eye does: its look the one way, less that the other."""
    left = [sign * curves[name] for name, sign in looks.items() if name.endswith("Left") and name in curves]
    return sum(left[1:], left[0]) if left else 0.0


def _lagged(goal: np.ndarray, fps: float) -> np.ndarray:
    """What comes after a goal by two lags of first order, which begins where the goal does; (frames, n)."""
    keep = np.exp(-1.0 / (_HEAD_SECONDS * fps))
    for _ in range(2):
        goal = goal.copy()
        for i in range(1, len(goal)):
            goal[i] += keep * (goal[i - 1] - goal[i])
    return goal


def _shift_blinks(angles: np.ndarray, amount: np.ndarray, fps: float) -> np.ndarray:
    """How far lids are shut for shifts of gaze, (frames,): each blink begins with its shift."""
    blinks, free = np.zeros(len(angles)), -np.inf
    led = angles * amount[:, None]
    steps = max(1, round(_SHIFT_SECONDS * fps))
    times = np.arange(len(angles)) / fps
    for row in range(len(angles) - 1):
        far = np.linalg.norm(led[min(row + steps, len(led) - 1)] - led[row])
        if far > _SHIFT and times[row] >= free:
            begin = times[row] - 0.5 * _CLOSE
            shape = ease((times - begin) / _CLOSE) * ease((begin + _CLOSE + _SHUT + _OPEN - times) / _OPEN)
            blinks = np.maximum(blinks, shape)
            free = times[row] + _APART
    return blinks
