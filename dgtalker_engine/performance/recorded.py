"""Recorded performances, an actor's or another program's, under the animator's amounts, and into what is spoken."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import DGTalkerError
from ..rig import HEAD_NAMES, POSE_NAMES
from . import curves
from .direction import FADE, LIMITS, MOST, ease
from .lips import CLOSE_PER_JAW, Face, apply_contacts, is_jaw, is_mouth
from .record import Performance

_PARTING = ("mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
_TOUCH, _PART = 0.02, 0.06
"""jawOpen, or as much of other openings: lips touch up to the first, and are apart from the second on."""

_SHUT = 0.9
"""A lid that is kept shut by smoothing."""


@dataclass(frozen=True)
class RecordedAmounts:
    """What the animator asks of a recording; 1 is as recorded, 0 still.

    Attributes:
        lips: scale of the lips and the tongue.
        jaw: scale of the jaw, and of the lips that are closed over it.
        expression: scale of brows, lids and cheeks; blinks close fully while it is above 0.
        head: scale of the head's turns.
        gaze: scale of the looks.
        smoothing: seconds over which all is averaged; lips that touch and lids that shut still do.
    """

    _: KW_ONLY
    lips: float = 1.0
    jaw: float = 1.0
    expression: float = 1.0
    head: float = 1.0
    gaze: float = 1.0
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        values = (self.lips, self.jaw, self.expression, self.head, self.gaze, self.smoothing)
        if not all(0 <= value <= MOST for value in values) or self.smoothing > LIMITS["smoothing"][1]:
            raise DGTalkerError("An amount of a recording is no number from 0 on.", "Amounts start at 0.")


def directed(recording: Performance, amounts: RecordedAmounts) -> Performance:
    """A recording with the animator's amounts: lips that touch in it touch, and blinks close."""
    if amounts == RecordedAmounts() or not recording.frames:
        return recording
    names = recording.names
    raw = recording.weights
    smooth = curves.smoothed(raw, 0.4 * amounts.smoothing * recording.fps) if amounts.smoothing else raw
    face: Face = {}
    for i, name in enumerate(names):
        curve = smooth[:, i]
        if name.startswith("eyeBlink"):
            # Averaged blinks never close: they stay as they are.
            curve = np.maximum(curve, raw[:, i] * ease((raw[:, i] - 0.3) / 0.3))
            shut = ease((curve - 0.5) / (_SHUT - 0.5)) if amounts.expression > 0 else 0.0
            face[name] = np.maximum(amounts.expression * curve, shut * curve)
        else:
            face[name] = curve * np.float32(_scale(name, amounts))
    if "jawOpen" in names:
        contact = _contact(recording)
        has_close = "mouthClose" in names
        apply_contacts(face, contact, np.zeros_like(contact), np.zeros_like(contact))
        if not has_close:
            face["jawOpen"] = face["jawOpen"] * (1.0 - contact)
    weights = np.stack([face[name] for name in names], axis=1).astype(np.float32)
    for i, name in enumerate(names):
        if name not in HEAD_NAMES and name not in POSE_NAMES:
            high = max(1.0, float(raw[:, i].max()))
            weights[:, i] = np.clip(weights[:, i], min(0.0, float(raw[:, i].min())), high)
    return Performance(recording.fps, names, weights)


def punched_in(spoken: Performance, recording: Performance, start: int) -> Performance:
    """A recording laid over what is spoken from frame `start` of it on, faded in and out; as long as both together.

    Args:
        spoken: what is played elsewhere.
        recording: at the same frames per second.
        start: frame of `spoken` at which it begins; below 0 it begins earlier.

    Returns:
        The performance, whose frame 0 is the earlier of both beginnings.
    """
    if spoken.fps != recording.fps:
        raise DGTalkerError("A recording and what is spoken run at different frame rates.")
    first, last = min(0, start), max(spoken.frames, start + recording.frames)
    names = spoken.names + tuple(name for name in recording.names if name not in spoken.names)
    below = _held(spoken.select(names), -first, last - first)
    above = _held(recording.select(names), start - first, last - first)
    frame = np.arange(first, last) - start
    reach = FADE * recording.fps
    # All of the recording is played: fades lie around it, over its ends held.
    inside = np.minimum(ease(1.0 + frame / reach), ease(1.0 + (recording.frames - 1 - frame) / reach))
    influence = inside.astype(np.float32)[:, None]
    moved = np.array([name in recording.names for name in names])
    weights = np.where(moved, below + influence * (above - below), below)
    return Performance(spoken.fps, names, weights.astype(np.float32))


def resampled(performance: Performance, fps: float) -> Performance:
    """A performance at another frame rate: straight lines between its frames; blinks still close."""
    if performance.fps == fps or performance.frames == 0:
        return Performance(fps, performance.names, performance.weights)
    length = (performance.frames - 1) / performance.fps
    own = np.arange(int(np.floor(length * fps + 1e-6)) + 1) / fps * performance.fps
    before = np.minimum(np.floor(own + 1e-6).astype(int), performance.frames - 1)
    after = np.minimum(before + 1, performance.frames - 1)
    share = np.clip(own - before, 0.0, 1.0).astype(np.float32)[:, None]
    below, above = performance.weights[before], performance.weights[after]
    weights = below + share * (above - below)
    lids = np.array([name.startswith("eyeBlink") for name in performance.names])
    shut = np.maximum(below, above)
    return Performance(fps, performance.names, np.where(lids & (shut > _SHUT), shut, weights).astype(np.float32))


def _held(weights: np.ndarray, start: int, frames: int) -> np.ndarray:
    """Weights from frame `start` on of `frames`, held before and behind."""
    rows = np.clip(np.arange(frames) - start, 0, max(len(weights) - 1, 0))
    return weights[rows] if len(weights) else np.zeros((frames, weights.shape[1]), np.float32)


def _scale(name: str, amounts: RecordedAmounts) -> float:
    if name in HEAD_NAMES or name.startswith("head"):
        return amounts.head
    if name.startswith(("eyeLook", "gaze")):
        return amounts.gaze
    if is_jaw(name) or name == "mouthClose":
        return amounts.jaw
    return amounts.lips if is_mouth(name) else amounts.expression


def _contact(recording: Performance) -> np.ndarray:
    """How far the lips touch in a recording, 0 to 1, float32 (frames,)."""
    opened = sum((np.maximum(recording.curve(name), 0.0) for name in _PARTING), np.zeros(recording.frames))
    jaw = recording.curve("jawOpen")
    left = np.maximum(jaw - recording.curve("mouthClose") / CLOSE_PER_JAW, 0.0) + 0.2 * opened
    return ease(1.0 - (left - _TOUCH) / (_PART - _TOUCH)).astype(np.float32)
