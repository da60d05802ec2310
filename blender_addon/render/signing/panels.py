"""The scene's switch for signatures, in the output properties."""

from __future__ import annotations

import bpy

from ... import ui
from ...install.ui import operators as installing
from .. import engine
from . import settings


class SigningPanel(bpy.types.Panel):
    bl_idname = "RENDER_PT_dgtalker_signing"
    bl_label = "Content Credentials (C2PA)"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return settings.is_wanted(context.scene) or bool(settings.avatars(context.scene))

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        assert layout is not None
        layout.prop(scene, "dgtalker_sign")
        if not settings.is_wanted(scene):
            return
        if reason := settings.unsigned_reason(scene):
            ui.note(layout, context, reason)
        if settings.is_named():
            installing.draw_signing(layout)
        else:
            ui.alert(layout, context, "This machine has no certificate for it: name one in the preferences.")
            layout.operator("preferences.addon_show", text="Preferences…").module = settings.EXTENSION
        if engine.last_error is not None:
            ui.alert(layout, context, str(engine.last_error))


CLASSES: tuple[type, ...] = (SigningPanel,)
