"""Controls that break one another when they are summed, and how the face looks when both are at full strength.

Each is written for the left side or the middle; a function is given the points and `displacement`, which says what one
control does alone, and returns the displacement (N, 3) of both together. Millimetres; see `deform`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from . import eye_controls as eyes
from . import mouth_controls as mouth
from .deformation_fields import Tissue, vector
from .surfels import smooth, soft

Alone = Callable[[str, Tissue], np.ndarray]
Together = Callable[[Tissue, Alone], np.ndarray]


def _shut(name: str, tissue: Tissue, alone: Alone) -> np.ndarray:
    """A blink and another control of the lids: whatever else that does stays."""
    beside = alone(name, tissue) - eyes.slide(tissue, eyes.LIDS[name])
    return eyes.shut(tissue, name) + beside + alone("eyeBlinkLeft", tissue) - eyes.slide(tissue, eyes.BLINK)


def _shut_gaze(tissue: Tissue, alone: Alone) -> np.ndarray:
    """A blink of the left eye while both look up; the right eye's lids are not its business."""
    other = alone("gazeUp", tissue) * (tissue.position[:, :1] <= 0)
    return eyes.shut(tissue, "gazeUp") + other + alone("eyeBlinkLeft", tissue) - eyes.slide(tissue, eyes.BLINK)


def _jaw_takes_along(tissue: Tissue, moved: np.ndarray) -> np.ndarray:
    """What the jaw, fully open, does to points that something else has moved."""
    there = Tissue(tissue.position + moved, tissue.anchor, tissue.part, tissue.given_side)
    return moved + mouth.jaw_turn(there, mouth.JAW_ANGLE * mouth.jaw_weight(tissue))


def _close(tissue: Tissue, alone: Alone) -> np.ndarray:
    return alone("jawOpen", tissue) + _whole_close(tissue, alone)


def _whole_close(tissue: Tissue, alone: Alone) -> np.ndarray:
    """All the way that the jaw has opened."""
    return alone("mouthClose", tissue) / (1 - mouth.CLOSE_YIELDS)


def _smile(tissue: Tissue, alone: Alone) -> np.ndarray:
    """The corner stays where the smile draws it: wide, and not halfway down with the jaw."""
    smile = alone("mouthSmileLeft", tissue)
    corner = tissue.front * tissue.left * soft(np.hypot(tissue.x - 24, tissue.height), 16)
    return _jaw_takes_along(tissue, smile) + mouth.jaw_soft(tissue) + vector(corner, 2.6, 0.0, 3.0)


def _pucker(tissue: Tissue, alone: Alone) -> np.ndarray:
    """A small round opening: the lips close over much of what the jaw opens."""
    moved = _jaw_takes_along(tissue, alone("mouthPucker", tissue)) + mouth.jaw_soft(tissue)
    return moved + 0.44 * _whole_close(tissue, alone)


def _funnel_smile(tissue: Tissue, alone: Alone) -> np.ndarray:
    """Neither wins: less of both at the corner, and the lips keep their thickness."""
    funnel, smile = alone("mouthFunnel", tissue), alone("mouthSmileLeft", tissue)
    share = (tissue.lips(22) * smooth(-6, 8, tissue.x))[:, None]
    return funnel * (1 - 0.35 * share) + smile * (1 - 0.3 * share)


TOGETHER: dict[tuple[str, ...], Together] = {
    ("jawOpen", "mouthClose"): _close,
    ("jawOpen", "mouthSmileLeft"): _smile,
    ("jawOpen", "mouthPucker"): _pucker,
    ("mouthFunnel", "mouthSmileLeft"): _funnel_smile,
    **{
        ("eyeBlinkLeft", name): partial(_shut, name)
        for name in (
            "eyeLookDownLeft",
            "eyeLookUpLeft",
            "eyeSquintLeft",
            "eyeWideLeft",
            "cheekSquintLeft",
            "mouthSmileLeft",
        )
    },
    ("eyeBlinkLeft", "gazeUp"): _shut_gaze,
}
