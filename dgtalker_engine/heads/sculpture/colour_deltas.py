"""Where blood and shadow go as the face moves: what controls do to colours, as parts of the colour at rest.

Each is written once, for the left side or the middle, like the controls themselves; a function returns what one unit
of the control adds to a point's colour, as a part of it: (N, 3), sRGB, 0 for no change.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...rig import mirrored
from .deformation_fields import FieldPoints
from .paint import BAG, CROWS_FEET, FOLD, FOREHEAD, FROWN, lip_colour, to_path
from .surfels import Part, smooth, soft

BLOOD = np.array([0.02, -0.09, -0.08])
PALE = np.array([0.03, 0.13, 0.12])
CREASE = np.array([-0.16, -0.24, -0.26])
DARK = np.array([-0.45, -0.5, -0.5])
SHADED = np.array([-0.42, -0.56, -0.60])


def colour_delta(name: str, points: FieldPoints) -> np.ndarray | None:
    """What the control `name` adds to every colour, as a part of it, (N, 3); None where it leaves them alone."""
    if name in COLOUR_DELTAS:
        return COLOUR_DELTAS[name](points)
    if mirrored(name) in COLOUR_DELTAS:
        return COLOUR_DELTAS[mirrored(name)](points.mirrored())
    return None


def _line(points: FieldPoints, path: tuple[tuple[float, float, float], ...], width: float) -> np.ndarray:
    """1 on a line of the face, as it is seen from the front."""
    flat = tuple((x, 0.0, z) for x, _, z in path)
    return points.front * soft(to_path(points.anchor * [1.0, 0.0, 1.0], flat), width)


def _on(weight: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return weight[:, None] * colour


def _lips(points: FieldPoints) -> np.ndarray:
    return points.skin * lip_colour(points.anchor)


def _fold(points: FieldPoints) -> np.ndarray:
    """The furrow from nose to mouth."""
    return _line(points, FOLD, 3.2) * smooth(-63, -50, points.anchor[:, 2])


def _crows_feet(points: FieldPoints) -> np.ndarray:
    """Beside the eye and below it."""
    lines = np.max([points.skin * soft(to_path(points.anchor, path), 1.8) for path in CROWS_FEET], axis=0)
    return np.maximum(lines, 0.6 * _line(points, BAG, 2.8))


def jaw_open(points: FieldPoints) -> np.ndarray:
    """The dark behind the teeth, and the shadow that the lower lip's inside lies in."""
    inside = np.isin(points.part, (Part.CAVITY, Part.TONGUE, Part.LOWER_TEETH))
    behind = inside * smooth(-86, -52, points.position[:, 1])
    hollow = points.ball((42, -62, -60), 17) + points.mirrored().ball((42, -62, -60), 17)
    return _on(behind, DARK) + _on(0.35 * hollow, CREASE)


def rounded(points: FieldPoints) -> np.ndarray:
    """Lips that stand far before the teeth take most of their light, and redden the rest."""
    teeth = np.isin(points.part, (Part.UPPER_TEETH, Part.LOWER_TEETH)) * smooth(-72, -80, points.position[:, 1])
    tongue = (points.part == Part.TONGUE) * smooth(-62, -74, points.position[:, 1])
    return _on(teeth + 0.7 * tongue, SHADED)


def smile(points: FieldPoints) -> np.ndarray:
    return _on(0.8 * _fold(points) + 0.3 * _crows_feet(points), CREASE) + _on(points.ball((44, -72, -30), 18), BLOOD)


def sneer(points: FieldPoints) -> np.ndarray:
    ridges = [_line(points, ((6, -95, z), (14, -86, z + 4)), 1.3) for z in (-6.0, -11.0, -16.0)]
    upper = _fold(points) * smooth(-54, -38, points.anchor[:, 2])
    return _on(upper + 0.6 * np.max(ridges, axis=0), CREASE)


def upper_up(points: FieldPoints) -> np.ndarray:
    return _on(0.4 * _fold(points), CREASE)


def dimple(points: FieldPoints) -> np.ndarray:
    return _on(points.ball((30, -81, -59), 4), CREASE)


def squint(points: FieldPoints) -> np.ndarray:
    return _on(0.35 * _crows_feet(points), CREASE)


def cheek_puff(points: FieldPoints) -> np.ndarray:
    return _on(points.ball((45, -66, -45), 20) + points.mirrored().ball((45, -66, -45), 20), 0.9 * BLOOD)


def press(points: FieldPoints) -> np.ndarray:
    """Pressed lips lose their blood."""
    return _on(_lips(points) * points.left, PALE)


def roll(points: FieldPoints) -> np.ndarray:
    return _on(_lips(points), 0.4 * PALE)


def brow_down(points: FieldPoints) -> np.ndarray:
    return _on(_line(points, FROWN, 2.0), CREASE)


def brow_up(points: FieldPoints) -> np.ndarray:
    x, _, z = points.anchor.T
    lines = [soft(z - height - 4 + x**2 / 220, 1.6) for height in FOREHEAD[:2]]
    return _on(0.4 * points.skin * np.max(lines, axis=0) * smooth(38, 14, np.abs(x)) * points.front, CREASE)


COLOUR_DELTAS: dict[str, Callable[[FieldPoints], np.ndarray]] = {
    "jawOpen": jaw_open,
    "mouthFunnel": rounded,
    "mouthPucker": rounded,
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
