"""Render ▸ Heads with Cycles, Heads with EEVEE, and back."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from . import setup


class _HeadsWith(ui.ExplainedOperator):
    engine = ""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return setup.disabled_reason(context.scene)

    def execute(self, context: bpy.types.Context) -> set[str]:
        operator: Any = self
        try:
            setup.turn_on(context.scene, self.engine, context.view_layer.name)
        except DGTalkerError as error:
            operator.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if seen := setup.still_seen(context.scene):
            operator.report(
                {"WARNING"},
                f"{', '.join(seen)} cannot be changed here, so that {setup.ENGINES[self.engine]} draws the mesh, too: "
                "choose Object ▸ Library Override ▸ Make, or turn off Ray Visibility ▸ Camera in its own file.",
            )
            return {"FINISHED"}
        operator.report({"INFO"}, f"F12 and Ctrl-F12 render the heads in the picture of {setup.ENGINES[self.engine]}")
        return {"FINISHED"}


class HeadsWithCycles(_HeadsWith, bpy.types.Operator):
    """Render the scene with Cycles and its Gaussian heads in one picture: meshes hide heads and heads hide meshes. Your
    own compositor nodes stay; Heads Alone puts everything back"""

    bl_idname = "dgtalker.heads_with_cycles"
    bl_label = "Heads with Cycles"
    bl_options = {"REGISTER", "UNDO"}
    engine = "CYCLES"


class HeadsWithEevee(_HeadsWith, bpy.types.Operator):
    """Render the scene with EEVEE and its Gaussian heads in one picture: meshes hide heads and heads hide meshes. Your
    own compositor nodes stay; Heads Alone puts everything back"""

    bl_idname = "dgtalker.heads_with_eevee"
    bl_label = "Heads with EEVEE"
    bl_options = {"REGISTER", "UNDO"}
    engine = "EEVEE"


class HeadsAlone(ui.ExplainedOperator, bpy.types.Operator):
    """Undo Heads with Cycles or EEVEE: render engine, compositor and heads as they were before"""

    bl_idname = "dgtalker.heads_alone"
    bl_label = "Heads Alone"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if setup.is_on(context.scene) or setup.has_lost_heads(context.scene):
            return ""
        return setup.disabled_reason(context.scene) or "The heads are not rendered with the scene."

    def execute(self, context: bpy.types.Context) -> set[str]:
        setup.turn_off(context.scene)
        return {"FINISHED"}


CLASSES: tuple[type, ...] = (HeadsWithCycles, HeadsWithEevee, HeadsAlone)


OPERATORS = (HeadsWithCycles.bl_idname, HeadsWithEevee.bl_idname)
"""That turn it on."""


def draw_menu(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    for cls in CLASSES:
        menu.layout.operator(cls.bl_idname)
