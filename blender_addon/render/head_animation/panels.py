"""Head Animation in the render properties: its button, what it did last, and ways to look at that."""

from __future__ import annotations

import bpy

from dgtalker_engine.errors import Cancelled

from ... import ui
from . import contact_sheet, job, operators, plan


class HeadAnimationPanel(bpy.types.Panel):
    bl_idname = "RENDER_PT_dgtalker_head_animation"
    bl_label = "Head Animation"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_parent_id = "RENDER_PT_dgtalker"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.engine == plan.ENGINE

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        layout.operator(operators.RenderHeadAnimation.bl_idname, icon="RENDER_ANIMATION")
        done = job.last
        if done is None or not done.done or done.plan.scene != context.scene.name_full:
            return
        if done.error is not None and not isinstance(done.error, Cancelled):
            ui.alert(layout, context, str(done.error))
        if done.folder is None:
            return
        ui.note(layout, context, done.note)
        row = layout.row(align=True)
        row.operator("render.play_rendered_anim", text="Play", icon="PLAY")
        row.operator(contact_sheet.ContactSheet.bl_idname, icon="IMGDISPLAY")
        row.operator("wm.path_open", text="Open Folder", icon="FILE_FOLDER").filepath = str(done.folder)


CLASSES: tuple[type, ...] = (HeadAnimationPanel,)
