"""How each of the 52 ARKit blendshapes moves the head: smooth functions of place. Millimetres.

Each control is written once, for the left side or the middle; the right side is its mirror image. A function returns
the displacement (N, 3) of every point at full strength. Fields are evaluated at a point's anchor and applied at the
point itself, so that lashes, lid edges and the inside of the lips turn with the skin that carries them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...rig import ARKIT_NAMES, mirrored
from . import eye_controls as eyes
from . import face_controls as face
from . import mouth_controls as mouth
from .tissue import Tissue


def displacement(name: str, tissue: Tissue) -> np.ndarray:
    """What the control `name` adds to every point at full strength, (N, 3)."""
    if name in MIDDLE:
        return MIDDLE[name](tissue)
    if name in LEFT:
        return LEFT[name](tissue)
    return LEFT[mirrored(name)](tissue.mirrored()) * [-1.0, 1.0, 1.0]


MIDDLE: dict[str, Callable[[Tissue], np.ndarray]] = {
    "jawForward": mouth.jaw_forward,
    "jawOpen": mouth.jaw_open,
    "mouthClose": mouth.mouth_close,
    "mouthFunnel": mouth.mouth_funnel,
    "mouthPucker": mouth.mouth_pucker,
    "mouthRollLower": mouth.roll_lower,
    "mouthRollUpper": mouth.roll_upper,
    "mouthShrugLower": mouth.shrug_lower,
    "mouthShrugUpper": mouth.shrug_upper,
    "browInnerUp": face.brow_inner_up,
    "cheekPuff": face.cheek_puff,
    "tongueOut": mouth.tongue_out,
}

LEFT: dict[str, Callable[[Tissue], np.ndarray]] = {
    "eyeBlinkLeft": eyes.blink,
    "eyeLookDownLeft": eyes.look_down,
    "eyeLookInLeft": eyes.look_in,
    "eyeLookOutLeft": eyes.look_out,
    "eyeLookUpLeft": eyes.look_up,
    "eyeSquintLeft": eyes.squint,
    "eyeWideLeft": eyes.wide,
    "jawLeft": mouth.jaw_left,
    "mouthLeft": mouth.mouth_left,
    "mouthSmileLeft": mouth.smile,
    "mouthFrownLeft": mouth.frown,
    "mouthDimpleLeft": mouth.dimple,
    "mouthStretchLeft": mouth.stretch,
    "mouthPressLeft": mouth.press,
    "mouthLowerDownLeft": mouth.lower_down,
    "mouthUpperUpLeft": mouth.upper_up,
    "browDownLeft": face.brow_down,
    "browOuterUpLeft": face.brow_outer_up,
    "cheekSquintLeft": face.cheek_squint,
    "noseSneerLeft": face.sneer,
}

assert {*MIDDLE, *LEFT, *map(mirrored, LEFT)} == set(ARKIT_NAMES)
