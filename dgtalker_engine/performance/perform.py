"""From a take and what the animator asks for to a Performance: no sound, no network, the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..rig import ARKIT_NAMES, HEAD_NAMES
from . import curves, lips, secondary_motion
from .direction import Direction, DirectionBlend
from .record import Performance
from .styles import StyleWeights, add_styles, style_weights
from .take import SILENCE, Take

_NAMES = ARKIT_NAMES + HEAD_NAMES
_LIMITS = np.radians([15.0, 12.0, 10.0]).astype(np.float32)
_KNEE = 0.7
_LOOK = np.float32(np.radians(35))
"""The turn of the eyes at a look of 1 in ARKit."""

_LEAD = 0.06


def perform(
    take: Take, directions: Sequence[Direction] = (), styles: Mapping[str, np.ndarray] | None = None
) -> Performance:
    """The weights of the 52 ARKit controls and `rig.HEAD_NAMES` for a take.

    Args:
        take: what was found in a recording.
        directions: what the animator asks for; the defaults elsewhere, the mean where they overlap.
        styles: weights of styles over time by name (frames,), in place of the directions' weights of these styles.

    Raises:
        DGTalkerError: a style that does not exist, or weights that are not one finite number a frame.
    """
    blend = DirectionBlend(directions, take.frames, take.fps)
    style = style_weights(blend, styles)
    expression = blend.curve("expression")
    lip, jaw = (blend.curve(name) * style.scale(name) for name in ("lips", "jaw"))
    face = lips.shape_mouth(take, blend)
    for name in face:
        # The lips that are closed over an open jaw follow it.
        face[name] = face[name] * (jaw if lips.is_jaw(name) or name == "mouthClose" else lip)
    for i, name in enumerate(take.names):
        if name not in face:
            face[name] = take.weights[:, i] * expression

    motion = secondary_motion.generate(take, blend, style)
    head = _softened(motion.head)
    _add_motion(face, take, motion, style, expression, head)
    # Nobody's face is the same on both sides.
    tilt = float(np.random.default_rng([take.seed, 9]).uniform(-0.08, 0.08))
    add_styles(face, style, _talking(take), expression, tilt)
    lips.apply_contacts(face, *lips.contacts(take, blend), lip + np.maximum(blend.curve("articulation"), 0.0))

    weights = np.zeros((take.frames, len(_NAMES)), np.float32)
    for i, name in enumerate(ARKIT_NAMES):
        if name in face:
            np.clip(face[name], 0.0, 1.0, out=weights[:, i])
    weights[:, len(ARKIT_NAMES) :] = head
    return Performance(take.fps, _NAMES, weights)


def _add_motion(
    face: lips.Face,
    take: Take,
    motion: secondary_motion.SecondaryMotion,
    style: StyleWeights,
    expression: np.ndarray,
    head: np.ndarray,
) -> None:
    """Adds blinks, looks and brows to a face, in place."""

    def put(value: np.ndarray, *names: str) -> None:
        for name in names:
            face[name] = face[name] + value if name in face else value

    # A take whose brows were learned has its own emphases.
    learned = any(name.startswith("brow") for name in take.names)
    brows = np.float32(0.0 if learned else 1.0) * style.scale("brows") * expression
    lifts, frowns = motion.lifts * brows, motion.frowns * brows
    # Eyes stay on the listener while the head turns a little.
    side = motion.side - np.float32(0.7) * head[:, 0] / _LOOK
    down = motion.down - np.float32(0.7) * head[:, 1] / _LOOK
    lid = np.minimum(style.total("droop") * expression, 0.6) + 0.5 * np.maximum(down, 0.0)

    put(lid + (1.0 - np.minimum(lid, 1.0)) * motion.blink, "eyeBlinkLeft", "eyeBlinkRight")
    put(lifts, "browInnerUp")
    put(0.7 * lifts, "browOuterUpLeft", "browOuterUpRight")
    put(0.15 * lifts, "eyeWideLeft", "eyeWideRight")
    put(0.6 * frowns + 0.06 * motion.blink * expression, "browDownLeft", "browDownRight")
    put(0.3 * frowns, "eyeSquintLeft", "eyeSquintRight")
    put(np.maximum(side, 0.0), "eyeLookOutLeft", "eyeLookInRight")
    put(np.maximum(-side, 0.0), "eyeLookInLeft", "eyeLookOutRight")
    put(np.maximum(down, 0.0), "eyeLookDownLeft", "eyeLookDownRight")
    put(np.maximum(-down, 0.0), "eyeLookUpLeft", "eyeLookUpRight")
    if "mouthSmileLeft" in face and "cheekSquintLeft" not in face:
        put(0.12 * face["mouthSmileLeft"] * expression, "cheekSquintLeft", "cheekSquintRight")


def _softened(head: np.ndarray) -> np.ndarray:
    """The head's turn within what necks do: large turns are bent towards the limit."""
    knee, room = _KNEE * _LIMITS, (1.0 - _KNEE) * _LIMITS
    beyond = np.maximum(np.abs(head) - knee, 0.0)
    return np.sign(head) * (np.minimum(np.abs(head), knee) + room * np.tanh(beyond / room)).astype(np.float32)


def _talking(take: Take) -> np.ndarray:
    """1 where somebody speaks, 0 in pauses, eased between, float32 (frames,)."""
    spoken = np.array([(start, end) for name, start, end in take.phones if name != SILENCE]).reshape(-1, 2) - _LEAD
    ends = np.clip(np.round(spoken * take.fps), 0, take.frames).astype(np.int64)
    changes = np.bincount(ends[:, 0], minlength=take.frames + 1) - np.bincount(ends[:, 1], minlength=take.frames + 1)
    talking = (np.cumsum(changes)[: take.frames] > 0).astype(np.float32)
    return curves.smoothed(talking[:, None], 0.09 * take.fps)[:, 0]
