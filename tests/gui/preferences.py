"""The extension's preferences in a real Blender window after Test Engine, for the README and for a critical look.

Runs like `tests/gui/window.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import bpy

ADDON = "bl_ext.user_default.dgtalker"


def prepare() -> float | None:
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    bpy.context.preferences.view.show_developer_ui = False
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "DGTalker"
    bpy.context.window.screen.areas[0].type = "PREFERENCES"
    bpy.app.timers.register(test, first_interval=1.0)
    return None


def test() -> None:
    if not os.environ.get("GUI_NO_TEST"):
        bpy.ops.dgtalker.test_engine()
    bpy.ops.preferences.addon_expand(module=ADDON)
    area = max(bpy.context.window.screen.areas, key=lambda area: area.width * area.height)
    area.type = "PREFERENCES"
    with bpy.context.temp_override(window=bpy.context.window, area=area):
        bpy.ops.screen.screen_full_area()
    bpy.context.window.cursor_warp(20, 20)  # away from buttons, which would show their tooltips
    bpy.app.timers.register(lambda: Path(os.environ["GUI_READY"]).touch(), first_interval=1.5)


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(prepare, first_interval=1.0)
