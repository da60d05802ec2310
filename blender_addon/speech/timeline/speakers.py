"""Who can speak: Gaussian heads, and any mesh whose shape keys carry ARKit's names. Reads only."""

from __future__ import annotations

from typing import Any, TypeGuard

import bpy
import numpy as np

from dgtalker_engine.performance.neck import NECK_NAMES

from ...head import model
from ...properties import speaker_properties, strip_properties
from . import arkit_names

FEWEST_CONTROLS = 5
"""ARKit names among its shape keys that make a mesh a speaker."""


def is_speaker(ob: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    return model.has_controls(ob) or _is_arkit(ob)


def _is_arkit(ob: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    if ob is None or ob.type != "MESH" or model.key_of(ob) is None:
        return False
    return len(controls(ob)) >= FEWEST_CONTROLS


def in_scene(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The scene's heads, by name, or, where it has none, its ARKit meshes."""
    heads = [head for head in model.heads(scene) if model.has_controls(head)]
    return heads or sorted(filter(_is_arkit, scene.objects), key=lambda ob: ob.name)


def controls(ob: bpy.types.Object) -> dict[str, str]:
    """Names of the shape keys that a speaker's controls have or should have, by control."""
    if model.is_head(ob):
        return {name: name for name in model.rig_of(ob).names}
    key = model.key_of(ob)
    if key is None:
        return {}
    chosen = speaker_properties(ob).names
    if len(chosen):
        return {each.name: each.shape_key for each in chosen if each.shape_key in key.key_blocks}
    return arkit_names.controls_of(block.name for block in key.key_blocks[1:])


def rest(ob: bpy.types.Object) -> dict[str, float]:
    """The weights of a speaker's controls at rest, by control."""
    if model.is_head(ob):
        return {control.name: control.default for control in model.rig_of(ob).controls}
    return dict.fromkeys(controls(ob), 0.0)


def meshes(ob: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects whose sliders move when a speaker speaks: itself first, then its teeth, eyes and other parts.

    Parts are the ARKit meshes below the same armature or Empty, or that the same armature deforms, which have no speech
    of their own, as character makers export them. An Empty may hold several characters: parts of one touch.
    """
    found = {model.key_of(ob): ob}
    bodies = set() if model.is_head(ob) else _bodies(ob)
    scenes = ob.users_scene[:1] if bodies else ()
    others = [part for scene in scenes for part in scene.objects if part != ob and _is_arkit(part)]
    parts = [part for part in others if not model.is_head(part) and _together(ob, part, bodies)]
    speaking = _speaking() if parts else set()
    for part in parts:
        own = speaker_properties(part)
        if part not in speaking and not own.take and not own.recording:
            found.setdefault(model.key_of(part), part)
    return list(found.values())


def _together(ob: bpy.types.Object, part: bpy.types.Object, bodies: set[bpy.types.Object]) -> bool:
    """Whether two meshes belong to one character; `bodies` are those of the first."""
    shared = bodies & _bodies(part)
    if any(body.type == "ARMATURE" for body in shared):
        return True
    return any(_touch(ob, part, body) for body in shared)


def _touch(ob: bpy.types.Object, part: bpy.types.Object, body: bpy.types.Object) -> bool:
    """Whether two objects' boxes do, as what both are bound to sees them: however it moves and turns meanwhile."""
    (low, high), (part_low, part_high) = _box(ob, body), _box(part, body)
    return bool(np.all(low <= part_high) and np.all(part_low <= high))


def _box(ob: bpy.types.Object, body: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest corner of an object's box in the space of another, each (3,)."""
    corners: Any = ob.bound_box
    matrix = np.array(body.matrix_world.inverted_safe() @ ob.matrix_world)
    placed = np.array(corners) @ matrix[:3, :3].T + matrix[:3, 3]
    return placed.min(axis=0), placed.max(axis=0)


def _bodies(ob: bpy.types.Object) -> set[bpy.types.Object]:
    """Whose part an object is: the armatures and Empties that it is bound to."""
    bound: list[Any] = [
        ob.parent,
        *(each.object for each in ob.modifiers if isinstance(each, bpy.types.ArmatureModifier)),
    ]
    return {each for each in bound if each is not None and each.type in ("ARMATURE", "EMPTY")}


def turns(ob: bpy.types.Object) -> bool:
    """Whether the object itself turns with the head's motion. A body that is one mesh must not."""
    return speaker_properties(ob).turns or (model.is_head(ob) and not has_neck(ob))


def nods(ob: bpy.types.Object) -> bool:
    """Whether a speaker's head moves in any way."""
    return turns(ob) or has_neck(ob) or speaker_properties(ob).nod_target is not None


def has_neck(ob: bpy.types.Object) -> bool:
    """Whether a head has controls that turn it over a still neck."""
    return model.is_head(ob) and set(NECK_NAMES) <= set(model.rig_of(ob).names)


def locked_reason(ob: bpy.types.Object) -> str:
    """Why a speaker's sliders cannot be keyed; empty when they can."""
    if model.is_head(ob):
        return model.locked_reason(ob)
    for part in meshes(ob):
        key = model.key_of(part)
        if part.library is not None or key is None or not key.is_editable:
            return f"{part.name} or its mesh is linked from another file: choose Object ▸ Relations ▸ Make Local."
    return ""


def _speaking() -> set[bpy.types.Object]:
    """The objects with a line of their own."""
    editors = [scene.sequence_editor for scene in bpy.data.scenes if scene.sequence_editor]
    named = {strip_properties(strip).speaker for editor in editors for strip in editor.strips_all}
    return {ob for ob in named if ob is not None}
