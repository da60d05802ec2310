"""Which shape keys of somebody's rig are ARKit's controls: a list that the user edits, kept with the object."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.rig import ARKIT_NAMES

from ... import ui
from ...head import model
from ...properties import speaker_properties
from ..timeline import arkit_names


class RigOperator(ui.ExplainedOperator):
    """Mixin of operators on a mesh with shape keys that is no Gaussian head."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if rig_of(context) else "Select a mesh with shape keys."


class ChooseNames(RigOperator, bpy.types.Operator):
    """Choose yourself which shape key each of ARKit's 52 controls moves, where names do not say it. What the names do
    say is filled in"""

    bl_idname = "dgtalker.choose_names"
    bl_label = "Choose Shape Keys"

    def execute(self, context: bpy.types.Context) -> set[str]:
        ob = rig_of(context)
        assert ob is not None
        key = model.key_of(ob)
        assert key is not None
        chosen = speaker_properties(ob).names
        if not len(chosen):
            known = arkit_names.controls_of(block.name for block in key.key_blocks[1:])
            for control in ARKIT_NAMES:
                entry = chosen.add()
                entry.name, entry.shape_key = control, known.get(control, "")
        return {"FINISHED"}


class ForgetNames(RigOperator, bpy.types.Operator):
    """Go by the shape keys' own names again"""

    bl_idname = "dgtalker.forget_names"
    bl_label = "Go by Names"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        ob = rig_of(context)
        if ob is not None and not len(speaker_properties(ob).names):
            return "No shape keys were chosen."
        return super().disabled_reason(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        ob = rig_of(context)
        assert ob is not None
        speaker_properties(ob).names.clear()
        return {"FINISHED"}


class NameList(bpy.types.UIList):
    """ARKit's controls and the shape keys that they move"""

    bl_idname = "DGTALKER_UL_names"

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active: Any, property: Any, index: int = 0
    ) -> None:
        columns = layout.split(factor=0.5)
        columns.label(text=item.name)
        key = model.key_of(item.id_data)
        if key is not None:
            columns.prop_search(item, "shape_key", key, "key_blocks", text="")


def rig_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The selected mesh, where its shape keys can be chosen: a Gaussian head knows its own."""
    ob = context.object
    if ob is None or ob.type != "MESH" or model.is_head(ob) or model.key_of(ob) is None:
        return None
    return ob


def draw(layout: Any, context: bpy.types.Context) -> None:
    """The list, below a header that says how many of its controls the selected mesh has."""
    ob = rig_of(context)
    if ob is None:
        return
    chosen = speaker_properties(ob).names
    header, body = layout.panel("dgtalker_names", default_closed=True)
    header.label(text=f"Shape Keys of {ob.name}")
    if body and len(chosen):
        manager = context.window_manager
        body.template_list(NameList.bl_idname, "", speaker_properties(ob), "names", manager, "dgtalker_name", rows=6)
        body.operator(ForgetNames.bl_idname, icon="LOOP_BACK")
    elif body:
        body.operator(ChooseNames.bl_idname, icon="PRESET")


CLASSES = (ChooseNames, ForgetNames, NameList)
