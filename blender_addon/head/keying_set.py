"""The keying set Head Expression: I and K key all sliders of the selected heads, and how the heads are turned."""

from __future__ import annotations

from typing import Any

import bpy

from . import expression_sliders, model, sliders


class HeadExpression(bpy.types.KeyingSetInfo):
    """Key all sliders of the selected Gaussian heads, and how they are turned"""

    bl_idname = "DGTALKER_KSI_head_expression"
    bl_label = "Head Expression"

    def poll(self, context: bpy.types.Context) -> bool:
        return bool(_heads(context))

    def iterator(self, context: bpy.types.Context, keyingset: bpy.types.KeyingSet) -> None:
        for head in _heads(context):
            self.generate(context, keyingset, head)

    def generate(self, context: bpy.types.Context, keyingset: bpy.types.KeyingSet, data: Any) -> None:
        key = model.key_of(data)
        assert key is not None
        for block in sliders.blocks_of(data, expression_sliders.slider_rig(data).names).values():
            keyingset.paths.add(key, block.path_from_id("value"), group_method="NONE")
        keyingset.paths.add(data, sliders.rotation_path(data), group_method="NONE")


def _heads(context: bpy.types.Context) -> list[bpy.types.Object]:
    """Those of the selection whose sliders can be keyed; linked and locked ones are left alone."""
    return [ob for ob in context.selected_objects or () if model.has_controls(ob) and not model.locked_reason(ob)]


CLASSES: tuple[type, ...] = (HeadExpression,)
