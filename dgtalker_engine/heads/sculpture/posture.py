"""The joints of head and eyes, and how much every point goes with them. Millimetres in the sculpture's space."""

from __future__ import annotations

import math

import numpy as np

from ...avatar.joints import Joint
from ...rig import NECK_TURNS
from .anatomy import EYE
from .surfels import Part, Surfels, smooth
from .warp import Warp

NECK_JOINT = (0.0, 12.0, -50.0)
NECK = (-152.0, -84.0)  # how high, measured along a neck that leans forward, a still neck ends and the head begins
LEAN = 0.5
GAZE_SIDE, GAZE_UP, GAZE_DOWN = math.radians(30.0), math.radians(22.0), math.radians(24.0)


def joints(warp: Warp) -> tuple[Joint, ...]:
    """The left eye, the right eye and the head, in a character's space, metres."""
    return (
        Joint(_place(warp, EYE), _gaze("Left", 1.0)),
        Joint(_place(warp, EYE * [-1.0, 1.0, 1.0]), _gaze("Right", -1.0)),
        Joint(_place(warp, np.array(NECK_JOINT)), NECK_TURNS),
    )


def _gaze(side: str, sign: float) -> dict[str, tuple[float, float, float]]:
    return {
        f"eyeLookOut{side}": (0.0, 0.0, sign * GAZE_SIDE),
        f"eyeLookIn{side}": (0.0, 0.0, -sign * GAZE_SIDE),
        f"eyeLookUp{side}": (-GAZE_UP, 0.0, 0.0),
        f"eyeLookDown{side}": (GAZE_DOWN, 0.0, 0.0),
        "gazeSide": (0.0, 0.0, GAZE_SIDE),
        "gazeUp": (-GAZE_UP, 0.0, 0.0),
    }


def _place(warp: Warp, place: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (warp.move(place[None])[0] * 1e-3).tolist()
    return x, y, z


def joint_weights(surfels: Surfels) -> np.ndarray:
    """uint8 (3, N): how much of each joint's turn the points take, in 255ths."""
    ball = surfels.part == Part.EYE
    left = surfels.position[:, 0] > 0
    along = surfels.anchor[:, 2] - LEAN * surfels.anchor[:, 1]
    head = np.where(surfels.part == Part.SKIN, smooth(*NECK, along), 1.0)
    head[surfels.part == Part.CLOTH] = 0
    return np.rint(255 * np.stack([ball & left, ball & ~left, head])).astype(np.uint8)
