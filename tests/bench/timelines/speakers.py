"""Who speaks in benches of the timeline; runs inside Blender."""

from __future__ import annotations

import json

import bpy


def make_head(name: str, neck: bool = False) -> bpy.types.Object:
    """A triangle with every slider of a head, on its own neck if asked."""
    from dgtalker_engine.rig import arkit_rig, head_rig

    rig = head_rig() if neck else arkit_rig()

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    head = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(head)
    head.dgtalker.rig = json.dumps(rig.to_json())
    head.shape_key_add(name="Basis")
    for control in rig.controls:
        block = head.shape_key_add(name=control.name)
        block.value, block.slider_min = 0.0, control.minimum
    return head
