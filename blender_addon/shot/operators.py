"""The button of the shot."""

from __future__ import annotations

from typing import Any

import bpy

from .. import ui
from ..head import panels as head_panels
from . import setup


class TalkingShot(ui.ExplainedOperator, bpy.types.Operator):
    """Set the scene up for a speaking head: camera framed on it, render engine DGTalker, exact colours, the frames of
    the sound, playback in sync. What you have set up yourself stays"""

    bl_idname = "dgtalker.talking_shot"
    bl_label = "Talking Shot"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return setup.disabled_reason(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        changes = setup.set_up(context)
        space: Any = context.space_data
        if changes.camera and space is not None and space.type == "VIEW_3D":
            space.region_3d.view_perspective = "CAMERA"
        self.report({"WARNING" if changes.left else "INFO"}, " ".join(changes.sentences()))
        return {"FINISHED"}


def draw_menu(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator(TalkingShot.bl_idname, icon="CAMERA_DATA")


def draw_panel(panel: Any, context: bpy.types.Context) -> None:
    if not setup.disabled_reason(context):
        panel.layout.operator(TalkingShot.bl_idname, icon="CAMERA_DATA")


CLASSES: tuple[type, ...] = (TalkingShot,)


def add() -> None:
    menu: Any = head_panels.AddMenu
    menu.append(draw_menu)
    panel: Any = head_panels.HeadPanel
    panel.append(draw_panel)


def remove() -> None:
    panel: Any = head_panels.HeadPanel
    panel.remove(draw_panel)
    menu: Any = head_panels.AddMenu
    menu.remove(draw_menu)
