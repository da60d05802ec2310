"""The mouth: scores for its shape, the landmarks for how far lips and corners are apart, and lips that touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...performance.direction import ease
from ...performance.lips import CLOSE_PER_JAW, apply_contacts
from . import filters
from .measures import Measures

JAW_OPENS = 0.33
"""Between the lips at jawOpen 1: 0.37 in ICT-FaceKit, 0.28 on the built-in heads."""

CHIN_FALLS = 0.32
"""Of the chin at jawOpen 1, in ICT-FaceKit."""

OPENS = {
    "mouthFunnel": 0.45,
    "mouthLowerDownLeft": 0.12,
    "mouthLowerDownRight": 0.12,
    "mouthUpperUpLeft": 0.13,
    "mouthUpperUpRight": 0.13,
    "mouthShrugUpper": 0.16,
    "mouthShrugLower": -0.12,
    "mouthRollLower": -0.08,
    "mouthPressLeft": -0.03,
    "mouthPressRight": -0.03,
}
"""Between the lips at 1, in parts of what jawOpen 1 opens: ICT-FaceKit's and the built-in heads', averaged."""

WIDENS = {
    "jawOpen": -0.06,
    "mouthFunnel": -0.11,
    "mouthPucker": -0.16,
    "mouthSmileLeft": 0.1,
    "mouthSmileRight": 0.1,
    "mouthStretchLeft": 0.09,
    "mouthStretchRight": 0.09,
    "mouthDimpleLeft": 0.025,
    "mouthDimpleRight": 0.025,
}
"""Between the corners of the mouth at 1, likewise averaged."""

_NARROWING = ("mouthPucker", "mouthFunnel")
_STRETCHING = ("mouthStretchLeft", "mouthStretchRight")
_WIDENING = ("mouthSmileLeft", "mouthSmileRight", *_STRETCHING)

_TOUCH_QUANTILE, _MOST_TOUCH = 0.04, 0.02
"""What is left between the landmarks of lips that touch: the person's own, or no more than this."""

_TOUCH_MARGIN, _TOUCH_ROOM = 0.004, 0.012
"""Above it: lips touch, and begin to part."""

_SHAPED = 0.6
"""Of an opening, what other movements than the jaw's make at most."""

_HANGING, _LEAST_HANGING, _MOST_HANGING = 0.5, 0.1, 0.3
"""How much is believed of a jaw that hangs lower than the lips are apart, from where on, and up to where."""

_LIPS_SECONDS, _CORNERS_SECONDS = 0.045, 0.07
_LEAST_NOISE, _NOISES = 0.0025, 1.5


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """The curves of jaw, mouth and cheeks by name, and how far the lips touch (T,), 0 to 1."""

    curves: dict[str, np.ndarray]
    contact: np.ndarray


def mouth(measures: Measures, scores: Mapping[str, np.ndarray], fps: float) -> Mouth:
    """The mouth of one person; `scores` are `scores.calibrated`."""
    face = {name: score.copy() for name, score in scores.items() if name.startswith(("jaw", "mouth", "cheek", "nose"))}
    lips = _smooth(measures.lips, _LIPS_SECONDS * fps)
    touch = min(float(np.quantile(lips, _TOUCH_QUANTILE)), _MOST_TOUCH) + _TOUCH_MARGIN
    contact = ease(1.0 - (lips - touch) / _TOUCH_ROOM)
    _open(face, np.maximum(lips - touch, 0.0) / JAW_OPENS, _hanging(measures, contact, fps))
    _widen(face, _smooth(measures.corners, _CORNERS_SECONDS * fps), contact)
    face = {name: np.clip(curve, 0.0, 1.0) for name, curve in face.items()}
    apply_contacts(face, contact, np.zeros_like(contact), np.zeros_like(contact))
    return Mouth(curves=face, contact=contact)


def _smooth(distance: np.ndarray, frames: float) -> np.ndarray:
    return filters.cored(distance, frames, _NOISES * max(float(filters.noise(distance)), _LEAST_NOISE))


def _hanging(measures: Measures, contact: np.ndarray, fps: float) -> np.ndarray:
    """jawOpen as the chin shows it (T,)."""
    chin = filters.cored(measures.chin, 0.1 * fps, 3.0 * filters.noise(measures.chin))
    closed = chin[contact > 0.5]
    rest = np.quantile(closed, 0.3) if len(closed) > 0.02 * len(chin) else np.quantile(chin, 0.05)
    return np.maximum(chin - rest, 0.0) / CHIN_FALLS


def _open(face: dict[str, np.ndarray], opening: np.ndarray, hanging: np.ndarray) -> None:
    """Lets jaw and lips be as far apart as they were seen, in place; openings in parts of what jawOpen 1 opens."""
    parting = [name for name, opens in OPENS.items() if opens > 0 and name in face]
    parted = sum((OPENS[name] * face[name] for name in parting), np.zeros_like(opening))
    kept = np.minimum(1.0, _SHAPED * opening / np.maximum(parted, 1e-6))
    for name in parting:
        face[name] = face[name] * kept
    shaped = sum((OPENS[name] * face[name] for name in OPENS if name in face), np.zeros_like(opening))
    needed = np.maximum(opening - shaped, 0.0)
    lower = np.clip(hanging - needed - _LEAST_HANGING, 0.0, _MOST_HANGING) * _HANGING
    face["jawOpen"] = needed + lower
    # The lips that hang with the jaw are brought together again.
    face["mouthClose"] = CLOSE_PER_JAW * lower


def _widen(face: dict[str, np.ndarray], corners: np.ndarray, contact: np.ndarray) -> None:
    """Lets the corners of the mouth be as far apart as they were seen, in place."""
    closed = corners[contact > 0.5]
    rest = np.median(closed) if len(closed) > 0.05 * len(corners) else np.median(corners)
    shown = sum((WIDENS[name] * face[name] for name in WIDENS if name in face), np.zeros_like(corners))
    missing = corners - rest - shown
    too_wide, too_narrow = np.maximum(-missing, 0.0), np.maximum(missing, 0.0)
    # What pulls the wrong way goes first.
    for names, excess in ((_WIDENING, too_wide), (_NARROWING, too_narrow)):
        pull = sum((abs(WIDENS[name]) * face[name] for name in names), np.zeros_like(corners))
        taken = np.minimum(1.0, 0.7 * excess / np.maximum(pull, 1e-6))
        for name in names:
            face[name] = face[name] * (1.0 - taken)
        excess -= taken * pull
    face["mouthPucker"] = face["mouthPucker"] + too_wide / -WIDENS["mouthPucker"]
    for name in _STRETCHING:
        face[name] = face[name] + 0.5 * too_narrow / WIDENS[name]
