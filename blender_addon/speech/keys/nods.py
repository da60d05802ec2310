"""By what a speaker nods: its neck, itself as a whole, an Empty or a bone that it hangs on, or nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from dgtalker_engine.errors import DGTalkerError
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

CARRIERS = ("EMPTY", "ARMATURE")
"""Types of objects by which a speaker may nod."""

_settling: set[int] = set()
"""Speakers, by session_uid; see `settles`."""


def has_moving_neck(head: bpy.types.Object) -> bool:
    """Whether it is its own neck by which a speaker nods."""
    return speakers.has_neck(head) and not speakers.turns(head) and speaker_properties(head).nod_target is None


def turns_something(head: bpy.types.Object) -> bool:
    """Whether a speaker turns itself as a whole, or what it hangs on."""
    return speakers.turns(head) or speaker_properties(head).nod_target is not None


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
    what = _what(head)
    if what.owner == head:
        return what
    bpy.context.view_layer.update()  # where things are is known of what was evaluated only
    world = what.owner.matrix_world
    if what.bone:
        world = world @ what.owner.pose.bones[what.bone].matrix
    axes: Any = world.to_3x3().normalized().transposed() @ head.matrix_world.to_3x3().normalized()
    return dataclasses.replace(what, axes=axes)


def carrier(head: bpy.types.Object) -> bpy.types.Object | None:
    """The Empty or armature that has a speaker's nods now. A copy of the speaker names it, too, but not as its own."""
    nodded = speaker_properties(head).nodded
    return nodded if nodded is not None and speaker_properties(nodded).nods_for == head else None


def carry(head: bpy.types.Object, target: bpy.types.Object | None) -> None:
    """Notes which Empty or armature has a speaker's nods from now on."""
    former = carrier(head)
    if former is not None:
        speaker_properties(former).nods_for = None
    speaker_properties(head).nodded = target
    if target is not None:
        speaker_properties(target).nods_for = head


def hindrance(head: bpy.types.Object, performance: Performance) -> str | None:
    """Why a speaker does not turn what it would turn; empty where the reason needs no saying, None where it does."""
    target = speaker_properties(head).nod_target
    if not set(HEAD_NAMES) & set(performance.names) or not (target or speakers.turns(head)):
        return ""
    if problem := target_problem(head):
        return problem
    if target is not None:
        try:
            places.ledger_of(target)
        except DGTalkerError as error:
            return f"{target.name}: {error}"
    return None


def target_problem(head: bpy.types.Object) -> str:
    """Why a speaker cannot turn what it is set to turn; empty where it can, or nods by its neck. Cheap."""
    own = speaker_properties(head)
    target = own.nod_target
    if target is None and not speakers.turns(head):
        return ""
    if target is not None and (problem := _unfit(head, target)):
        return problem
    what = _what(head)
    name = what.bone or what.owner.name
    if what.is_axis_angle:
        return f"{name} does not turn: speech knows no axis-angle rotation; use XYZ Euler."
    if what.path in animation_data.driven(what.owner):
        return f"Drivers of {what.owner.name} keep turning {'it' if name == what.owner.name else name}."
    return ""


def _unfit(head: bpy.types.Object, target: bpy.types.Object) -> str:
    """Why a speaker cannot nod by an object at all; empty where it can."""
    if not target.users_scene:
        return f"{target.name} was deleted: {head.name} does not nod. Clear Nods Move."
    if target.type not in CARRIERS:
        return f"{target.name} is neither an Empty nor an armature: {head.name} cannot nod by it."
    if target.library is not None:
        return f"{target.name} is linked from another file: {head.name} cannot nod by it."
    if target.override_library is not None and target.override_library.is_system_override:
        return (
            f"{target.name} is a locked library override, by which {head.name} cannot nod: select it and choose "
            "Object ▸ Library Override ▸ Make."
        )
    other = speaker_properties(target).nods_for
    if other is not None and other != head and other.users_scene and carrier(other) == target:
        return f"{other.name} nods by {target.name} already: {head.name} cannot."
    bone = speaker_properties(head).nod_bone
    if bone and (target.pose is None or bone not in target.pose.bones):
        return f"{target.name} has no bone {bone}: {head.name} does not nod."
    return ""


def _what(head: bpy.types.Object) -> Turned:
    """`turned`, where it does not matter how both stand."""
    own = speaker_properties(head)
    target = own.nod_target
    bone = target.pose.bones.get(own.nod_bone) if target is not None and target.pose else None
    return Turned(target or head, Matrix.Identity(3), bone.name if bone else "")


def moved_by_strips(what: Turned) -> str | None:
    """Why it does not turn where NLA strips turn it, None where none do; those of the first design must be gone."""
    moved = what.path in places.moved_by_strips(what.owner)
    return f"NLA strips of {what.owner.name} keep turning it." if moved else None


def settles(head: bpy.types.Object) -> bool:
    """Whether settings of a speaker change since its keys are being written: they need no writing of their own."""
    return head.session_uid in _settling


def _keep_turning_whole(head: bpy.types.Object) -> None:
    """A head whose turns an earlier release wrote to the object goes on so, with what was edited there, until its
    animator says otherwise."""
    own = speaker_properties(head)
    written = generated.has(head) or first_design.has(head)
    if speakers.has_neck(head) and written and not own.is_property_set("turns"):
        _settling.add(head.session_uid)
        try:
            own.turns = True
        finally:
            _settling.discard(head.session_uid)
