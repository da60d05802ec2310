"""What moves a datablock: the animator's action, drivers, the curves of an action's slot; alike in every Blender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy


def of(owner: bpy.types.ID) -> bpy.types.AnimData | None:
    """The animation of a datablock, None where it has none yet."""
    animated: Any = owner
    return animated.animation_data


def ensured(owner: bpy.types.ID) -> bpy.types.AnimData:
    """The animation of a datablock, made where it has none."""
    animated: Any = owner
    return animated.animation_data or animated.animation_data_create()


def channelbag(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bpy.types.ActionChannelbag:
    """The curves of a slot; made where they are missing."""
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip: Any = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def channelbags(action: bpy.types.Action) -> Iterator[bpy.types.ActionChannelbag]:
    """The curves of all slots of an action that have some."""
    for layer in action.layers:
        strips: Any = layer.strips
        for strip in strips:
            yield from strip.channelbags


def active_curves(owner: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The curves of the action that the animator works on."""
    animation = of(owner)
    if not animation or not animation.action or not animation.action_slot:
        return []
    return _curves(animation.action, animation.action_slot)


def driven(owner: bpy.types.ID) -> set[str]:
    """The data paths that drivers move."""
    animation = of(owner)
    return {driver.data_path for driver in animation.drivers} if animation else set()


def played_by_strips(owner: bpy.types.ID) -> set[str]:
    """The data paths that NLA strips move."""
    return {
        curve.data_path
        for strip in _strips(owner)
        if strip.action and strip.action_slot
        for curve in _curves(strip.action, strip.action_slot)
    }


def actions(owner: bpy.types.ID) -> set[bpy.types.Action]:
    """All actions that move a datablock."""
    animation = of(owner)
    played = [strip.action for strip in _strips(owner)]
    return {action for action in (animation and animation.action, *played) if action}


def _strips(owner: bpy.types.ID) -> list[bpy.types.NlaStrip]:
    """All strips of a datablock's NLA tracks."""
    animation = of(owner)
    return [strip for track in animation.nla_tracks for strip in track.strips] if animation else []


def _curves(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> list[bpy.types.FCurve]:
    """The curves that an action has for a slot; it is not changed, as `channelbag` does where there are none."""
    return [curve for bag in channelbags(action) if bag.slot_handle == slot.handle for curve in bag.fcurves]


def tweaked(owner: bpy.types.ID) -> bool:
    """Whether the animator is inside an NLA strip, where tracks and actions must not change."""
    animation = of(owner)
    return bool(animation and animation.use_tweak_mode)
