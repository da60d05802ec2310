"""A drag of a handle: from where it is pulled to, to sliders; and what of it is keyed or taken back."""

from __future__ import annotations

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError

from .. import animation_data
from ..head import model, sliders
from . import faces
from .handles import HANDLES, Handle, moved_together
from .solver import solve

_ROUNDS = 2
"""Of solving and looking where the face went, each time that the pointer moves: correctives bend its way."""
_MOVED = 1e-4
"""Of a slider: what counts as a move."""


class Drag:
    """Moves sliders of a head until it ends; `point` is where the handle was at first, metres in the world."""

    def __init__(self, context: bpy.types.Context, ob: bpy.types.Object, handle: Handle, *, mirror: bool) -> None:
        """
        Raises:
            DGTalkerError: the sliders cannot be moved, or the head has no such handle.
        """
        reason = model.locked_reason(ob)
        if reason:
            raise DGTalkerError(reason)
        if ob.show_only_shape_key:
            raise DGTalkerError(f"{ob.name} shows only its active shape key.", "Turn Solo Active Shape Key off.")
        self.handle = handle
        self._ob, self._context = ob, context
        self._face = faces.face_of(ob)
        if handle not in self._face.handles:
            raise DGTalkerError(f"{ob.name} has no handle {handle.label}.", "Its sliders for it are missing.")
        self._left_alone = self._held()
        # only these are looked at: drivers may change others meanwhile
        touched = {name for mirrored in (False, True) for group in self._groups(mirrored) for name in group}
        self._blocks = sliders.blocks_of(ob, [name for name in self._face.moves if name in touched])
        self._start = {name: block.value for name, block in self._blocks.items()}
        self._rest = {control.name: control.default for control in model.rig_of(ob).controls}
        self.mirror = mirror
        self.point = self._point()

    def _held(self) -> dict[str, str]:
        key = model.key_of(self._ob)
        assert key is not None
        blocks = {block.path_from_id("value"): block for block in key.key_blocks}
        locked = {curve.data_path for curve in animation_data.active_curves(key) if _is_locked(curve)}
        reasons = {
            "muted:": {path for path, block in blocks.items() if block.mute},
            "locked curves hold": locked,
            "NLA strips move": animation_data.played_by_strips(key),
            "drivers hold": animation_data.driven(key),
        }
        return {
            name: reason
            for reason, paths in reasons.items()
            for path, name in ((path, block.name) for path, block in blocks.items())
            if path in paths and name in self._face.moves
        }

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Sliders that move together."""
        return self._groups(self.mirror)

    def _groups(self, mirror: bool) -> list[tuple[str, ...]]:
        free = self._face.moves.keys() - self._left_alone.keys()
        return moved_together(self.handle, free, mirror=mirror)

    @property
    def held(self) -> tuple[str, ...]:
        """What keeps sliders of this handle from being moved, as ``drivers hold jawOpen``; they are left alone."""
        groups = moved_together(self.handle, self._face.moves, mirror=self.mirror)
        found: dict[str, list[str]] = {}
        for name in (name for group in groups for name in group if name in self._left_alone):
            found.setdefault(self._left_alone[name], []).append(name)
        return tuple(f"{reason} {', '.join(names)}" for reason, names in found.items())

    def _point(self) -> np.ndarray:
        points = faces.points(self._ob, self._face, self._context.evaluated_depsgraph_get())
        if points is None:
            raise DGTalkerError(
                f"A modifier changes the vertices of {self._ob.name}.", "Handles cannot be found on it."
            )
        return points[self._face.number(self.handle)]

    def to(self, target: np.ndarray, axes: np.ndarray) -> None:
        """Brings the handle's point as near to `target`, (3,) metres in the world, as its sliders can.

        Args:
            axes: (D, 3), unit vectors in the world: the plane of the view, or all of space.
        """
        groups = self.groups
        for name in self.moved:
            if not any(name in group for group in groups):
                self._blocks[name].value = self._start[name]
        if not groups:
            return
        world = np.array(self._ob.matrix_world)[:3, :3]
        number = self._face.number(self.handle)
        moves = [sum(self._face.moves[name][number] for name in group) for group in groups]
        jacobian = world @ np.stack(moves, axis=1)
        first = [self._blocks[group[0]] for group in groups]
        start = np.array([self._start[group[0]] for group in groups])
        rest = np.array([self._rest[group[0]] for group in groups])
        limits = np.array([block.slider_min for block in first]), np.array([block.slider_max for block in first])
        reach = np.linalg.norm(jacobian, axis=0)
        move = axes @ (target - self.point)
        for _ in range(_ROUNDS):
            went = axes @ (self._point() - self.point)
            now = np.array([block.value for block in first]) - start
            values = solve(axes @ jacobian, move, start, rest, limits, reach, went - axes @ jacobian @ now)
            for group, value, before in zip(groups, values, start, strict=True):
                for name in group:  # what does not move here does not on the other side, whatever it is there
                    self._blocks[name].value = float(value) if value != before else self._start[name]

    @property
    def lines(self) -> tuple[str, ...]:
        """What the drag does, line by line: sliders and their values, the most moved first, and what is left alone."""
        own = [name for name in self.moved if name in self.handle.sliders]
        own.sort(key=lambda name: -abs(self.moved[name] - self._start[name]))
        values = [f"{name} {self._blocks[name].value:.2f}" for name in own]
        return (*values, *(f"({each})" for each in self.held))

    @property
    def moved(self) -> dict[str, float]:
        """The sliders that are not where they were, and their values."""
        values = {name: block.value for name, block in self._blocks.items()}
        return {name: value for name, value in values.items() if abs(value - self._start[name]) > _MOVED}

    def cancel(self) -> None:
        for name, block in self._blocks.items():
            if block.value != self._start[name]:
                block.value = self._start[name]

    def key(self, frame: float) -> None:
        """Keys what was moved, as keys of the animator's."""
        sliders.insert_keys(self._ob, [self._blocks[name] for name in self.moved], frame)


def _is_locked(curve: bpy.types.FCurve) -> bool:
    return curve.lock or (curve.group is not None and curve.group.lock)


def handle_named(name: str, ob: bpy.types.Object) -> Handle:
    """The handle of a head that is called so.

    Raises:
        DGTalkerError: there is none.
    """
    found = next((handle for handle in faces.face_of(ob).handles if handle.name == name), None)
    if found is None:
        known = any(handle.name == name for handle in HANDLES)
        raise DGTalkerError(
            f"{ob.name} has no handle {name!r}.", "Its sliders for it are missing." if known else "No head has one."
        )
    return found
