"""Where farms are in the output properties: the rehearsal, and what it found."""

from __future__ import annotations

import bpy

from .. import ui
from . import operators, preflight


class FarmPanel(bpy.types.Panel):
    bl_idname = "RENDER_PT_dgtalker_farm"
    bl_label = "Heads on a Farm"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(preflight.heads_of(context.scene))

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        layout.operator(operators.Rehearse.bl_idname, icon="CHECKMARK")
        for each in operators.found:
            if each.ok and not each.advice:
                layout.label(text=each.text, icon="CHECKMARK")
            elif each.ok:
                ui.note(layout, context, f"{each.text} {each.advice}")
            else:
                ui.alert(layout, context, f"{each.text} {each.advice}".strip())


CLASSES = (FarmPanel,)
