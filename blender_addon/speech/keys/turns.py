"""The turns of a head in its own axes, as a delta rotation over the animator's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Matrix, Quaternion

from dgtalker_engine.performance import Performance
from dgtalker_engine.rig import HEAD_NAMES

from ... import animation_data

DELTA_PATHS = ("delta_rotation_euler", "delta_rotation_quaternion")


def turned(head: bpy.types.Object, performance: Performance, first: int, own: np.ndarray) -> np.ndarray:
    """The delta rotation of a head, float32 (frames, 3 or 4), which turns from the delta `own` in its own axes.

    Blender applies a delta before (outside of) the object's own rotation R, so after a delta O of the animator's a turn
    D of the head in its own axes is the delta O R D R⁻¹.
    """
    yaw, pitch, roll = (performance.curve(name) for name in HEAD_NAMES)
    quaternion = own.shape[1] == 4
    order: Any = head.rotation_mode
    values = np.empty(own.shape, np.float32)
    angles = zip(pitch.tolist(), roll.tolist(), yaw.tolist(), strict=True)
    still: list[float] | None = None
    below = Matrix.Identity(3)
    for i, (turn, rotation, mine) in enumerate(zip(angles, _own_rotations(head, first), own.tolist(), strict=False)):
        if mine != still:
            still, below = mine, _rotation(order, mine)
        delta = below @ rotation @ Euler(turn).to_matrix() @ rotation.transposed()
        turned: Any = delta.to_quaternion() if quaternion else delta.to_euler(order)
        values[i] = tuple(turned)
    return values


def _own_rotations(head: bpy.types.Object, first: int) -> Iterator[Matrix]:
    """The object's own rotation from frame `first` on, as its action moves it, (3, 3), without end."""
    path = "rotation_quaternion" if head.rotation_mode == "QUATERNION" else "rotation_euler"
    rest = list(getattr(head, path))
    curves = {curve.array_index: curve for curve in animation_data.active_curves(head) if curve.data_path == path}
    still = _rotation(head.rotation_mode, rest)
    frame = first
    while True:
        if curves:
            now = [curves[i].evaluate(frame) if i in curves else value for i, value in enumerate(rest)]
            yield _rotation(head.rotation_mode, now)
        else:
            yield still
        frame += 1


def _rotation(mode: Any, values: list[float]) -> Matrix:
    own = Quaternion(values).normalized() if mode == "QUATERNION" else Euler(values, mode)
    return own.to_matrix()
