"""Frames that teach nothing or teach wrong, each with its reason, and what the frames that are left cannot teach."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..errors import DGTalkerError
from .observe import Observations

NO_FACE = "no face is seen"
ANOTHER = "the followed face is not seen, but another one is"
PROFILE = "the head is turned too far to a side"
BLURRED = "the face is blurred by motion"
HIDDEN = "something is before the mouth"

MOST_YAW = 55.0
"""Degrees: beyond them the landmarker guesses the half of the face that it does not see."""
LEAST_SHARPNESS = 0.5
"""Of the clip's usual sharpness."""
LEAST_FRAMES = 25

_NEAR_FRAMES = 100
"""To either side: whose sharpness and colours are usual."""

_SEEN_YAW = 40.0
"""Degrees up to which colours around the mouth are compared: beyond, those of the far cheek lie on what is behind."""
_LEAST_LIKENESS, _LEAST_CONTRAST = 0.35, 0.25
_MOST_STRANGE = 0.3
_COLOUR_SLACK, _COLOUR_SPREADS = 24.0, 5.0

_LIPS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
    76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 307, 320, 404, 315, 16, 85, 180, 90, 77,
)  # fmt: skip
"""Landmarks on the lips' red, which nothing but lips shows."""
_AROUND = (
    2, 164, 165, 167, 391, 393, 92, 322, 186, 410, 57, 287, 43, 273, 106, 335, 182, 406, 83, 313, 18, 200, 199, 175,
    201, 421, 194, 418, 204, 424, 32, 262, 140, 369, 171, 396, 208, 428, 211, 431, 202, 422, 212, 432, 214, 434,
)  # fmt: skip
"""Landmarks between nose, cheeks and chin."""


def reject(found: Observations) -> list[str]:
    """Why each frame is left out (n,): an empty word where it is not.

    Args:
        found: of the frames of one shot.
    """
    reasons = [""] * len(found)
    blurred = np.any(found.sharpness < LEAST_SHARPNESS * usual(found.sharpness, found.found), axis=1)
    covered = hidden(found)
    for i in range(len(found)):
        if not found.found[i]:
            reasons[i] = ANOTHER if found.faces[i] else NO_FACE
        elif abs(found.yaw[i]) > MOST_YAW:
            reasons[i] = PROFILE
        elif covered[i]:
            reasons[i] = HIDDEN
        elif blurred[i]:
            reasons[i] = BLURRED
    return reasons


def usual(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The median of the values (n, …) around each frame, of frames with a face alone; NaN where there are none."""
    out = np.full(values.shape, np.nan, np.float32)
    places = np.flatnonzero(found)
    for i in range(0, len(values), _NEAR_FRAMES // 4):
        near = places[np.abs(places - i) <= _NEAR_FRAMES]
        if len(near):
            out[i : i + _NEAR_FRAMES // 4] = np.median(values[near], axis=0)
    return out


def hidden(found: Observations) -> np.ndarray:
    """Whether something is before the mouth (n,) bool.

    Landmarks go along with what the mouth does, so the colours at them stay: red on the lips, shade under the nose.
    What covers the mouth, a hand, a cup, a microphone, takes this pattern away or changes many of its colours at once.
    On 25 clips 14 of 4800 frames are like that, of heads turned far aside; a hand painted before the
    mouth is found in all of them, a finger in none.
    """
    colours = found.colours[:, _LIPS + _AROUND].astype(np.float32)
    pattern = np.log(colours + 8)
    pattern -= pattern.mean(axis=1, keepdims=True)  # of whatever light
    typical = usual(pattern, found.found)
    product, length = (pattern * typical).sum(axis=(1, 2)), np.square(typical).sum(axis=(1, 2))
    contrast = product / length
    likeness = product / np.sqrt(np.square(pattern).sum(axis=(1, 2)) * length)
    covered = (likeness < _LEAST_LIKENESS) | (contrast < _LEAST_CONTRAST) | (_strange(colours, found) > _MOST_STRANGE)
    return covered & found.found & (np.abs(found.yaw) < _SEEN_YAW)


def _strange(colours: np.ndarray, found: Observations) -> np.ndarray:
    """Which share of the landmarks on the lips, or around them, has a colour that it has not otherwise (n,)."""
    away = colours - usual(colours, found.found)
    light = away.mean(axis=1, keepdims=True)
    away = np.abs(away - np.clip(light, -_COLOUR_SLACK, _COLOUR_SLACK))
    strange = (away > _COLOUR_SLACK + _COLOUR_SPREADS * usual(away, found.found)).any(axis=2)
    lips = len(_LIPS)
    return np.maximum(strange[:, :lips].mean(axis=1), strange[:, lips:].mean(axis=1))


def check_left(reasons: list[str], name: str) -> None:
    """Refuses a video of which too little is left.

    Raises:
        DGTalkerError: fewer than `LEAST_FRAMES` frames are.
    """
    left = reasons.count("")
    if left < LEAST_FRAMES:
        why = "; ".join(f"{count} × {reason}" for reason, count in Counter(filter(None, reasons)).most_common())
        raise DGTalkerError(
            f"Only {left} frames of {name} are of use, {LEAST_FRAMES} are needed{f' ({why})' if why else ''}.",
            "Film the face from the front, in light, for 5 seconds and more.",
        )
