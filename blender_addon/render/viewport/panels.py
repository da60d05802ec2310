"""The switch of live heads: in the viewport's overlays and in the head's panel."""

from __future__ import annotations

from typing import Any

import bpy

from ... import ui
from ...head.panels import HeadPanel
from . import live

_PROPERTY = "dgtalker_live"


def add() -> None:
    # It is kept by `live`, not by the .blend, in which it would come from somebody else.
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_live = bpy.props.BoolProperty(
        name="Live Heads",
        description="Show Gaussian heads as they are rendered, instead of the meshes that stand for them",
        get=lambda _manager: live.is_on(),
        set=lambda _manager, on: live.switch(on),
    )
    for panel in _panels():
        panel.append(draw_switch)


def remove() -> None:
    for panel in _panels():
        panel.remove(draw_switch)
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_live


def draw_switch(panel: bpy.types.Panel, context: bpy.types.Context) -> None:
    layout = panel.layout
    assert layout is not None
    layout.prop(context.window_manager, _PROPERTY)
    if live.problem:
        ui.alert(layout, context, live.problem)


def _panels() -> tuple[Any, Any]:
    overlay: Any = bpy.types
    return overlay.VIEW3D_PT_overlay, HeadPanel
