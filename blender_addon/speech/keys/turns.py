"""What turns with a speaker's head, in the head's own axes, over how the animator has it turned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Matrix, Quaternion

from dgtalker_engine.performance import Performance
from dgtalker_engine.rig import HEAD_NAMES

from ... import animation_data

DELTA_PATHS = ("delta_rotation_euler", "delta_rotation_quaternion")


@dataclass(frozen=True)
class Turned:
    """An object, by the delta of its rotation, or a bone of an armature, by its rotation.

    Attributes:
        owner: the object, or the armature.
        axes: the axes of the head in its own, (3, 3), as they hang together.
        bone: name of the bone; empty for the object.
    """

    owner: bpy.types.Object
    axes: Matrix
    bone: str = ""

    @property
    def path(self) -> str:
        """The data path of what is keyed."""
        if not self.bone:
            return DELTA_PATHS[self._mode(self.owner) == "QUATERNION"]
        kind = "quaternion" if self._mode(self.owner) == "QUATERNION" else "euler"
        return f'pose.bones["{bpy.utils.escape_identifier(self.bone)}"].rotation_{kind}'

    @property
    def rest(self) -> tuple[float, ...]:
        """What is there where nothing turns."""
        return rest_of(self.path)

    @property
    def is_axis_angle(self) -> bool:
        return self._mode(self.owner) == "AXIS_ANGLE"

    def turned(self, performance: Performance, first: int, own: np.ndarray) -> np.ndarray:
        """Values of the path, float32 (frames, 3 or 4), that turn from the animator's `own` with the head.

        Blender applies a delta before (outside of) the object's own rotation R, so after a delta O of the animator's a
        turn D of the object in its own axes is the delta O R D R⁻¹. A bone's rotation O becomes O D.
        """
        yaw, pitch, roll = (performance.curve(name) for name in HEAD_NAMES)
        order: Any = self._mode(self.owner)
        values = np.empty(own.shape, np.float32)
        angles = zip(pitch.tolist(), roll.tolist(), yaw.tolist(), strict=True)
        still: list[float] | None = None
        below = Matrix.Identity(3)
        for i, (turn, rotation, mine) in enumerate(zip(angles, self._rotations(first), own.tolist(), strict=False)):
            if mine != still:
                still, below = mine, _rotation(order, mine)
            local = self.axes @ Euler(turn).to_matrix() @ self.axes.transposed()
            total = below @ rotation @ local @ rotation.transposed()
            found: Any = total.to_quaternion() if own.shape[1] == 4 else total.to_euler(order)
            values[i] = tuple(found)
        return values

    def turn(self, evaluated: bpy.types.Object) -> Matrix:
        """D, the turn of the head in its own axes, of the owner as it is evaluated."""
        if self.is_axis_angle:
            return Matrix.Identity(3)
        posed: Any = evaluated.pose.bones[self.bone] if self.bone and evaluated.pose else evaluated
        quaternion = posed.rotation_mode == "QUATERNION"
        own = _rotation(posed.rotation_mode, list(posed.rotation_quaternion if quaternion else posed.rotation_euler))
        local = own
        if not self.bone:
            delta = posed.delta_rotation_quaternion if quaternion else posed.delta_rotation_euler
            local = own.transposed() @ _rotation(posed.rotation_mode, list(delta)) @ own
        return self.axes.transposed() @ local @ self.axes

    def _mode(self, owner: bpy.types.Object) -> str:
        posed: Any = owner.pose.bones[self.bone] if self.bone and owner.pose else owner
        return posed.rotation_mode

    def _rotations(self, first: int) -> Iterator[Matrix]:
        """What stands between a delta and the turn, from frame `first` on, (3, 3), without end: the object's own
        rotation, as its action moves it; nothing for a bone."""
        head, path = self.owner, "rotation_quaternion" if self.path == DELTA_PATHS[1] else "rotation_euler"
        rest = list(getattr(head, path))
        curves = {curve.array_index: curve for curve in animation_data.active_curves(head) if curve.data_path == path}
        still = Matrix.Identity(3) if self.bone else _rotation(head.rotation_mode, rest)
        frame = first
        while True:
            if curves and not self.bone:
                now = [curves[i].evaluate(frame) if i in curves else value for i, value in enumerate(rest)]
                yield _rotation(head.rotation_mode, now)
            else:
                yield still
            frame += 1


def bone_of(path: str) -> str:
    """The name of the bone of a data path of `Turned`; empty for an object's."""
    found = re.match(r'pose\.bones\["(.*)"\]\.', path)
    return bpy.utils.unescape_identifier(found[1]) if found else ""


def posed_of(owner: bpy.types.Object, path: str) -> Any:
    """What a data path of `Turned` turns: the object, or a bone of its pose; None where that bone is gone."""
    bone = bone_of(path)
    return (owner.pose.bones.get(bone) if owner.pose else None) if bone else owner


def rest_of(path: str) -> tuple[float, ...]:
    """What stands on a data path of `Turned` where nothing turns."""
    return (1.0, 0.0, 0.0, 0.0) if path.endswith("quaternion") else (0.0, 0.0, 0.0)


def _rotation(mode: Any, values: list[float]) -> Matrix:
    own = Quaternion(values).normalized() if mode == "QUATERNION" else Euler(values, mode)
    return own.to_matrix()
