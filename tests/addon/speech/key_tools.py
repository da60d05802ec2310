"""What tests of keys look at and do as an animator would."""

from __future__ import annotations

import bpy

FIRST = 10
"""The frame at which performances start."""


def value(head, name, frame, subframe=0.0):
    bpy.context.scene.frame_set(frame, subframe=subframe)
    return head.data.shape_keys.key_blocks[name].value


def key_action(head, name, values):
    """Hand keys of the animator on one control: `values` by frame."""
    block = head.data.shape_keys.key_blocks[name]
    for frame, number in values.items():
        block.value = number
        block.keyframe_insert("value", frame=frame)


def fcurve(owner, path, index=0):
    animation = owner.animation_data
    bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
    return bag.fcurves.find(path, index=index)
