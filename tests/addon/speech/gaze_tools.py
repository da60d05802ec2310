"""Where heads look, for tests of what turns their eyes."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix, Vector

EYES = Vector((0.0, -0.09, 0.03))
"""Between the eyes of the tests' heads, in their own space."""


def line_of_sight(head, frame) -> np.ndarray:
    """Where the eyes look on a frame, as its sliders say, in world space: a unit vector (3,)."""
    from dgtalker_engine.performance.gaze import EYE_RANGE  # the installed extension brings it
    from dgtalker_engine.rig import NECK_TURNS

    bpy.context.scene.frame_set(frame)
    value = {block.name: block.value for block in head.data.shape_keys.key_blocks}
    vector = sum((value[name] * Vector(turn) for name, turn in NECK_TURNS.items()), Vector())
    side = (value["eyeLookOutLeft"] - value["eyeLookInLeft"]) * EYE_RANGE
    down = (value["eyeLookDownLeft"] - value["eyeLookUpLeft"]) * EYE_RANGE
    eyes = Matrix.Rotation(side, 3, "Z") @ Matrix.Rotation(down, 3, "X")
    neck = Matrix.Rotation(vector.length, 3, vector) if vector.length else Matrix.Identity(3)
    return np.array(head.matrix_world.to_3x3() @ neck @ eyes @ Vector((0, -1, 0)))


def degrees_off(head, frame, point) -> float:
    sight = line_of_sight(head, frame)
    wanted = np.array(Vector(point) - head.matrix_world @ EYES)
    return float(np.degrees(np.arccos(np.clip(sight @ wanted / np.linalg.norm(wanted), -1, 1))))
