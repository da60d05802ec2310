"""Which of Blender's own panels belong to DGTALKER, and one of ours that says what the engine runs on."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from .. import preferences, ui
from ..bridge import engine as bridge
from ..install.ui import operators as installing
from . import engine, passes
from .engine import DGTalkerRenderEngine
from .one_frame import operators as one_frame

BORROWED = (
    "EEVEE_WORLD_PT_surface",
    "RENDER_PT_opengl_film",
    "VIEWLAYER_PT_layer_passes",
    "VIEWLAYER_PT_workbench_layer_passes_data",
)
"""Panels of other engines that hold exactly what this one obeys: world colour, transparent film, passes."""

WITHOUT_EFFECT = ("freestyle",)


class EnginePanel(bpy.types.Panel):
    bl_idname = "RENDER_PT_dgtalker"
    bl_label = "DGTalker"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.engine == DGTalkerRenderEngine.bl_idname

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        preferences.draw_state(layout, context)
        if not bridge.state().python:
            installing.draw(layout, context)
        for line in preferences.Doctor.answer:
            if line["name"] in ("gpu", "gsplat"):
                layout.label(text=line["text"])
        if engine.last_error is not None:
            ui.alert(layout, context, str(engine.last_error))
        layout.operator(preferences.TestEngine.bl_idname, icon="CHECKMARK")
        for operator in one_frame.OPERATORS:
            layout.operator(operator)
        if context.scene.view_settings.view_transform != "Standard":
            layout.label(text="Colours are exact in the view Standard", icon="INFO")
            layout.use_property_split = True
            layout.prop(context.scene.view_settings, "view_transform")


class MotionBlurPanel(bpy.types.Panel):
    """Blender's settings, which Cycles and EEVEE show among their own."""

    bl_idname = "RENDER_PT_dgtalker_motion_blur"
    bl_label = "Motion Blur"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.engine == DGTalkerRenderEngine.bl_idname

    def draw_header(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        layout.prop(context.scene.render, "use_motion_blur", text="")

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.render
        assert layout is not None
        layout.use_property_split = True
        layout.active = settings.use_motion_blur
        layout.prop(settings, "motion_blur_position", text="Position")
        layout.prop(settings, "motion_blur_shutter")
        layout.template_curve_mapping(settings, "motion_blur_shutter_curve")


class PassesPanel(bpy.types.Panel):
    bl_idname = "VIEWLAYER_PT_dgtalker_passes"
    bl_label = "Heads"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "view_layer"
    bl_parent_id = "VIEWLAYER_PT_layer_passes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.engine == DGTalkerRenderEngine.bl_idname

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in passes.SWITCHES:
            layout.prop(context.view_layer, name)


def compatible_panels() -> list[Any]:
    """Classes of panels, with their sets `COMPAT_ENGINES`."""
    panels: list[Any] = []
    for panel in bpy.types.Panel.__subclasses__():
        name = panel.__name__
        basic = "BLENDER_RENDER" in getattr(panel, "COMPAT_ENGINES", ())
        if name in BORROWED or (basic and not any(word in name for word in WITHOUT_EFFECT)):
            panels.append(panel)
    return panels


def show_panels() -> None:
    for panel in compatible_panels():
        panel.COMPAT_ENGINES.add(DGTalkerRenderEngine.bl_idname)


def hide_panels() -> None:
    for panel in compatible_panels():
        panel.COMPAT_ENGINES.discard(DGTalkerRenderEngine.bl_idname)
