"""What a fit believes how much: MediaPipe's landmarks, closures of lips and lids, and priors of expressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..face_model import LANDMARKS

LIPS = (
    *(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95),
    *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
)
LIDS = (
    *(33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    *(263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
OUTLINE = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
CHIN = 152
IRISES = (468, 473)

CLOSURES = (
    *((13, 14), (82, 87), (81, 178), (80, 88), (312, 317), (311, 402), (310, 318)),
    *((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373)),
)
"""Upper and lower landmark of the lips' and lids' openings."""

FACE_HEIGHT = 300.0
"""Errors are counted in pixels of a face this high, from the forehead's top landmark to the chin's."""

_FAST = ("jaw", "mouth", "eyeBlink", "eyeLook", "tongue")
_SELDOM = {"cheekPuff": 4.0, "noseSneer": 4.0, "cheekSquint": 4.0, "jawForward": 4.0, "mouthShrug": 1.5}


@dataclass(frozen=True)
class Priors:
    """How much a frame's expression is held back, per component (E,), in squared pixels (see `FACE_HEIGHT`).

    Attributes:
        lowest, highest: bounds.
        sparse: times the component itself.
        towards: times the squared distance from what MediaPipe's network sees.
        slow: times the squared difference of frames 1/25 s apart.
    """

    lowest: np.ndarray
    highest: np.ndarray
    sparse: np.ndarray
    towards: np.ndarray
    slow: np.ndarray


def priors(names: Sequence[str]) -> Priors:
    """Of ARKit's blendshapes by their names."""
    count = len(names)
    seldom = np.array([next((f for key, f in _SELDOM.items() if name.startswith(key)), 1.0) for name in names])
    fast = np.array([name.startswith(_FAST) for name in names])
    blink = np.array([name.startswith("eyeBlink") for name in names])
    return Priors(
        lowest=np.zeros(count),
        highest=np.ones(count),
        sparse=60.0 * seldom,
        towards=np.where(blink, 400.0, 100.0 * seldom),
        slow=np.where(fast, 250.0, 1000.0),
    )


def landmark_weights() -> np.ndarray:
    """(478,): of the squared distances in the picture. The outline slides over the skin, so it says little."""
    weights = np.full(LANDMARKS, 0.5)
    weights[[*LIPS, *LIDS]] = 2.0
    weights[[*OUTLINE]] = 0.15
    weights[CHIN] = 0.6
    weights[468:] = 0.0
    weights[[*IRISES]] = 6.0
    return weights
