"""Where blood and shadow go as the face moves: what controls do to colours, as parts of the colour at rest.

Each is written once, for the left side or the middle, like the controls themselves; a function returns what one unit
of the control adds to a point's colour, as a part of it: (N, 3), sRGB, 0 for no change.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...rig import mirrored
from .deformation_fields import Tissue
from .paint import BAG, CROWS_FEET, FOLD, FOREHEAD, FROWN, lip_colour, to_path
from .surfels import Part, smooth, soft

BLOOD = np.array([0.02, -0.09, -0.08])
PALE = np.array([0.03, 0.13, 0.12])
CREASE = np.array([-0.16, -0.24, -0.26])
DARK = np.array([-0.45, -0.5, -0.5])


def tone(name: str, tissue: Tissue) -> np.ndarray | None:
    """What the control `name` adds to every colour, as a part of it, (N, 3); None where it leaves them alone."""
    if name in TONES:
        return TONES[name](tissue)
    if mirrored(name) in TONES:
        return TONES[mirrored(name)](tissue.mirrored())
    return None


def _line(tissue: Tissue, path: tuple[tuple[float, float, float], ...], width: float) -> np.ndarray:
    """1 on a line of the face, as it is seen from the front."""
    flat = tuple((x, 0.0, z) for x, _, z in path)
    return tissue.front * soft(to_path(tissue.anchor * [1.0, 0.0, 1.0], flat), width)


def _on(weight: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return weight[:, None] * colour


def _lips(tissue: Tissue) -> np.ndarray:
    return tissue.skin * lip_colour(tissue.anchor)


def _fold(tissue: Tissue) -> np.ndarray:
    """The furrow from nose to mouth."""
    return _line(tissue, FOLD, 3.2) * smooth(-63, -50, tissue.anchor[:, 2])


def _crows_feet(tissue: Tissue) -> np.ndarray:
    """Beside the eye and below it."""
    lines = np.max([tissue.skin * soft(to_path(tissue.anchor, path), 1.8) for path in CROWS_FEET], axis=0)
    return np.maximum(lines, 0.6 * _line(tissue, BAG, 2.8))


def jaw_open(tissue: Tissue) -> np.ndarray:
    """The dark behind the teeth, and the shadow that the lower lip's inside lies in."""
    inside = np.isin(tissue.part, (Part.CAVITY, Part.TONGUE, Part.LOWER_TEETH))
    behind = inside * smooth(-86, -52, tissue.position[:, 1])
    hollow = tissue.ball((42, -62, -60), 17) + tissue.mirrored().ball((42, -62, -60), 17)
    return _on(behind, DARK) + _on(0.35 * hollow, CREASE)


def smile(tissue: Tissue) -> np.ndarray:
    return _on(0.8 * _fold(tissue) + 0.3 * _crows_feet(tissue), CREASE) + _on(tissue.ball((44, -72, -30), 18), BLOOD)


def sneer(tissue: Tissue) -> np.ndarray:
    ridges = [_line(tissue, ((6, -95, z), (14, -86, z + 4)), 1.3) for z in (-6.0, -11.0, -16.0)]
    upper = _fold(tissue) * smooth(-54, -38, tissue.anchor[:, 2])
    return _on(upper + 0.6 * np.max(ridges, axis=0), CREASE)


def upper_up(tissue: Tissue) -> np.ndarray:
    return _on(0.4 * _fold(tissue), CREASE)


def dimple(tissue: Tissue) -> np.ndarray:
    return _on(tissue.ball((30, -81, -59), 4), CREASE)


def squint(tissue: Tissue) -> np.ndarray:
    return _on(0.35 * _crows_feet(tissue), CREASE)


def cheek_puff(tissue: Tissue) -> np.ndarray:
    return _on(tissue.ball((45, -66, -45), 20) + tissue.mirrored().ball((45, -66, -45), 20), 0.9 * BLOOD)


def press(tissue: Tissue) -> np.ndarray:
    """Pressed lips lose their blood."""
    return _on(_lips(tissue) * tissue.left, PALE)


def roll(tissue: Tissue) -> np.ndarray:
    return _on(_lips(tissue), 0.4 * PALE)


def brow_down(tissue: Tissue) -> np.ndarray:
    return _on(_line(tissue, FROWN, 2.0), CREASE)


def brow_up(tissue: Tissue) -> np.ndarray:
    x, _, z = tissue.anchor.T
    lines = [soft(z - height - 4 + x**2 / 220, 1.6) for height in FOREHEAD[:2]]
    return _on(0.4 * tissue.skin * np.max(lines, axis=0) * smooth(38, 14, np.abs(x)) * tissue.front, CREASE)


TONES: dict[str, Callable[[Tissue], np.ndarray]] = {
    "jawOpen": jaw_open,
    "mouthSmileLeft": smile,
    "noseSneerLeft": sneer,
    "mouthUpperUpLeft": upper_up,
    "mouthDimpleLeft": dimple,
    "eyeSquintLeft": squint,
    "cheekSquintLeft": squint,
    "cheekPuff": cheek_puff,
    "mouthPressLeft": press,
    "mouthRollLower": roll,
    "mouthRollUpper": roll,
    "browDownLeft": brow_down,
    "browInnerUp": brow_up,
}
