"""A real Blender window with speech in the Graph Editor and an edit by hand, for the picture of docs/keys.md.

Runs like `tests/gui/window.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from steps import show, step
from window import area_of, open_tab, prepare, talk

EDITED = 40


def edit() -> None:
    """The animator shuts the jaw on one frame, then moves a slider."""
    head = bpy.context.object
    bpy.context.scene.frame_set(EDITED)
    block = head.data.shape_keys.key_blocks["jawOpen"]
    block.value = 0.8
    block.keyframe_insert("value", frame=EDITED)
    bpy.context.scene.sequence_editor.active_strip.dgtalker.jaw = 0.6


def arrange() -> None:
    """The Graph Editor below, at the jaw's curve; our tab in the 3D view."""
    view = area_of("VIEW_3D")
    view.spaces.active.show_region_ui = True
    graph = area_of("DOPESHEET_EDITOR")
    graph.ui_type = "FCURVES"
    graph.spaces.active.dopesheet.filter_text = "jawOpen"
    head = bpy.context.object
    for curve in head.data.shape_keys.animation_data.action.layers[0].strips[0].channelbags[0].fcurves:
        curve.select = "jawOpen" in curve.data_path
    region = next(region for region in graph.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=bpy.context.window, area=graph, region=region):
        bpy.ops.graph.view_all()


if __name__ == "__main__":
    bpy.context.preferences.view.show_splash = False
    step(prepare, talk, edit, arrange, open_tab, show)
