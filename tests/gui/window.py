"""A real Blender window with the extension, for the pictures of the README.

Runs inside a Blender with a screen (`blender --python tests/gui/window.py`). Needs DGTALKER_ZIP and
DGTALKER_ENGINE_PYTHON, as `python build.py test` sets them; creates the file that GUI_READY names when the window shows
the head speaking a syllable, its sliders and the speech panel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from steps import show, step

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"
ADDON = "bl_ext.user_default.dgtalker"


def area_of(kind: str) -> bpy.types.Area:
    return next(area for area in bpy.context.window.screen.areas if area.type == kind)


def prepare() -> None:
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    for ob in list(bpy.data.objects):
        if ob.type != "CAMERA":
            bpy.data.objects.remove(ob)


def talk() -> None:
    """The animator's steps, by the operators' synchronous side."""
    scene = bpy.context.scene
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    scene.render.fps = 25
    strip = scene.sequence_editor_create().strips.new_sound("Welcome", str(SAMPLE), channel=1, frame_start=1)
    strip.dgtalker.speaker = head
    scene.sequence_editor.active_strip = strip
    bpy.ops.dgtalker.animate()
    scene.frame_end = int(strip.right_handle)
    values = []
    for frame in range(1, scene.frame_end):
        scene.frame_set(frame)
        values.append(head.data.shape_keys.key_blocks["jawOpen"].value)
    scene.frame_set(1 + values.index(max(values)))


def arrange() -> None:
    """The 3D view at the face, its sidebar at our tab, the sequencer below."""
    scene = bpy.context.scene
    scene.camera.location, scene.camera.rotation_euler = (0.28, -0.85, 0.06), (1.53, 0.0, 0.318)
    scene.camera.data.lens = 75
    scene.render.engine = "DGTALKER"
    scene.view_settings.view_transform = "Standard"
    area_of("DOPESHEET_EDITOR").type = "SEQUENCE_EDITOR"
    view = area_of("VIEW_3D")
    space = view.spaces.active
    space.show_region_ui = True
    space.shading.type = "SOLID"
    space.overlay.show_overlays = False
    space.lens = 85
    region = next(region for region in view.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=bpy.context.window, area=view, region=region):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
        bpy.ops.view3d.view_orbit(angle=0.45, type="ORBITRIGHT")
    bpy.context.workspace.sequencer_scene = scene
    sequencer = area_of("SEQUENCE_EDITOR")
    region = next(region for region in sequencer.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=bpy.context.window, area=sequencer, region=region):
        bpy.ops.sequencer.view_all()


def open_tab() -> None:
    """The sidebar must have been drawn once before a tab can be chosen."""
    view = area_of("VIEW_3D")
    next(region for region in view.regions if region.type == "UI").active_panel_category = "DGTalker"


bpy.context.preferences.view.show_splash = False
step(prepare, talk, arrange, open_tab, show)
