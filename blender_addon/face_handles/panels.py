"""The switches of face handles: at the top of the sliders, and among the gizmos of a 3D view."""

from __future__ import annotations

from typing import Any

import bpy

from ..head import model
from ..head.panels import SlidersPanel
from . import view


def add() -> None:
    sliders: Any = SlidersPanel
    sliders.prepend(draw_switch)
    gizmos: Any = bpy.types
    gizmos.VIEW3D_PT_gizmo_display.append(draw_gizmo_switch)


def remove() -> None:
    gizmos: Any = bpy.types
    gizmos.VIEW3D_PT_gizmo_display.remove(draw_gizmo_switch)
    sliders: Any = SlidersPanel
    sliders.remove(draw_switch)


def draw_switch(panel: bpy.types.Panel, context: bpy.types.Context) -> None:
    assert panel.layout is not None
    own = view.form(context)
    row = panel.layout.row(align=True)
    row.prop(own, "on", toggle=True, icon="GIZMO")
    row.prop(own, "mirror", text="", icon="MOD_MIRROR")


def draw_gizmo_switch(panel: bpy.types.Panel, context: bpy.types.Context) -> None:
    assert panel.layout is not None
    if model.has_controls(context.object):
        panel.layout.label(text="Gaussian Head")
        panel.layout.prop(view.form(context), "on")
