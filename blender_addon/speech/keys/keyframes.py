"""A Performance becomes keyframes: shape keys of the head's mesh, and the delta rotation of the head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Matrix, Quaternion

from dgtalker_engine.performance import Performance
from dgtalker_engine.rig import HEAD_NAMES

from ... import animation_data
from ...head import model
from ..timeline import speakers
from . import nla

DELTA_PATHS = ("delta_rotation_euler", "delta_rotation_quaternion")


def write(head: bpy.types.Object, performance: Performance, first: int) -> list[str]:
    """Writes a performance that starts at frame `first` into a speaker's generated strips.

    Controls that a driver moves are left to it.

    Returns:
        Sentences for the user about what was left out.
    """
    notes: list[str] = []
    last = first + performance.frames - 1
    lowest = True
    for part in speakers.meshes(head):
        key = model.key_of(part)
        if key is None:
            return [speakers.locked_reason(part)]
        paths = _control_paths(part, key, performance, notes)
        curves = {(path, 0): _shortened(performance.curve(name)) for name, path in paths.items()}
        lowest &= nla.write(key, f"Speech {part.name}", first, last, curves, part)
    turns = _turn_curves(head, performance, first, notes) if speakers.turns(head) else {}
    if turns:
        lowest &= nla.write(head, f"Speech {head.name} Movement", first, last, turns, head)
    elif nla.find(head):
        _clear_turns(head)
    if not lowest:
        notes.append(f"The track Speech of {head.name} lies above your own: move it down in the NLA editor.")
    return notes


def spoken(head: bpy.types.Object) -> bool:
    """Whether a speaker has generated keys."""
    return any(nla.find(owner) for owner in (model.key_of(head), head) if owner)


def clear(head: bpy.types.Object) -> None:
    """Removes a speaker's generated strips and lays what they moved to rest."""
    for part in speakers.meshes(head):
        key = model.key_of(part)
        if key is None:
            continue
        moved = {path for layer in (nla.CONTACTS, nla.SPEECH) for path, _ in nla.remove(key, layer)}
        defaults = speakers.rest(part)
        rest = {name: defaults[control] for control, name in speakers.controls(part).items()}
        for block in key.key_blocks:
            if block.path_from_id("value") in moved:
                block.value = rest.get(block.name, 0.0)
    _clear_turns(head)


def _clear_turns(head: bpy.types.Object) -> None:
    if nla.find(head):
        moved = {path for path, _ in nla.remove(head)}
        if DELTA_PATHS[0] in moved:
            head.delta_rotation_euler = (0.0, 0.0, 0.0)
        if DELTA_PATHS[1] in moved:
            head.delta_rotation_quaternion = (1.0, 0.0, 0.0, 0.0)


def tweaked(head: bpy.types.Object) -> bool:
    """Whether the animator is inside one of a speaker's NLA strips."""
    keys = [model.key_of(part) for part in speakers.meshes(head)]
    return animation_data.tweaked(head) or any(animation_data.tweaked(key) for key in keys if key)


def locked_reason(head: bpy.types.Object) -> str:
    """Why a speaker cannot be animated; empty when it can."""
    if tweaked(head):
        return f"An NLA strip of {head.name} is being edited: leave it with Tab in the NLA editor first."
    return speakers.locked_reason(head)


def _control_paths(
    head: bpy.types.Object, key: bpy.types.Key, performance: Performance, notes: list[str]
) -> dict[str, str]:
    """Data paths of the controls that the performance moves, by control."""
    controls = {control: name for control, name in speakers.controls(head).items() if control in performance.names}
    missing = [name for name in controls.values() if name not in key.key_blocks]
    if missing:
        notes.append(f"{head.name} has lost shape keys ({listed(missing)}): restore its controls.")
    blocks = {control: key.key_blocks[name] for control, name in controls.items() if name not in missing}
    paths = {control: block.path_from_id("value") for control, block in blocks.items()}
    drivers = animation_data.driven(key)
    driven = [controls[control] for control, path in paths.items() if path in drivers]
    if driven:
        notes.append(f"Drivers of {head.name} keep moving {listed(driven)}.")
    return {control: path for control, path in paths.items() if path not in drivers}


def listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _turn_curves(
    head: bpy.types.Object, performance: Performance, first: int, notes: list[str]
) -> dict[tuple[str, int], np.ndarray]:
    """Curves of the head's delta rotation.

    Blender applies a delta before (outside of) the object's own rotation R, so a turn D of the head in its own axes
    is the delta R D R⁻¹.
    """
    if not set(HEAD_NAMES) & set(performance.names):
        return {}
    quaternion = head.rotation_mode == "QUATERNION"
    path = DELTA_PATHS[quaternion]
    if head.rotation_mode == "AXIS_ANGLE":
        notes.append(f"{head.name} does not turn: Blender has no delta for axis-angle rotation; use XYZ Euler.")
        return {}
    if path in animation_data.driven(head):
        notes.append(f"Drivers of {head.name} keep turning it.")
        return {}
    yaw, pitch, roll = (performance.curve(name) for name in HEAD_NAMES)
    values = np.empty((performance.frames, 4 if quaternion else 3), np.float32)
    angles = zip(pitch.tolist(), roll.tolist(), yaw.tolist(), strict=True)
    order: Any = head.rotation_mode
    for i, (turn, own) in enumerate(zip(angles, _own_rotations(head, first), strict=False)):
        delta = own @ Euler(turn).to_matrix() @ own.transposed()
        turned: Any = delta.to_quaternion() if quaternion else delta.to_euler(order)
        values[i] = tuple(turned)
    return {(path, i): _shortened(values[:, i]) for i in range(values.shape[1])}


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


def _shortened(values: np.ndarray) -> np.ndarray:
    """One key is enough for what never moves."""
    return values[:1] if np.ptp(values) == 0.0 else values
