"""By what a speaker nods: its neck, itself as a whole, an Empty or a bone that it hangs on, or nothing."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from dgtalker_engine.performance import Performance
from dgtalker_engine.performance.neck import NECK_NAMES, over_neck
from dgtalker_engine.rig import HEAD_NAMES

from ... import animation_data
from ...properties import speaker_properties
from ..timeline import speakers
from . import first_design, generated, places
from .turns import Turned

FARTHER = 0.02
"""Of a control of the neck, beyond its end: nobody sees it."""


def has_moving_neck(head: bpy.types.Object) -> bool:
    """Whether it is its own neck by which a speaker nods."""
    return speakers.has_neck(head) and not speakers.turns(head) and speaker_properties(head).nod_target is None


def by_its_neck(head: bpy.types.Object, performance: Performance, notes: list[str]) -> Performance:
    """The performance with turns of the neck in place of turns of the whole, where that is how a speaker nods.

    Args:
        notes: gets a sentence where it cannot turn so far.
    """
    _keep_turning_whole(head)
    if not has_moving_neck(head):
        return performance
    turned = over_neck(performance)
    if np.abs(turned.select(NECK_NAMES)).max() > 1.0 + FARTHER:
        notes.append(f"The neck of {head.name} turns less far than asked for: Turn Object turns it as a whole.")
    return turned


def turned(head: bpy.types.Object) -> Turned:
    """What turns with a speaker's head, where that is not its neck: what it hangs on, or itself."""
    own = speaker_properties(head)
    target = own.nod_target
    if target is None:
        return Turned(head, Matrix.Identity(3))
    bpy.context.view_layer.update()  # where things are is known of what was evaluated only
    bone = target.pose.bones.get(own.nod_bone) if target.pose else None
    world = target.matrix_world @ bone.matrix if bone else target.matrix_world
    axes: Any = world.to_3x3().normalized().transposed() @ head.matrix_world.to_3x3().normalized()
    return Turned(target, axes, bone.name if bone else "")


def hindrance(head: bpy.types.Object, performance: Performance) -> str | None:
    """Why a speaker does not turn what it would turn; empty where the reason needs no saying, None where it does."""
    own = speaker_properties(head)
    target = own.nod_target
    if not set(HEAD_NAMES) & set(performance.names) or not (target or speakers.turns(head)):
        return ""
    if target is not None:
        if target.library is not None:
            return f"{target.name} is linked from another file: {head.name} cannot nod by it."
        if own.nod_bone and (target.pose is None or own.nod_bone not in target.pose.bones):
            return f"{target.name} has no bone {own.nod_bone}: {head.name} does not nod."
        if target == head or speakers.is_speaker(target):
            return f"{target.name} speaks itself: {head.name} cannot nod by it."
    what = turned(head)
    name = what.bone or what.owner.name
    if what.is_axis_angle:
        return f"{name} does not turn: speech knows no axis-angle rotation; use XYZ Euler."
    if what.path in animation_data.driven(what.owner):
        return f"Drivers of {what.owner.name} keep turning {'it' if name == what.owner.name else name}."
    return None


def moved_by_strips(what: Turned) -> str | None:
    """Why it does not turn where NLA strips turn it, None where none do; those of the first design must be gone."""
    moved = what.path in places.moved_by_strips(what.owner)
    return f"NLA strips of {what.owner.name} keep turning it." if moved else None


def _keep_turning_whole(head: bpy.types.Object) -> None:
    """A head whose turns an earlier release wrote to the object goes on so, with what was edited there, until its
    animator says otherwise."""
    own = speaker_properties(head)
    written = generated.has(head) or first_design.has(head)
    if speakers.has_neck(head) and written and not own.is_property_set("turns"):
        own.turns = True
