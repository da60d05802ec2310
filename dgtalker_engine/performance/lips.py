"""The mouth: a take's curves as the animator wants them shaped, and lips that touch wherever speech needs it.

The order keeps what speech cannot do without: curves are shaped, scaled and styled first; then closures of P, B, M and
bites of F, V are laid over the result, so that no setting can keep lips apart.
"""

from __future__ import annotations

import numpy as np

from . import curves
from .direction import Direction, DirectionBlend, ease
from .take import Take

CLOSE_PER_JAW = 0.84
"""mouthClose that brings the lips together at jawOpen 1 (the ratio of their lip gaps in ICT-FaceKit: 3.28 to 3.89)."""

_CLOSING, _BITING = 0.09, 0.08
"""Seconds to a contact."""

_RELEASE = 0.6
"""How much less a contact takes to end: lips burst open, and a short vowel behind a B is seen."""

_PRESSED = {"mouthPressLeft": 0.14, "mouthPressRight": 0.14, "mouthRollLower": 0.10, "mouthRollUpper": 0.10}
_BITTEN = {"mouthRollLower": 0.42, "mouthUpperUpLeft": 0.44, "mouthUpperUpRight": 0.44}
_PARTING = (
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthFunnel",
    "mouthShrugUpper", "tongueOut",
)  # fmt: skip
_LOWERING = ("mouthLowerDownLeft", "mouthLowerDownRight")
_ROUNDING = "mouthPucker"
_SMILING = ("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight")

_OPEN_AT_CLOSURE, _OPEN_AT_BITE = 0.16, 0.03
"""jawOpen that lips still bridge, and at which the lower one still reaches the teeth."""

_LONGEST_CONTACT = 0.14
_FLAT = 0.4
_FLAT_ROUND = 0.5
"""Of the rounding, what is left where lips are pressed: they bring the corners in without coming forward."""

Face = dict[str, np.ndarray]
"""Controls by name, float32 (frames,) each."""


def is_jaw(name: str) -> bool:
    return name.startswith("jaw")


def is_mouth(name: str) -> bool:
    return name.startswith(("mouth", "tongue"))


def shape_mouth(take: Take, blend: DirectionBlend) -> Face:
    """The mouth's and the jaw's curves of a take with each direction's articulation, smoothing, hold and offset."""
    columns = [i for i, name in enumerate(take.names) if is_jaw(name) or is_mouth(name)]
    raw = np.ascontiguousarray(take.weights[:, columns], np.float32)
    names = [take.names[i] for i in columns]
    result = raw
    for segment in blend.segments:
        direction = segment.direction
        if not (direction.articulation or direction.smoothing or direction.hold or direction.offset):
            continue
        # What lies around a stretch reaches into it.
        margin = int(np.ceil((2.0 * direction.smoothing + direction.hold + abs(direction.offset) + 0.4) * take.fps)) + 2
        first = max(segment.frames.start - margin, 0)
        around = _shaped(raw[first : segment.frames.stop + margin], names, direction, take.fps)
        mine = around[segment.frames.start - first :][: len(segment.influence)]
        result = result.copy() if result is raw else result
        result[segment.frames] += segment.influence[:, None] * (mine - raw[segment.frames])
    return {name: result[:, i] for i, name in enumerate(names)}


def _shaped(raw: np.ndarray, names: list[str], direction: Direction, fps: float) -> np.ndarray:
    level = direction.articulation
    mouth = raw
    if level > 0:
        # Further from the middle of the movement, and further altogether.
        mouth = (1.0 + 0.2 * level) * mouth + 0.6 * level * (mouth - curves.smoothed(mouth, 0.1 * fps))
    elif level < 0:
        # Mumblers hardly open the jaw, and their lips hurry from sound to sound without reaching each.
        lazy = mouth - level * (curves.smoothed(mouth, 0.06 * fps) - mouth)
        scale = np.array([1.0 + (0.6 if is_jaw(name) else 0.45) * level for name in names], np.float32)
        mouth = lazy * scale
    if direction.smoothing:
        mouth = curves.smoothed(mouth, 0.4 * direction.smoothing * fps)
    if direction.hold:
        mouth = curves.smoothed(curves.held(mouth, direction.hold * fps), 0.014 * fps)
    if direction.offset:
        mouth = curves.shifted(mouth, direction.offset * fps)
    return np.maximum(mouth, 0.0).astype(np.float32)


