"""What the slider panel's buttons do, as plain functions: reset, key all, mirror."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import bpy

from dgtalker_engine.errors import DGTalkerError

from .. import animation_data
from . import expression_sliders, groups, model

Mirror = Literal["SWAP", "LEFT_TO_RIGHT", "RIGHT_TO_LEFT"]


def rotation_path(ob: bpy.types.Object) -> str:
    """Of the head's own rotation; speech and the pose sliders move it, the object's rotation stays free."""
    return "delta_rotation_quaternion" if ob.rotation_mode == "QUATERNION" else "delta_rotation_euler"


def reset(ob: bpy.types.Object, section: str = "") -> None:
    """Bring the sliders of one section of the panel, or all of them, back to rest; Pose holds the head's rotation.

    Raises:
        DGTalkerError: the sliders cannot be moved.
    """
    blocks = _editable_blocks(ob)
    for control in expression_sliders.slider_rig(ob).controls:
        if control.name in blocks and section in ("", groups.group_of(control)):
            blocks[control.name].value = control.default
    if section in ("", groups.POSE):
        ob.delta_rotation_euler = (0.0, 0.0, 0.0)
        ob.delta_rotation_quaternion = (1.0, 0.0, 0.0, 0.0)


def key_all(ob: bpy.types.Object, frame: float) -> tuple[int, tuple[str, ...]]:
    """Insert a key on every slider and on the head's rotation.

    Returns:
        the number of sliders that have one, and what Blender inserts none on: its curve is locked, or linked.

    Raises:
        DGTalkerError: the sliders cannot be keyed.
    """
    blocks, path = _editable_blocks(ob), rotation_path(ob)
    left = insert_keys(ob, blocks.values(), frame)
    count = len(blocks) - len(left)
    if not ob.keyframe_insert(path, frame=frame):
        left = (*left, "the head's rotation")
    for curve in animation_data.active_curves(ob):
        if curve.data_path == path:
            _mark_as_hand_key(curve, frame)
    return count, left


def insert_keys(ob: bpy.types.Object, blocks: Iterable[bpy.types.ShapeKey], frame: float) -> tuple[str, ...]:
    """Insert keys of the animator's on some of a head's sliders, as they stand; returns those that got none."""
    paths: set[str] = set()
    left: list[str] = []
    for block in blocks:
        if not block.keyframe_insert("value", frame=frame):
            left.append(block.name)
        paths.add(block.path_from_id("value"))
    key = model.key_of(ob)
    for curve in animation_data.active_curves(key) if key else ():
        if curve.data_path in paths:
            _mark_as_hand_key(curve, frame)
    return tuple(left)


def mirror(ob: bpy.types.Object, mode: Mirror = "SWAP") -> None:
    """Mirror the face, or copy one side to the other.

    SWAP mirrors everything, with sideways controls (jaw, mouth) and the head's rotation. Copying leaves those alone.

    Raises:
        DGTalkerError: the sliders cannot be moved.
    """
    blocks = _editable_blocks(ob)
    rig = expression_sliders.slider_rig(ob)
    before = {name: block.value for name, block in blocks.items()}
    source = {"LEFT_TO_RIGHT": "Left", "RIGHT_TO_LEFT": "Right"}.get(mode)
    for name, other in groups.swaps(rig).items():
        copied = source is None or (groups.side_of(other) == source and not groups.is_direction(name))
        if copied and name in blocks and other in blocks:
            blocks[name].value = before[other]
    if mode == "SWAP":
        for name in groups.reversed_when_mirrored(rig):
            if name in blocks:
                blocks[name].value = -before[name]
        x, y, z = ob.delta_rotation_euler
        ob.delta_rotation_euler = (x, -y, -z)
        w, x, y, z = ob.delta_rotation_quaternion
        ob.delta_rotation_quaternion = (w, x, -y, -z)


def _mark_as_hand_key(curve: bpy.types.FCurve, frame: float) -> None:
    """A key that was there before keeps its type, also that of a generated one, which speech would write anew."""
    for point in curve.keyframe_points:
        if abs(point.co.x - frame) < 1e-3:
            point.type = "KEYFRAME"


def _editable_blocks(ob: bpy.types.Object) -> dict[str, bpy.types.ShapeKey]:
    """The key blocks of the head's sliders, by name."""
    reason = model.locked_reason(ob)
    if reason:
        raise DGTalkerError(reason)
    return blocks_of(ob, expression_sliders.slider_rig(ob).names)


def blocks_of(ob: bpy.types.Object, names: Iterable[str]) -> dict[str, bpy.types.ShapeKey]:
    """The head's key blocks of these names that are there, in the order of `names`."""
    key = model.key_of(ob)
    present = {block.name: block for block in key.key_blocks} if key else {}
    return {name: present[name] for name in names if name in present}
