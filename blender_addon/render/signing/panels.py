"""The scene's switch for signatures, in the output properties."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ... import ui
from ...install.ui import operators as installing
from .. import engine
from . import settings


class SigningPanel(bpy.types.Panel):
    bl_idname = "RENDER_PT_dgtalker_signing"
    bl_label = "Content Credentials"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return settings.is_wanted(context.scene) or bool(settings.avatars(context.scene))

    def draw_header(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        layout.prop(context.scene, "dgtalker_sign", text="")

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        assert layout is not None
        ui.note(layout, context, "Pictures and films with heads are signed (C2PA) as they are written")
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
