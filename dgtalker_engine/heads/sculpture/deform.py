"""How the controls move the head: smooth functions of place, and the sums that a .dgt file keeps of them. Millimetres.

Each control is written once, for the left side or the middle; the right side is its mirror image. A function returns
the displacement (N, 3) of every point. Fields are evaluated at a point's anchor and applied at the point itself, so
that lashes, lid edges and the inside of the lips turn with the skin that carries them.

What turns (jaw and lids) is followed along its arc, and what a sum breaks is posed as a whole: `POSES` lists all that
is posed, `MIX` makes of the poses what one unit of each control and corrective adds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...rig import head_rig, mirrored
from . import eye_controls as eyes
from . import face_controls as face
from . import mouth_controls as mouth
from .correctives import TOGETHER
from .deformation_fields import FieldPoints

Strengths = tuple[tuple[str, float], ...]
"""Controls and their strengths."""

RIG = head_rig()


def displacement(name: str, points: FieldPoints, strength: float = 1.0) -> np.ndarray:
    """What the control `name` does to every point, (N, 3), without what joints turn."""
    if name in LEFT or name in MIDDLE:
        if name in ARCS:
            return ARCS[name](points, strength)
        return strength * (LEFT.get(name) or MIDDLE[name])(points)
    return displacement(mirrored(name), points.mirrored(), strength) * [-1.0, 1.0, 1.0]


def posed(pose: Strengths, points: FieldPoints) -> np.ndarray:
    """What a pose of one control, or of those of a corrective, does to every point, (N, 3)."""
    names = tuple(name for name, _ in pose)
    if names in TOGETHER:
        return TOGETHER[names](points, displacement)
    other = tuple(mirrored(name) for name in names)
    if other in TOGETHER:
        return TOGETHER[other](points.mirrored(), displacement) * [-1.0, 1.0, 1.0]
    ((name, strength),) = pose
    return displacement(name, points, strength)


MIDDLE: dict[str, Callable[[FieldPoints], np.ndarray]] = {
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
    "headTurn": eyes.nothing,
    "headNod": eyes.nothing,
    "headTilt": eyes.nothing,
    "gazeSide": eyes.gaze_side,
    "gazeUp": eyes.gaze_up,
}

LEFT: dict[str, Callable[[FieldPoints], np.ndarray]] = {
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

ARCS: dict[str, Callable[[FieldPoints, float], np.ndarray]] = {
    "jawOpen": mouth.jaw_open,
    "eyeBlinkLeft": eyes.blink,
    "mouthClose": mouth.mouth_close,
}
"""Controls that take points along an arc, or not all the way; their squares are correctives."""

assert {*MIDDLE, *LEFT, *map(mirrored, LEFT)} == set(RIG.names)


def _both_sides(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    other = tuple(mirrored(name) for name in names)
    return [names] if other == names else [names, other]


SQUARES = tuple(square for name in ARCS for square in _both_sides((name, name)))
CORRECTIVES: tuple[tuple[str, ...], ...] = SQUARES + tuple(c for names in TOGETHER for c in _both_sides(names))


def _recipe() -> tuple[tuple[Strengths, ...], np.ndarray]:
    """The poses, and what of each of them (blocks, poses) the blocks are: controls, then correctives."""
    place: dict[Strengths, int] = {}
    rows: list[dict[int, float]] = []

    def at(*pose: tuple[str, float]) -> int:
        return place.setdefault(pose, len(place))

    curved = {names[0] for names in SQUARES}
    for name in RIG.names:
        # through the pose at 1/2 and at 1: w · (4 half - whole) + w² · (2 whole - 4 half)
        rows.append({at((name, 1.0)): -1.0, at((name, 0.5)): 4.0} if name in curved else {at((name, 1.0)): 1.0})
    for first, *others in CORRECTIVES:
        if others == [first]:
            rows.append({at((first, 1.0)): 2.0, at((first, 0.5)): -4.0})
        else:
            names = (first, *others)
            rows.append({at(*((name, 1.0) for name in names)): 1.0, **{at((name, 1.0)): -1.0 for name in names}})
    mix = np.zeros((len(rows), len(place)))
    for i, row in enumerate(rows):
        mix[i, list(row)] = list(row.values())
    return tuple(place), mix


POSES, MIX = _recipe()
