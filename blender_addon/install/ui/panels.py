"""The sidebar's panel for whom has no engine yet: the same button and progress as in the preferences."""

from __future__ import annotations

import bpy

from ... import ui
from ...bridge import engine, find
from . import operators, running


class InstallPanel(ui.SidebarPanel, bpy.types.Panel):
    """Shown while there is no engine, or one is being installed."""

    bl_idname = "DGTALKER_PT_install"
    bl_label = "Engine"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return running.current() is not None or not engine.state().python

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        if running.current() is None:
            ui.alert(layout, context, find.NONE_INSTALLED)
        operators.draw(layout, context)


CLASSES = (InstallPanel,)
