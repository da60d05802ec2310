"""Styles of speaking (happy, sad, …) over speech: tables, and how they act over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from ..errors import DGTalkerError
from .direction import NEUTRAL, DirectionBlend
from .lips import Face


@dataclass(frozen=True)
class Style:
    """What a style does to a face at its full weight.

    Attributes:
        face: weights that brows, lids, cheeks and nose keep, by name without a side where both sides have it.
        mouth: the same of the mouth in pauses; in speech it gives way, see `add_styles`.
        talking: how much of `mouth` stays while the lips speak.
        attitude: yaw, pitch and roll of the head, degrees, as `rig.HEAD_NAMES`.
        lips, jaw, head, brows, blinks, gaze: how far or often each moves, in multiples.
        frowning: fraction of the brows' emphases that are frowns instead of lifts, beyond the usual.
        droop: how far the upper lids hang.
    """

    face: Mapping[str, float]
    mouth: Mapping[str, float]
    _: KW_ONLY
    talking: float
    attitude: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lips: float = 1.0
    jaw: float = 1.0
    head: float = 1.0
    brows: float = 1.0
    blinks: float = 1.0
    gaze: float = 1.0
    frowning: float = 0.0
    droop: float = 0.0


_TABLE: dict[str, Style] = {
    "happy": Style(
        {"cheekSquint": 0.62, "eyeSquint": 0.26, "browInnerUp": 0.12, "browOuterUp": 0.22},
        {"mouthSmile": 0.88, "mouthDimple": 0.22, "mouthUpperUp": 0.06},
        talking=0.82, attitude=(0.0, -1.5, 1.0),
        lips=1.08, jaw=1.06, head=1.25, brows=1.25, blinks=1.1, gaze=1.1,
    ),
    "sad": Style(
        {"browInnerUp": 0.90, "browDown": 0.24, "eyeSquint": 0.18, "eyeLookDown": 0.20},
        {"mouthFrown": 1.00, "mouthShrugLower": 0.40, "mouthRollLower": 0.06},
        talking=0.85, attitude=(0.0, 6.0, -3.0),
        lips=0.85, jaw=0.82, head=0.55, brows=0.55, blinks=0.9, gaze=1.2, droop=0.18,
    ),
    "angry": Style(
        {"browDown": 1.00, "eyeSquint": 0.45, "noseSneer": 0.48, "cheekSquint": 0.12},
        {"mouthFrown": 0.45, "mouthPress": 0.40, "mouthStretch": 0.15, "mouthUpperUp": 0.10, "jawForward": 0.15},
        talking=0.60, attitude=(0.0, 2.5, 0.0),
        lips=1.15, jaw=1.10, head=1.30, brows=1.10, blinks=0.6, gaze=0.5, frowning=0.95,
    ),
    "surprised": Style(
        {"browInnerUp": 0.75, "browOuterUp": 0.75, "eyeWide": 0.65},
        {"jawOpen": 0.14, "mouthFunnel": 0.06, "mouthUpperUp": 0.04},
        talking=0.40, attitude=(0.0, -2.5, 0.0),
        lips=1.05, jaw=1.12, head=1.15, brows=1.15, blinks=0.7, gaze=0.6,
    ),
    "tired": Style(
        {"browInnerUp": 0.14, "browDown": 0.05, "eyeSquint": 0.05, "eyeLookDown": 0.06},
        {"mouthFrown": 0.24, "mouthShrugLower": 0.08, "jawOpen": 0.02},
        talking=0.55, attitude=(0.0, 3.5, 3.0),
        lips=0.74, jaw=0.72, head=0.55, brows=0.45, blinks=1.35, gaze=0.6, droop=0.30,
    ),
}  # fmt: skip

STYLES: tuple[str, ...] = (NEUTRAL, *_TABLE)
"""Names of the styles."""

_SIDED = (
    "browDown", "browOuterUp", "cheekSquint", "eyeLookDown", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown",
    "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer",
)  # fmt: skip

_ROUNDING = {"mouthPucker": 1.0, "mouthFunnel": 1.0}
_SPREADING = ("mouthSmile", "mouthDimple", "mouthStretch")


@dataclass(frozen=True)
class StyleWeights:
    """The weights of styles over time, float32 (frames,) each, and what follows from them."""

    frames: int
    weights: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])

    def scale(self, setting: str) -> np.ndarray:
        """The multiple of a motion that the styles together ask for, float32 (frames,)."""
        total = np.ones(self.frames, np.float32)
        for name, weight in self.weights.items():
            total += np.float32(getattr(_TABLE[name], setting) - 1.0) * weight
        return total

    def total(self, setting: str) -> np.ndarray:
        """The sum of something that no style means none of, float32 (frames,)."""
        total = np.zeros(self.frames, np.float32)
        for name, weight in self.weights.items():
            total += np.float32(getattr(_TABLE[name], setting)) * weight
        return total

    def attitude(self) -> np.ndarray:
        """Degrees of yaw, pitch and roll, float32 (frames, 3)."""
        total = np.zeros((self.frames, 3), np.float32)
        for name, weight in self.weights.items():
            total += weight[:, None] * np.array(_TABLE[name].attitude, np.float32)
        return total


def style_weights(blend: DirectionBlend, styles: Mapping[str, np.ndarray] | None) -> StyleWeights:
    """The weights of styles over time.

    Args:
        blend: the directions, whose styles count where `styles` does not name them.
        styles: weights by name (frames,).

    Raises:
        DGTalkerError: a style that is not in `STYLES`, or weights that are not one finite number a frame.
    """
    styles = styles or {}
    unknown = sorted(
        {*styles, *(name for segment in blend.segments for name in segment.direction.styles)} - set(STYLES)
    )
    if unknown:
        raise DGTalkerError(f"There is no style {unknown[0]!r}.", f"There are {', '.join(STYLES)}.")
    weights: dict[str, np.ndarray] = {}
    for name in STYLES:
        weight = blend.style(name) if name not in styles else np.asarray(styles[name], np.float32)
        if weight is None:
            continue
        if weight.shape != (blend.frames,) or not np.all(np.isfinite(weight)):
            raise DGTalkerError(f"The style {name} needs one finite weight for each of {blend.frames} frames.")
        if weight.any():
            weights[name] = np.maximum(weight, 0.0)
    if not weights:
        return StyleWeights(blend.frames)
    total = np.maximum(sum(weights.values(), np.zeros(blend.frames, np.float32)), 1.0)
    return StyleWeights(blend.frames, {name: weight / total for name, weight in weights.items() if name != NEUTRAL})


def add_styles(face: Face, weights: StyleWeights, talking: np.ndarray, expression: np.ndarray, tilt: float) -> None:
    """Adds the styles to a face, in place.

    The mouth's part gives way to speech: to the fraction that the style keeps while lips speak, and a smile further
    where the lips are rounded.

    Args:
        face: scaled, before contacts.
        weights: `style_weights`.
        talking: 0 in pauses, 1 in speech, eased (frames,).
        expression: amount of expression (frames,).
        tilt: how much further the left side goes than the right, as a fraction.
    """
    if not weights.weights:
        return
    rounding = sum((size * face[name] for name, size in _ROUNDING.items() if name in face), np.float32(0))
    round_off = 1.0 - 0.8 * np.clip(rounding / 0.5, 0.0, 1.0)
    for style_name, weight in weights.weights.items():
        style = _TABLE[style_name]
        kept = weight * (1.0 - (1.0 - style.talking) * talking)
        for name, size in style.face.items():
            _add(face, name, size * weight * expression, tilt)
        for name, size in style.mouth.items():
            give = kept * round_off if name in _SPREADING else kept
            _add(face, name, size * give * expression, tilt)


def _add(face: Face, name: str, value: np.ndarray, tilt: float) -> None:
    """Adds to a control towards 1: what speech already moves is moved less, so that both stay readable."""
    sides = (("Left", 1.0 + tilt), ("Right", 1.0 - tilt)) if name in _SIDED else (("", 1.0),)
    for side, scale in sides:
        old = face.get(name + side)
        new = np.asarray(scale * value, np.float32)
        face[name + side] = new if old is None else old + new * (1.0 - np.clip(old, 0.0, 1.0))