def contacts(take: Take, blend: DirectionBlend) -> tuple[np.ndarray, np.ndarray]:
    """How far lips touch each other, and how far the lower one the teeth, 0–1, float32 (frames,) each."""
    closure = _contact(take.closures, _CLOSING, take, blend)
    return closure, _contact(take.bites, _BITING, take, blend) * (1.0 - closure)


def _contact(events: np.ndarray, ramp: float, take: Take, blend: DirectionBlend) -> np.ndarray:
    contact = np.zeros(take.frames, np.float32)
    if len(events) == 0 or take.frames == 0:
        return contact
    middle = events.mean(axis=1)
    frame = np.clip(np.round(middle * take.fps).astype(np.int64), 0, take.frames - 1)
    smoothing, hold, offset = (blend.curve(name)[frame] for name in ("smoothing", "hold", "offset"))
    middle = middle + offset
    length = events[:, 1] - events[:, 0]
    half = np.maximum(length, np.minimum(length + hold, _LONGEST_CONTACT)) / 2
    ramps = np.maximum(ramp, 0.5 * smoothing)
    first = np.clip(np.ceil((middle - half - ramps) * take.fps), 0, take.frames).astype(np.int64)
    last = np.clip(np.floor((middle + half + ramps) * take.fps) + 1, first, take.frames).astype(np.int64)
    event, row = ranges(first, last)
    after = row / take.fps - middle[event]
    away = np.abs(after)
    # At a frame rate that has no frame within a contact, the nearest one shows it.
    step = 0.5 / take.fps
    reach = np.maximum(half, step)[event]
    ramp_there = ramps[event] * np.where(after > 0, _RELEASE, 1.0)
    np.maximum.at(contact, row, ease(1.0 - (away - reach) / ramp_there).astype(np.float32))
    return contact


def ranges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All numbers from each `first` to before its `last`, and which pair each belongs to."""
    length = last - first
    pair = np.repeat(np.arange(len(first)), length)
    return pair, np.arange(length.sum()) + np.repeat(first - (np.cumsum(length) - length), length)


def apply_contacts(face: Face, closure: np.ndarray, bite: np.ndarray, firmness: np.ndarray) -> None:
    """Lets the lips of a face touch, in place.

    Args:
        face: scaled and styled.
        closure, bite: `contacts`.
        firmness: how firmly lips press that touch, 1 is usual.
    """
    frames = len(closure)
    apart, free = 1.0 - closure, 1.0 - bite

    def get(name: str) -> np.ndarray:
        return face[name] if name in face else np.zeros(frames, np.float32)

    for name in _PARTING:
        if name in face:
            face[name] = face[name] * apart * (free if name in _LOWERING else 1.0)
    for name in _SMILING:
        if name in face:
            # Corners that are drawn far apart part the lips.
            face[name] = np.minimum(face[name], 1.0 - (1.0 - _FLAT) * closure)
    if _ROUNDING in face:
        face[_ROUNDING] = face[_ROUNDING] * (1.0 - (1.0 - _FLAT_ROUND) * closure)
    touching = np.maximum(closure, bite)
    jaw = np.clip(get("jawOpen"), 0.0, 1.0) * (1.0 - 0.6 * touching)
    for contact, widest in ((closure, _OPEN_AT_CLOSURE), (bite, _OPEN_AT_BITE)):
        jaw = np.minimum(jaw, 1.0 - (1.0 - widest) * contact)
    face["jawOpen"] = jaw
    face["mouthClose"] = np.maximum(get("mouthClose"), CLOSE_PER_JAW * jaw * closure)
    firm = ease(firmness / 0.4) * np.maximum(firmness, 1.0) ** 0.5
    for weights, contact in ((_PRESSED, closure), (_BITTEN, bite)):
        for name, weight in weights.items():
            face[name] = np.maximum(get(name), weight * contact * firm)
